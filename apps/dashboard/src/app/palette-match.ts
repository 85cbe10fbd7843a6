/** Matches of the palette: entries that have the letters of a text in order, the likelier ones first. Pure. */

/** At most `most`, those that begin with the text first, then those with it in a word, then those with its letters in order. */
export function matchesOf<Entry extends { readonly text: string }>(
  entries: readonly Entry[],
  text: string,
  most: number,
): readonly Entry[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return entries.slice(0, most);
  const ranked: (readonly [rank: number, entry: Entry])[] = [];
  for (const entry of entries) {
    const rank = rankOf(entry.text.toLowerCase(), wanted);
    if (rank !== undefined) ranked.push([rank, entry]);
  }
  return ranked
    .toSorted(([one], [other]) => one - other)
    .slice(0, most)
    .map(([, entry]) => entry);
}

/** Smaller is likelier; `undefined`: it is no match. */
function rankOf(text: string, wanted: string): number | undefined {
  const at = text.indexOf(wanted);
  if (at === 0) return text.length === wanted.length ? 0 : 1;
  if (at > 0) return /[\w\d]/.test(text[at - 1] ?? "") ? 3 : 2;
  let from = 0;
  for (const letter of wanted) {
    const found = text.indexOf(letter, from);
    if (found < 0) return undefined;
    from = found + letter.length;
  }
  return 4;
}
