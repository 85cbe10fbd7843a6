/**
 * Process table of the system: which processes live, their parents, their tags. Only read. Linux: /proc; elsewhere: `ps`
 * (by the function passed in). Knows no attempt and ends nothing.
 *
 * Invariant: a process is one (pid, started) pair; a pid alone may belong to another process by now.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { TAG_VARIABLE } from "./environment.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** In the system's units; `""`: unknown. */
  readonly started: string;
  /** A zombie holds nothing any more and waits for its parent only. */
  readonly zombie: boolean;
  readonly memoryMb: number;
}

/** One look at the table. */
export interface ProcessSnapshot {
  readonly processes: ReadonlyMap<number, ProcessInfo>;
  /** The environment variable `name` that the process was started with; `undefined`: absent, or not ours to read. */
  variable(pid: number, name: string): string | undefined;
}

export interface ProcessTable {
  /** May be shared with a look that was taken a moment ago: see {@link ProcessTable.forget}. */
  read(): ProcessSnapshot;
  /** The next reading is a new one: to be called by who must not miss what started since the last. */
  forget?(): void;
  /** Children of `pid` (all of its threads), without reading the whole table; `undefined`: the system cannot say. */
  children(pid: number): readonly number[] | undefined;
}

const PAGE_MB = 4096 / 1024 / 1024;

/** Enough for the environment of every normal process; the rest is not read. */
const ENVIRONMENT_BYTES = 1 << 20;

/** The table from /proc. */
export function linuxProcessTable(): ProcessTable {
  const buffer = Buffer.allocUnsafe(4096);
  return {
    read() {
      const processes = new Map<number, ProcessInfo>();
      for (const name of readdirSync("/proc")) {
        const pid = Number(name);
        if (!Number.isInteger(pid)) continue;
        const info = readStat(pid, buffer);
        if (info !== undefined) processes.set(pid, info);
      }
      const environments = new Map<number, string>();
      return {
        processes,
        variable(pid, name) {
          let text = environments.get(pid);
          if (text === undefined) environments.set(pid, (text = readEnvironment(pid)));
          return variableOf(text, name);
        },
      };
    },
    children(pid) {
      try {
        const all: number[] = [];
        for (const task of readdirSync(`/proc/${pid}/task`)) {
          const text = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
          for (const child of text.split(" ")) if (child !== "") all.push(Number(child));
        }
        return all;
      } catch {
        return undefined;
      }
    },
  };
}

function readStat(pid: number, buffer: Buffer): ProcessInfo | undefined {
  let file: number;
  try {
    file = openSync(`/proc/${pid}/stat`, "r");
  } catch {
    return undefined;
  }
  try {
    const text = buffer.toString("latin1", 0, readSync(file, buffer));
    // The name is in parentheses and may contain spaces and parentheses: count from the last one.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      zombie: fields[0] === "Z" || fields[0] === "X",
      started: fields[19] ?? "",
      memoryMb: Number(fields[21]) * PAGE_MB,
    };
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function readEnvironment(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/environ`);
    return text.subarray(0, ENVIRONMENT_BYTES).toString("utf8");
  } catch {
    return "";
  }
}

function variableOf(environment: string, name: string): string | undefined {
  const wanted = `${name}=`;
  let at = environment.startsWith(wanted) ? 0 : environment.indexOf(`\0${wanted}`);
  if (at < 0) return undefined;
  if (at > 0 || environment[0] === "\0") at += 1;
  const end = environment.indexOf("\0", at);
  return environment.slice(at + wanted.length, end < 0 ? undefined : end);
}

/**
 * The table from `ps` (macOS, BSD). `ps` prints arguments and environment in one line, separated by spaces: a value
 * with a space in it is cut there, which is why a tag holds none before its step.
 */
export function psProcessTable(ps: (args: readonly string[]) => string): ProcessTable {
  return {
    read() {
      const processes = new Map<number, ProcessInfo>();
      for (const line of ps(["-axo", "pid=,ppid=,pgid=,sess=,stat=,rss=,lstart="]).split("\n")) {
        const fields = line.trim().split(/\s+/);
        if (fields.length < 7) continue;
        const pid = Number(fields[0]);
        processes.set(pid, {
          pid,
          parent: Number(fields[1]),
          group: Number(fields[2]),
          session: Number(fields[3]) || 0,
          zombie: fields[4]?.startsWith("Z") ?? false,
          memoryMb: Number(fields[5]) / 1024,
          started: fields.slice(6).join(" "),
        });
      }
      let environments: Map<number, string> | undefined;
      return {
        processes,
        variable(pid, name) {
          environments ??= new Map(
            ps(["-axeww", "-o", "pid=,command="])
              .split("\n")
              .map((line) => line.trim())
              .map((line) => [Number.parseInt(line, 10), line.replaceAll(" ", "\0")] as const),
          );
          return variableOf(environments.get(pid) ?? "", name);
        },
      };
    },
    children: () => undefined,
  };
}

/**
 * Looks taken in one turn of the event loop share one reading: many attempts may be ended or sampled at once. So a
 * reading can be older than a process that was started and reported later in the same turn.
 */
export function sharedTable(table: ProcessTable): ProcessTable {
  let latest: ProcessSnapshot | undefined;
  return {
    read() {
      if (latest === undefined) {
        const reading = table.read();
        latest = reading;
        setImmediate(() => {
          if (latest === reading) latest = undefined;
        });
      }
      return latest;
    },
    forget() {
      latest = undefined;
      table.forget?.();
    },
    children: (pid) => table.children(pid),
  };
}

export interface Tag {
  readonly run: string;
  readonly attempt: number;
  readonly step: string;
}

/** The step comes last: its id may hold a colon. */
export function formatTag(tag: Tag): string {
  return `${tag.run}:${tag.attempt}:${tag.step}`;
}

export function tagOf(snapshot: ProcessSnapshot, pid: number): Tag | undefined {
  const text = snapshot.variable(pid, TAG_VARIABLE);
  const match = text === undefined ? null : /^([^:]*):(\d+):([^]*)$/.exec(text);
  if (match === null) return undefined;
  return { run: match[1] ?? "", attempt: Number(match[2]), step: match[3] ?? "" };
}
