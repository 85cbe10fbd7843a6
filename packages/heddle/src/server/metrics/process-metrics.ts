/** Process metrics: memory, time and open files of this process, read when they are asked for: no timer, no observer. */
import { readdir } from "node:fs/promises";
import { Counter, Gauge, type Registry } from "prom-client";

const MICROSECONDS = 1_000_000;

export function processMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    const made: Gauge = new Gauge({
      name,
      help,
      registers: [],
      collect: async () => made.set(await read()),
    });
    registry.registerMetric(made);
  };
  registry.registerMetric(cpuSeconds());
  gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss());
  gauge("process_open_fds", "Open files; absent where the system does not tell.", openFiles);
  gauge(
    "nodejs_heap_size_used_bytes",
    "Of the heap of JavaScript, what is used.",
    () => process.memoryUsage().heapUsed,
  );
  gauge("nodejs_heap_size_total_bytes", "Size of the heap of JavaScript.", () => process.memoryUsage().heapTotal);
  gauge("process_uptime_seconds", "Since the process began.", () => process.uptime());
}

function cpuSeconds(): Counter {
  let told = 0;
  const made: Counter = new Counter({
    name: "process_cpu_seconds_total",
    help: "Time of processors that the process has used.",
    registers: [],
    collect: () => {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / MICROSECONDS;
      made.inc(seconds - told);
      told = seconds;
    },
  });
  return made;
}

async function openFiles(): Promise<number> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return Number.NaN;
  }
}
