/** Count with its noun, for sentences. Knows nouns that take an `s` alone. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
