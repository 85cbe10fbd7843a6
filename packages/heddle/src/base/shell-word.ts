/** Shell quoting: any text as one word of a POSIX shell. Pure. */

/** Inside single quotes a shell has no special characters; NUL is in no word. What needs no quotes gets none. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
