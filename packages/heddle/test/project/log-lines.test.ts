/** Logs as lines: whole, whatever their length and however they are written, with a bounded part of them in memory. */
import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { safeLine } from "../../src/base/safe-text.ts";
import { lastLines, LogCursor, type LogLines } from "../../src/project/log-lines.ts";
import { PrintQueue, type Sink } from "../../src/cli/print-queue.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("log-lines");
const PIECE = 65_536;

/** What a reader of the pieces sees. */
function joined(pieces: readonly LogLines[]): string {
  return pieces.map(({ lines, isOpen }) => lines.join("\n") + (isOpen ? "" : "\n")).join("");
}

function readAll(cursor: LogCursor, final: boolean, pieces: LogLines[] = []): LogLines[] {
  for (let read = cursor.next(final); read !== undefined; read = cursor.next(final)) pieces.push(read);
  return pieces;
}

/** Runs of one character, so that a sample is short to say: what stands at the borders of pieces is what matters. */
const text = fc
  .array(
    fc.record({
      of: fc.constantFrom("x", "ä", "漢", "👍", "\n", "a\n", "\u001b[31m", "end\n"),
      times: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 15_000, max: 140_000 })),
    }),
    { maxLength: 6 },
  )
  .map((runs) => runs.map(({ of, times }) => (of.includes("\n") ? of : of.repeat(times))).join(""));

test("lines of any length are given whole, in pieces of bounded size, while the log grows", () => {
  fc.assert(
    fc.property(text, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }), (written, cuts) => {
      const file = path.join(folder, "grows.log");
      const bytes = Buffer.from(written);
      writeFileSync(file, "");
      const cursor = new LogCursor(file);
      const pieces: LogLines[] = [];
      let at = 0;
      for (const end of [...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length]) {
        appendFileSync(file, bytes.subarray(at, end));
        at = end;
        readAll(cursor, false, pieces);
        // Nothing is given of a line that is not whole: other lines may come before its end.
        expect(pieces.at(-1)?.isOpen ?? false).toBe(false);
      }
      readAll(cursor, true, pieces);
      const shown = joined(pieces);
      expect(shown === written || shown === `${written}\n`).toBe(true);
      for (const { lines } of pieces) expect(Buffer.byteLength(lines.join("\n"))).toBeLessThanOrEqual(PIECE);
    }),
    { numRuns: 60 },
  );
});

test("a long line keeps its characters and its escape sequences in one piece", () => {
  const file = path.join(folder, "pieces.log");
  for (const over of [0, 1, 2, 3, 4, 5]) {
    const line = `${"y".repeat(PIECE - over)}漢\u001b[31mred\u001b[0m${"z".repeat(70_000)}`;
    writeFileSync(file, `${line}\nnext\n`);
    const pieces = readAll(new LogCursor(file), true);
    expect(pieces.map(({ lines }) => lines.map(safeLine).join("\n")).join("")).toBe(`${safeLine(line)}\nnext`);
  }
});

test("of a long line that was written over, only its last state is given", () => {
  const file = path.join(folder, "progress.log");
  writeFileSync(file, `${Array.from({ length: 30_000 }, (_, i) => `${i} of 30000`).join("\r")}\ndone\n`);
  expect(
    joined(readAll(new LogCursor(file), true))
      .split("\n")
      .map(safeLine),
  ).toEqual(["29999 of 30000", "done", ""]);
});

test("what is printed of a log has a prefix and a line end for each line, and for nothing else", async () => {
  const file = path.join(folder, "printed.log");
  const document = JSON.stringify({ text: "q".repeat(200_000) });
  writeFileSync(file, `first\n${document}\nlast ${"w".repeat(PIECE)}`);
  let shown = "";
  const sink: Sink = { write: (written) => ((shown += written), true), drained: async () => undefined };
  const queue = new PrintQueue(sink);
  queue.log(new LogCursor(file), "[a] ", true);
  queue.line("after");
  await queue.idle();
  expect(shown).toBe(`[a] first\n[a] ${document}\n[a] last ${"w".repeat(PIECE)}\nafter\n`);
});

test("the last lines of a log that is one long line are its end", () => {
  const file = path.join(folder, "one.log");
  writeFileSync(file, `${"漢".repeat(20_000)}the end`);
  const [line = "", ...others] = lastLines(file, 3);
  expect(others).toEqual([]);
  expect(line).toMatch(/^…漢.*the end$/);
});
