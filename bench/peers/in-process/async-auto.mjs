/** The same graph by async.auto. `node async-auto.mjs STEPS [WIDTH]`. */
import auto from "async/auto.js";

const count = Number(process.argv[2] ?? 10_000);
const width = Number(process.argv[3] ?? 1000);
const depsOf = (at) => (at >= 10 && at % 3 !== 0 ? [...new Set([at - 10, at >> 1])] : []);
const heapBefore = process.memoryUsage().heapUsed;
const from = performance.now();
const tasks = {};
for (let at = 0; at < count; at++) {
  const deps = depsOf(at).map((dep) => `s${dep}`);
  tasks[`s${at}`] = deps.length === 0 ? async () => null : [...deps, async () => null];
}
await auto(tasks, width);
const ms = performance.now() - from;
const bytes = process.memoryUsage().heapUsed - heapBefore;
console.log(JSON.stringify({ ms, bytesPerStep: bytes / count, rssMb: process.resourceUsage().maxRSS / 1024, steps: count }));
