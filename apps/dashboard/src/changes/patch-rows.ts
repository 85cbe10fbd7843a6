/** Rows of a unified diff of one file: what was removed, added and stayed, with the numbers of the lines. Pure. */

export type PatchRow =
  /** Where the next lines are. */
  | { readonly kind: "place"; readonly text: string }
  /** What git says of the file: it moved, another mode, it is not text. */
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "same"; readonly before: number; readonly after: number; readonly text: string }
  | { readonly kind: "removed"; readonly before: number; readonly text: string }
  | { readonly kind: "added"; readonly after: number; readonly text: string };

export type LineRow = Extract<PatchRow, { readonly text: string; readonly kind: "same" | "removed" | "added" }>;

const NOTE = /^(?:rename|copy|new file mode 100755|old mode|new mode|deleted file mode|Binary files|similarity)/;
const PLACE = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/s;

export function patchRows(patch: string): readonly PatchRow[] {
  const rows: PatchRow[] = [];
  let before = 0;
  let after = 0;
  let isInside = false;
  const lines = patch.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    const [whole, from, to, about = ""] = PLACE.exec(line) ?? [];
    if (whole !== undefined) {
      isInside = true;
      [before, after] = [Number(from), Number(to)];
      rows.push({ kind: "place", text: about.trim() });
      continue;
    }
    if (!isInside) {
      if (NOTE.test(line)) rows.push({ kind: "note", text: line });
      continue;
    }
    const text = line.slice(1);
    if (line.startsWith("+")) rows.push({ kind: "added", after: after++, text });
    else if (line.startsWith("-")) rows.push({ kind: "removed", before: before++, text });
    else if (line.startsWith("\\")) rows.push({ kind: "note", text: "no end of line at the end of the file" });
    else rows.push({ kind: "same", before: before++, after: after++, text });
  }
  return rows;
}

/** Beside each other: what a line was, and what it is. */
export type SplitRow =
  | { readonly kind: "across"; readonly row: Extract<PatchRow, { readonly kind: "place" | "note" }> }
  | { readonly kind: "pair"; readonly left: LineRow | undefined; readonly right: LineRow | undefined };

export function splitRows(rows: readonly PatchRow[]): readonly SplitRow[] {
  const found: SplitRow[] = [];
  let removed: LineRow[] = [];
  let added: LineRow[] = [];
  const flush = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at++)
      found.push({ kind: "pair", left: removed[at], right: added[at] });
    [removed, added] = [[], []];
  };
  for (const row of rows) {
    if (row.kind === "removed") {
      // What was added belongs to what was removed before it.
      if (added.length > 0) flush();
      removed.push(row);
    } else if (row.kind === "added") added.push(row);
    else {
      flush();
      found.push(row.kind === "same" ? { kind: "pair", left: row, right: row } : { kind: "across", row });
    }
  }
  flush();
  return found;
}

/** Of a line that was changed into another: where they differ, as characters from and to. `undefined`: nearly everywhere. */
export function changedPart(text: string, other: string): readonly [from: number, to: number] | undefined {
  const most = Math.min(text.length, other.length);
  let from = 0;
  while (from < most && text[from] === other[from]) from++;
  let end = 0;
  while (end < most - from && text.at(-1 - end) === other.at(-1 - end)) end++;
  const kept = text.slice(0, from).trim().length + text.slice(text.length - end).trim().length;
  return kept * 3 < text.trim().length ? undefined : [from, text.length - end];
}

/** For each removed or added line, the one that it was changed into or from. */
export function partners(rows: readonly PatchRow[]): ReadonlyMap<PatchRow, string> {
  const found = new Map<PatchRow, string>();
  for (const row of splitRows(rows)) {
    if (row.kind !== "pair" || row.left === undefined || row.right === undefined || row.left === row.right) continue;
    found.set(row.left, row.right.text);
    found.set(row.right, row.left.text);
  }
  return found;
}
