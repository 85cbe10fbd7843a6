/** Count with its noun, for messages. Only for nouns whose plural adds an `s`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
