/**
 * Log check: finds damage in the middle of SQLite's write-ahead log. SQLite treats the first record with a wrong
 * checksum as the end of the log, because a power cut leaves such a record; damage in the middle would silently drop
 * commits that were acknowledged. Knows the layout of the log; does not change it.
 *
 * Why damage can be distinguished from a torn end: commits are synced one after the other, so a frame after a commit was
 * written only when that commit was on disk. If a frame does not match, then there is a commit, then a frame that
 * matches again, the first one was complete once.
 */
import { readFileSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Logs whose checksums run over little-endian words; others are written on machines that heddle does not run on. */
const MAGIC = 0x377f0682;

interface Sum {
  readonly a: number;
  readonly b: number;
}

/**
 * The number of the first damaged frame (0: the header) of the log at `path`, if commits after it would be lost;
 * `undefined`: nothing of that kind. Others may write to the log meanwhile.
 */
export function damagedFrame(path: string): number | undefined {
  const first = suspect(path);
  if (first === undefined) return undefined;
  // A frame that was being written while its followers were read looks the same: but not twice.
  return suspect(path) === first ? first : undefined;
}

function suspect(path: string): number | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  if (bytes.length < HEADER_BYTES + FRAME_HEADER_BYTES) return undefined;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pageBytes = pageSize(words);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const count = Math.floor((bytes.length - HEADER_BYTES) / frameBytes);
  if (count < 1) return undefined;

  const header = sumOver(words, 0, 24, { a: 0, b: 0 });
  const headerSum = { a: words.getUint32(24), b: words.getUint32(28) };
  let bad: number | undefined = same(header, headerSum) && words.getUint32(0) === MAGIC ? undefined : 0;
  // With a damaged header the salts of the frames are only known from the frames.
  const salt = bad === undefined ? saltAt(words, 16) : saltAt(words, HEADER_BYTES + 8);
  let before: readonly Sum[] = bad === undefined ? [headerSum] : [headerSum, header];
  let committed = false;

  for (let frame = 1; frame <= count; frame++) {
    const at = HEADER_BYTES + (frame - 1) * frameBytes;
    const stored = { a: words.getUint32(at + 16), b: words.getUint32(at + 20) };
    const sums = before.map((sum) => frameSum(words, at, pageBytes, sum));
    const matches = sums.some((sum) => same(sum, stored)) && saltAt(words, at + 8) === salt;
    if (bad !== undefined && matches && committed) return bad;
    if (!matches) {
      // Two broken places are an end of the log, or more damage than can be distinguished from one.
      if (bad !== undefined) return undefined;
      bad = frame;
    }
    if (bad !== undefined && words.getUint32(at + 4) !== 0) committed = true;
    // The next frame builds on what this one stored; or on what it should have stored, if that is what is damaged.
    before = matches ? [stored] : [stored, ...sums];
  }
  return undefined;
}

/** What the header says, or SQLite's default where it says nonsense. */
function pageSize(words: DataView): number {
  const size = words.getUint32(8);
  return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0 ? size : 4096;
}

function saltAt(words: DataView, at: number): string {
  return `${words.getUint32(at)}.${words.getUint32(at + 4)}`;
}

function same(a: Sum, b: Sum): boolean {
  return a.a === b.a && a.b === b.b;
}

/** The salts in a frame's header are not part of its sum. */
function frameSum(words: DataView, at: number, pageBytes: number, before: Sum): Sum {
  return sumOver(words, at + FRAME_HEADER_BYTES, pageBytes, sumOver(words, at, 8, before));
}

function sumOver(words: DataView, from: number, length: number, before: Sum): Sum {
  let { a, b } = before;
  for (let at = from; at < from + length; at += 8) {
    a = (a + words.getUint32(at, true) + b) >>> 0;
    b = (b + words.getUint32(at + 4, true) + a) >>> 0;
  }
  return { a, b };
}
