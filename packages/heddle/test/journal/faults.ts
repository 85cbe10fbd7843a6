/** Builds and talks to `faults.c`, and rebuilds what a disk may hold after a power cut from its record. */
import { spawnSync } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/base/random.ts";

/** The library's path; `undefined` where there is no compiler. */
export function buildFaults(folder: string): string | undefined {
  const library = join(folder, "faults.so");
  const source = fileURLToPath(new URL("faults.c", import.meta.url));
  if (process.platform !== "linux") return undefined;
  const built = spawnSync("gcc", ["-O1", "-shared", "-fPIC", "-o", library, source], { encoding: "utf8" });
  if (built.error !== undefined) return undefined;
  if (built.status !== 0) throw new Error(built.stderr);
  return library;
}

/** Says something to the library, in the process that it is loaded into. */
export function control(folder: string): (text: string) => void {
  const descriptor = openSync(join(folder, "control"), "w");
  return (text) => {
    writeSync(descriptor, text);
  };
}

export type Op =
  | { readonly op: "write"; readonly file: "d" | "w"; readonly offset: number; readonly bytes: Buffer }
  | { readonly op: "truncate"; readonly file: "d" | "w"; readonly size: number }
  | { readonly op: "sync"; readonly file: "d" | "w" }
  | { readonly op: "note"; readonly text: string };

export function parseRecord(record: Buffer): readonly Op[] {
  const ops: Op[] = [];
  let at = 0;
  while (at < record.length) {
    const end = record.indexOf(10, at);
    const [op, kind, offset, length] = record.toString("latin1", at, end).split(" ");
    const file = kind === "d" ? "d" : "w";
    at = end + 1;
    if (op === "S") ops.push({ op: "sync", file });
    else if (op === "T") ops.push({ op: "truncate", file, size: Number(offset) });
    else {
      const bytes = record.subarray(at, at + Number(length));
      at += bytes.length;
      if (op === "W") ops.push({ op: "write", file, offset: Number(offset), bytes });
      else ops.push({ op: "note", text: bytes.toString() });
    }
  }
  return ops;
}

type FileOp = Extract<Op, { readonly op: "write" | "truncate" }>;

/** A file that grows by doubling, so that 10,000 images of it are cheap. */
class Image {
  #bytes: Buffer;
  #length: number;

  constructor(bytes: Buffer = Buffer.alloc(1 << 16), length = 0) {
    this.#bytes = bytes;
    this.#length = length;
  }

  copy(): Image {
    return new Image(Buffer.from(this.#bytes), this.#length);
  }

  content(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  apply(op: FileOp, from = 0, to: number = op.op === "write" ? op.bytes.length : 0): void {
    if (op.op === "truncate") {
      this.#grow(op.size);
      if (op.size < this.#length) this.#bytes.fill(0, op.size, this.#length);
      this.#length = op.size;
      return;
    }
    this.#grow(op.offset + to);
    op.bytes.copy(this.#bytes, op.offset + from, from, to);
    this.#length = Math.max(this.#length, op.offset + to);
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.alloc(size * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const SECTOR = 512;

/** What a disk may do to an unsynced write: nothing, all of it, or some of its sectors. */
function applyPerhaps(image: Image, op: FileOp, random: Random): void {
  const choice = random();
  if (choice < 0.35) return;
  if (choice < 0.7 || op.op === "truncate") {
    image.apply(op);
    return;
  }
  for (let from = 0; from < op.bytes.length; from += SECTOR) {
    if (random() < 0.5) image.apply(op, from, Math.min(op.bytes.length, from + SECTOR));
  }
}

export interface Cut {
  readonly main: Buffer;
  readonly log: Buffer;
  /** Notes made before the cut. */
  readonly notes: readonly string[];
}

/** Disks after power cuts at `points` (indices into `ops`, ascending): what was synced is there, the rest by chance. */
export function* powerCuts(ops: readonly Op[], points: readonly number[], random: Random): Generator<Cut> {
  const synced = { d: new Image(), w: new Image() };
  const pending: { d: FileOp[]; w: FileOp[] } = { d: [], w: [] };
  const notes: string[] = [];
  let at = 0;
  for (const point of points) {
    for (; at < point; at++) {
      const op = ops[at];
      if (op === undefined) break;
      if (op.op === "note") notes.push(op.text);
      else if (op.op !== "sync") pending[op.file].push(op);
      else for (const done of pending[op.file].splice(0)) synced[op.file].apply(done);
    }
    const cut = { d: synced.d.copy(), w: synced.w.copy() };
    for (const file of ["d", "w"] as const) for (const op of pending[file]) applyPerhaps(cut[file], op, random);
    yield { main: cut.d.content(), log: cut.w.content(), notes: [...notes] };
  }
}
