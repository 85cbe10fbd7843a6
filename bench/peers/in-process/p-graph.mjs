/** The same graph by p-graph. `node p-graph.mjs STEPS [WIDTH]`. */
import { PGraph } from "p-graph";

const count = Number(process.argv[2] ?? 100_000);
const width = Number(process.argv[3] ?? 1000);
const depsOf = (at) => (at >= 10 && at % 3 !== 0 ? [...new Set([at - 10, at >> 1])] : []);
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const from = performance.now();
const nodes = new Map();
const edges = [];
const noop = async () => null;
for (let at = 0; at < count; at++) {
  nodes.set(`s${at}`, { run: noop });
  for (const dep of depsOf(at)) edges.push([`s${dep}`, `s${at}`]);
}
await new PGraph(nodes, edges).run({ concurrency: width });
const ms = performance.now() - from;
globalThis.gc?.();
const bytes = process.memoryUsage().heapUsed - heapBefore;
console.log(JSON.stringify({ ms, bytesPerStep: bytes / count, rssMb: process.resourceUsage().maxRSS / 1024, steps: nodes.size }));
