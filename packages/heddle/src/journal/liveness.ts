/**
 * Process liveness: identifies processes and asks the operating system whether they are alive. Knows no lease and no
 * run.
 *
 * A pid alone does not identify a process, because pids are reused. A process is identified by its pid and its start
 * time: clock ticks since boot on Linux, a date from `ps` elsewhere.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { uptime } from "node:os";
import type { Machine } from "./lease.ts";
import type { Holder } from "./port.ts";

/** When this process started: asked once, for it stays. */
let ownStart: string | undefined;

/** This process as the holder of leases. `title` is what a person calls it. */
export function thisProcess(title: string): Holder {
  ownStart ??= processStart(process.pid);
  return { pid: process.pid, started: ownStart ?? "", title };
}

/** Whether the very process that `holder` names lives; a zombie does not. */
export function isProcessAlive(holder: Holder): boolean {
  // Asked for each row of a list of runs: of itself a process knows.
  if (holder.pid === process.pid)
    return process.platform !== "linux" || ["", thisProcess("").started].includes(holder.started);
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    // EPERM: it lives and belongs to somebody else.
    if ((thrown as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const started = processStart(holder.pid);
  if (started === undefined) return process.platform !== "linux";
  return holder.started === "" || started === holder.started;
}

/** When a process started, in the system's own units; `undefined`: there is no such process, or it is a zombie. */
export function processStart(pid: number): string | undefined {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name is in brackets and may contain spaces and brackets: count from the last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startFromPs(pid: number): string | undefined {
  // Loaded where it is needed: on Linux it never is, and loading takes milliseconds of every start.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const ps = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
  });
  const text = ps.status === 0 ? ps.stdout.trim() : "";
  if (text === "" || text.startsWith("Z")) return undefined;
  return text.replace(/^\S+\s+/, "").replace(/\s+/g, " ");
}

/** The boot and the process space that this process lives in. */
export function thisMachine(): Machine {
  return {
    boot: quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()),
    space: quietly(() => readlinkSync("/proc/self/ns/pid")),
  };
}

/** Milliseconds since boot: the same for every process, and deaf to changes of the wall clock. */
export function uptimeMs(): number {
  return Math.floor(uptime() * 1000);
}

function quietly(ask: () => string): string {
  try {
    return ask();
  } catch {
    return "";
  }
}
