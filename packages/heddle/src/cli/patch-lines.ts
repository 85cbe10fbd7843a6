/** Patch lines: a unified diff and its summary for a screen. What files and their names have in them is shown, and does nothing there. */
import { plural } from "../base/plural.ts";
import { visibleLine } from "../base/safe-text.ts";
import type { FileChange } from "../project/port.ts";
import { cutMiddle, pad, widthOf } from "./output-text.ts";
import type { Output, Style } from "./output.ts";

type Screen = Pick<Output, "style" | "columns">;

/** A row has at most this share of the screen for the name. */
const NAME_SHARE = 0.6;

/** Between a name and its bar: spaces, a rule and the count. */
const AROUND = 12;

export function* patchLines(screen: Screen, bytes: Uint8Array): Generator<string, void, undefined> {
  const text = new TextDecoder().decode(bytes);
  if (text === "") return;
  // Lines that the current hunk still has of both sides: only outside of it are lines such as `--- a/x` of the diff itself.
  let [old, now] = [0, 0];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const shown = visibleLine(line);
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (old > 0 || now > 0) {
      if (!line.startsWith("+") && !line.startsWith("\\")) old--;
      if (!line.startsWith("-") && !line.startsWith("\\")) now--;
      const colour: Style | undefined = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : undefined;
      yield colour === undefined ? shown : screen.style(colour, shown);
    } else if (hunk !== null) {
      [old, now] = [Number(hunk[1] ?? 1), Number(hunk[2] ?? 1)];
      yield screen.style("cyan", shown);
    } else yield line.startsWith("\\") ? shown : screen.style("bold", shown);
  }
}

/** A row for each file, and their sum. */
export function* statLines(screen: Screen, files: readonly FileChange[]): Generator<string, void, undefined> {
  const names = files.map(({ path, from }) => visibleLine(from === undefined ? path : `${from} => ${path}`));
  const room = Math.max(10, Math.floor(screen.columns * NAME_SHARE));
  const width = Math.min(
    room,
    names.reduce((most, name) => Math.max(most, widthOf(name)), 0),
  );
  const counts = files.map(({ added, removed }) => (added ?? 0) + (removed ?? 0));
  const most = counts.reduce((highest, count) => Math.max(highest, count), 0);
  const scale = Math.min(1, Math.max(5, screen.columns - width - AROUND) / Math.max(1, most));
  for (const [at, { added, removed, status }] of files.entries()) {
    const what = status === "modified" ? "" : ` (${status})`;
    const bar =
      added === null || removed === null
        ? "binary"
        : `${String(counts[at]).padStart(String(most).length)} ${screen.style("green", "+".repeat(Math.ceil(added * scale)))}${screen.style("red", "-".repeat(Math.ceil(removed * scale)))}`;
    yield ` ${pad(cutMiddle(names[at] ?? "", width), width)} | ${bar}${what}`;
  }
  const sum = (of: "added" | "removed"): number => files.reduce((total, file) => total + (file[of] ?? 0), 0);
  yield ` ${plural(files.length, "file")}, ${plural(sum("added"), "line")} added, ${plural(sum("removed"), "line")} removed`;
}
