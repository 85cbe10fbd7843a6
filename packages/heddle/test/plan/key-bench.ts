/**
 * An engine in memory for looking at what a key does: real executor, and runners that note what reaches them and do what a
 * script says. Time passes by itself.
 */
import { executor } from "../../src/engine/executor.ts";
import { startRun } from "../../src/engine/engine.ts";
import type { RunHandle } from "../../src/engine/api.ts";
import type { AgentJob } from "../../src/agent/port.ts";
import type { Backend } from "../../src/backend/port.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { err } from "../../src/base/result.ts";
import { compilePlan } from "../../src/graph/compile.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import { outputProblem } from "../../src/plan/schema/output-check.ts";
import type { Outcome, StopReason } from "../../src/run/attempt.ts";
import type { Event } from "../../src/run/event.ts";
import { phaseOf, questionOf } from "../../src/run/state.ts";
import type { Attempt, RunningAttempt } from "../../src/runner/port.ts";
import { memoryWorkspaces } from "../../src/workspace/memory.ts";
import { Rig } from "../engine/rig.ts";

/** What the attempts of a step do; absent: they succeed with `null`. `hang`: until they are stopped. */
export type Doing = "fail" | "hang" | { readonly output: unknown } | { readonly takes: number };

export interface Script {
  readonly [step: string]: Doing;
}

export interface Seen {
  readonly events: readonly Event[];
  /** `step: phase`. */
  readonly phases: Readonly<Record<string, string>>;
  readonly status: string;
  /** What reached the runners of commands and functions. */
  readonly attempts: readonly Attempt[];
  /** What reached agents. */
  readonly jobs: readonly AgentJob[];
  /** Most steps of the run at once that had begun and not ended, containers left out. */
  readonly mostAtOnce: number;
}

const FAILED: Outcome = { kind: "failed", error: { code: "exit", message: "exit code 1", exitCode: 1 } };

export interface BenchOptions {
  readonly script?: Script;
  readonly answer?: "approve" | "reject";
  readonly environment?: Readonly<Record<string, string>>;
  /** When the signal `go` comes, in milliseconds; default: 100. */
  readonly signalAfter?: number;
}

export async function seeRun(document: JsonObject, options: BenchOptions = {}): Promise<Seen> {
  const { script = {}, answer = "approve", environment = {}, signalAfter = 100 } = options;
  const rig = new Rig({ environment });
  const attempts: Attempt[] = [];
  const jobs: AgentJob[] = [];
  const doing = (step: string): RunningAttempt => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const what = script[step] ?? script[step.replace(/\[\d+\]/, "")] ?? { output: null };
    if (what === "fail") resolve(FAILED);
    else if (typeof what === "object" && "output" in what) resolve({ kind: "succeeded", output: what.output as never });
    else if (typeof what === "object") rig.clock.after(what.takes, () => resolve({ kind: "succeeded", output: null }));
    const stop = (reason: StopReason): void => resolve({ kind: "stopped", reason });
    return { outcome: promise, stop, kill: () => stop("cancel") };
  };
  const execute = executor({
    runner: {
      kinds: ["run", "call", "function"],
      start(attempt) {
        attempts.push(attempt);
        return doing(attempt.step);
      },
      async [Symbol.asyncDispose]() {},
    },
    workspaces: memoryWorkspaces({ projectDir: "/project" }),
    codeFor: () => ({ functions: NO_FUNCTIONS, folder: "/project" }),
    environment,
    checkOutput: async (schema, output) => outputProblem(schema, output),
    agents: async () => ({
      start(job) {
        jobs.push(job);
        return { ...doing(job.task.step.id), answer: () => undefined };
      },
      finishRun: async () => undefined,
      revert: async (_run, { step }) => err({ code: "NotMerged", message: `nothing of ${step} is merged` }),
      async [Symbol.asyncDispose]() {},
    }),
  });
  const backend: Backend = {
    dispatch: (task, onNote) => Object.assign(execute(task, onNote), { release: () => undefined }),
    warm: () => undefined,
    sweep: async () => 0,
    async [Symbol.asyncDispose]() {},
  };
  const ports = { ...rig.ports, backend };
  const compiled = await compilePlan({ text: JSON.stringify(document), file: "plan.json" });
  if (!compiled.ok) throw new Error(compiled.error.map(({ message, hint }) => `${message} (${hint})`).join("\n"));
  const loaded = { ...compiled.value, functions: NO_FUNCTIONS };
  const started = await startRun(ports, loaded, {
    maxConcurrency: compiled.value.plan.maxConcurrency ?? 8,
    wait: true,
  });
  if (!started.ok) throw new Error(started.error.message);
  const events: Event[] = [];
  const handle: RunHandle = started.value;
  handle.subscribe((event) => {
    events.push(event);
    if (event.type !== "approval.requested") return;
    rig.clock.after(50, () => {
      const at = handle.state().index.byId.get(event.step) ?? -1;
      const isOpen = questionOf(phaseOf(handle.state(), at)) !== undefined;
      if (isOpen) handle.answer(event.step, { decision: answer, by: "bench" });
    });
  });
  rig.clock.after(signalAfter, () => handle.signal({ signal: "go", value: "sent", by: "bench", id: "1" }));
  let isOver = false;
  void handle.result.then(() => (isOver = true));
  for (let turn = 0; turn < 400 && !isOver; turn++) {
    await rig.quiet();
    if (!isOver && !rig.clock.advance()) break;
  }
  const state = handle.state();
  if (!isOver) handle.kill();
  await rig.quiet();
  return {
    events,
    phases: Object.fromEntries(state.steps.map(({ id }, at) => [id, phaseOf(state, at).tag])),
    status: state.phase.tag,
    attempts,
    jobs,
    mostAtOnce: mostAtOnce(events, new Set([...state.containers.keys()].map((at) => state.steps[at]?.id ?? ""))),
  };
}

function mostAtOnce(events: readonly Event[], containers: ReadonlySet<string>): number {
  const open = new Set<string>();
  let most = 0;
  for (const event of events) {
    if (!("step" in event) || containers.has(event.step)) continue;
    if (event.type === "step.started" || event.type === "approval.requested") open.add(event.step);
    else if (["step.succeeded", "step.failed", "step.cancelled"].includes(event.type)) open.delete(event.step);
    most = Math.max(most, open.size);
  }
  return most;
}
