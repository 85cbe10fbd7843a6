/**
 * The limit in memory: the same graph run by a hand-written loop over in-degrees, each step an awaited function, up to WIDTH at
 * once. It records nothing. `node by-hand.ts STEPS [WIDTH]`.
 */
import { depsOfNoop } from "../kit/graphs.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const width = Number(process.argv[3] ?? 1000);
const noop = async (): Promise<null> => null;
const ids = Array.from({ length: count }, (_none, at) => `s${at}`);

globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const from = performance.now();
const left = new Int32Array(count);
const offsets = new Int32Array(count + 1);
for (let at = 0; at < count; at++) {
  for (const dep of depsOfNoop(at)) {
    left[at] = (left[at] ?? 0) + 1;
    offsets[dep + 1] = (offsets[dep + 1] ?? 0) + 1;
  }
}
for (let at = 0; at < count; at++) offsets[at + 1] = (offsets[at + 1] ?? 0) + (offsets[at] ?? 0);
const followers = new Int32Array(offsets[count] ?? 0);
const filled = offsets.slice();
for (let at = 0; at < count; at++) {
  for (const dep of depsOfNoop(at)) {
    const place = filled[dep] ?? 0;
    filled[dep] = place + 1;
    followers[place] = at;
  }
}
const results: unknown[] = [];
const ready: number[] = [];
for (let at = 0; at < count; at++) if (left[at] === 0) ready.push(at);
let head = 0;
let ended = 0;
await new Promise<void>((done) => {
  let running = 0;
  async function carryOut(step: number): Promise<void> {
    results[step] = await noop();
    running--;
    ended++;
    for (let edge = offsets[step] ?? 0; edge < (offsets[step + 1] ?? 0); edge++) {
      const follower = followers[edge] ?? 0;
      left[follower] = (left[follower] ?? 0) - 1;
      if (left[follower] === 0) ready.push(follower);
    }
    fill();
    if (ended === count) done();
  }
  function fill(): void {
    while (running < width && head < ready.length) {
      running++;
      void carryOut(ready[head++] as number);
    }
  }
  fill();
});
const ms = performance.now() - from;
globalThis.gc?.();
const bytes = process.memoryUsage().heapUsed - heapBefore;
console.log(
  JSON.stringify({ ms, bytesPerStep: bytes / count, rssMb: process.resourceUsage().maxRSS / 1024, steps: ids.length }),
);
