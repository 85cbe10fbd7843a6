/**
 * Landing at the end of a run: has the agents' work landed, and records the result. A landing can be tried again; one
 * that is recorded is not.
 */
import { defined } from "../base/defined.ts";
import type { EventBody } from "../run/event.ts";
import { hasAgentWork, type RunState } from "../run/state.ts";
import { faultOf } from "./background.ts";
import type { EnginePorts } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import { recover } from "./recovery.ts";
import { beginningOf } from "../run/task.ts";
import type { Landing } from "../run/attempt.ts";

/** Whether a run that has succeeded has work of agents that was not brought to where it belongs. */
export function isLandingDue(state: RunState): boolean {
  return mayLand(state) && hasAgentWork(state) && (state.landing === undefined || "problem" in state.landing);
}

/** What a person had undone does not land, also where no undo succeeded. */
function mayLand({ phase, index, rollback, rolledBack }: RunState): boolean {
  return phase.tag === "succeeded" && index.open === 0 && rollback === undefined && !rolledBack;
}

/** What is recorded of it. */
export function recordedLanding({ landing }: RunState): Landing | undefined {
  return landing;
}

/**
 * Called while the lease is held. Failures are reported and tried again by the next resume; so is a landing that
 * could not be recorded.
 */
export async function finishAgents(
  ports: EnginePorts,
  state: RunState,
  recorder: Recorder,
  isStopped: boolean,
): Promise<Landing | undefined> {
  if (ports.finishAgents === undefined || !hadAgents(state)) return undefined;
  const isDone = !isStopped && isLandingDue(state);
  const { plan, options, run } = state;
  const of = { run, config: plan.agents ?? {}, maxAgents: options.maxAgents, ...beginningOf(state) };
  const landing = await ports
    .finishAgents(of, isDone)
    .catch((thrown: unknown): Landing => ({ integration: "", commits: 0, problem: faultOf(thrown) }));
  const event = isDone ? eventOf(landing) : undefined;
  if (event !== undefined && !isRecorded(state, event)) {
    recorder.record(event);
    await recorder.commit();
  }
  return landing;
}

/**
 * Records a landing that a person asked for, in a run that has succeeded and that no process works on. Best effort:
 * the landing is done anyway.
 */
export async function recordLanding(ports: EnginePorts, run: string, landing: Landing): Promise<void> {
  const leased = await ports.journal.acquire(run, ports.holder);
  if (!leased.ok) return;
  try {
    const recovered = await recover(ports.journal, run);
    const event = eventOf(landing);
    if (!recovered.ok || event?.type !== "run.landed") return;
    const { state } = recovered.value;
    if (!mayLand(state) || isRecorded(state, event)) return;
    const recorder = new Recorder({ ...ports, lease: leased.value, ...recovered.value });
    recorder.record(event);
    await recorder.commit();
  } finally {
    await ports.journal.release(leased.value);
  }
}

/** Also those that changed nothing: what they share is given up at the end of the run. */
function hadAgents(state: RunState): boolean {
  return state.agentRecords.size > 0 || state.begin !== undefined;
}

function eventOf(landing: Landing | undefined): EventBody | undefined {
  if (landing?.mode === undefined) return undefined;
  const { mode, integration, commits, branch, commit, head, problem } = landing;
  const place = { mode, integration, commits };
  if (branch !== undefined && commit !== undefined)
    return { type: "run.landed", data: defined({ ...place, branch, commit, head }) };
  if (problem === undefined) return undefined;
  const { code, message, hint } = problem;
  return { type: "landing.refused", data: { ...place, problem: defined({ code, message, hint }) } };
}

/** The same refusal again is not recorded. */
function isRecorded({ landing }: RunState, event: EventBody): boolean {
  return landing !== undefined && JSON.stringify(landing) === JSON.stringify(event.data);
}
