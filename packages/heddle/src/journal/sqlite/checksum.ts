/**
 * Checksum: CRC-32 (as in zip) of the UTF-8 bytes of a text. Knows nothing of events.
 *
 * Loading `node:zlib` takes 2 ms, which matters to a short run; its `crc32` is 2.5 times as fast as this one, which
 * matters to a long run. So the first events are summed here, and the module is loaded after many.
 */

const OWN_BYTES = 256 * 1024;
const SCRATCH_BYTES = 4096;

let table: Int32Array | undefined;
let scratch: Buffer | undefined;
let summedBytes = 0;
let zlibCrc: ((text: string) => number) | undefined;

/** A signed 32-bit number, which SQLite stores in 4 bytes. */
export function crc32(text: string): number {
  if (zlibCrc === undefined) {
    summedBytes += text.length;
    if (summedBytes <= OWN_BYTES) return ownCrc32(text);
    zlibCrc = process.getBuiltinModule("node:zlib").crc32;
  }
  return zlibCrc(text) | 0;
}

/** The same by table; exported for the test that compares both. */
export function ownCrc32(text: string): number {
  const steps = (table ??= makeTable());
  // 3 bytes is the most that one UTF-16 unit takes in UTF-8.
  let bytes = (scratch ??= Buffer.allocUnsafe(SCRATCH_BYTES));
  let length: number;
  if (text.length * 3 <= SCRATCH_BYTES) {
    length = bytes.write(text);
  } else {
    bytes = Buffer.from(text);
    length = bytes.length;
  }
  let crc = -1;
  for (let i = 0; i < length; i++) crc = (steps[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc;
}

function makeTable(): Int32Array {
  const made = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    made[n] = c;
  }
  return made;
}
