/**
 * Agent process: one agent's process and everything that it starts, with its pipes and its shutdown. Does not know what
 * is sent or received.
 *
 * Invariants:
 *  1. `ended` settles once, never rejects, and only after no process with the attempt's tag and no descendant is running
 *     (as far as the process table shows).
 *  2. Bytes arrive in order per stream, and none after `ended` has settled.
 */
import { messageOf } from "../../base/errors.ts";
import { OWNER_VARIABLE } from "../../process/environment.ts";
import {
  type CommandEnd,
  LazyFollowed,
  type ProcessWorld,
  exitedWith,
  followCommand,
  spawnPiped,
  statusOfSignal,
} from "../../process/process.ts";
import type { ProcessInfo } from "../../process/table.ts";
import { type ProcessEnding, endAll } from "../../process/terminate.ts";
import { withReaper } from "./reaper.ts";

/** What starting an agent needs of the outside. */
export interface AgentWorld extends Omit<ProcessWorld, "bases"> {
  /** Makes sure that a watcher ends the agent if this process dies; called before each start. */
  readonly guard?: () => void;
  /** Where programs are looked for. */
  readonly path: string;
}

export interface AgentProcessSpec {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Between TERM and KILL for what it leaves behind. */
  readonly graceMs: number;
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
}

export interface AgentProcess {
  readonly pid: number | undefined;
  /** The process itself is gone and its output is read; what it left behind is being ended. */
  readonly exited: Promise<void>;
  readonly ended: Promise<CommandEnd>;
  /** Writes to its input. Ignored after the end of the input or of the process. */
  write(text: string): void;
  endInput(): void;
  /** TERM, after `graceMs` KILL, to all of its processes. */
  stop(graceMs: number): void;
  kill(): void;
  members(): readonly ProcessInfo[];
}

/** Longest wait for pipes that an unreachable process may hold open. */
const PIPE_WAIT_MS = 300;

export function startAgentProcess(world: AgentWorld, spec: AgentProcessSpec): AgentProcess {
  let child: ReturnType<typeof spawnPiped>;
  const env = { ...spec.env, PWD: spec.cwd, [OWNER_VARIABLE]: world.owner };
  try {
    world.guard?.();
    const kept = withReaper({ ...spec, env }, { path: world.path, graceMs: spec.graceMs });
    child = spawnPiped(kept.program, kept.args, spec.cwd, kept.env);
  } catch (thrown) {
    return unstarted(Promise.resolve(messageOf(thrown)));
  }
  const group = child.pid;
  if (group === undefined) {
    return unstarted(new Promise((resolve) => child.once("error", (error) => resolve(messageOf(error)))));
  }
  child.once("error", () => {});
  child.stdin?.on("error", () => {});
  const followed = new LazyFollowed(() => followCommand(world, { env }, group, () => false));
  // Its start time must be read while it lives: an older process is never taken for one of its own.
  followed.get();
  let ending: ProcessEnding | undefined;
  let isSettled = false;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdout?.on("data", (chunk: Buffer) => isSettled || spec.stdout(chunk));
  child.stderr?.on("data", (chunk: Buffer) => isSettled || spec.stderr(chunk));
  const gone = new Promise<number>((resolve) => {
    child.once("exit", (code, name) => resolve(code ?? (name === null ? 1 : statusOfSignal(name))));
  });
  function end(graceMs: number): ProcessEnding {
    return endAll(followed.get(), { clock: world.clock, graceMs, group: group as number });
  }
  const exited = gone.then(() => drained());
  async function drained(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = world.clock.after(PIPE_WAIT_MS, resolve);
    await Promise.race([closed, late]);
    cancel();
  }
  const ended = gone.then(async (status) => {
    await exited;
    ending ??= end(spec.graceMs);
    const found = await ending.done;
    // The process that held the pipes is gone, or unreachable.
    await drained();
    isSettled = true;
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.stdin?.destroy();
    return exitedWith(status, found, false);
  });
  return {
    pid: group,
    exited,
    ended,
    write(text) {
      if (child.stdin?.writable === true) child.stdin.write(text);
    },
    endInput: () => void child.stdin?.end(),
    stop: (graceMs) => void (ending ??= end(graceMs)),
    kill() {
      if (ending === undefined) ending = end(0);
      else ending.kill();
    },
    members: () => (isSettled ? [] : followed.get().look()),
  };
}

function unstarted(message: Promise<string>): AgentProcess {
  const ended = message.then((text): CommandEnd => ({ kind: "unstarted", message: text }));
  return {
    pid: undefined,
    exited: ended.then(() => {}),
    ended,
    write() {},
    endInput() {},
    stop() {},
    kill() {},
    members: () => [],
  };
}
