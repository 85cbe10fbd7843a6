/**
 * Event upgrades: convert events of older journals to the current shapes, one version at a time: `STEPS[v]` makes
 * version `v + 1` of an event of version `v`. An upgrade sees one event, knows no state, and never changes run, seq,
 * step or attempt.
 */
import { BugError } from "../base/assert.ts";
import { isJsonObject } from "../base/json.ts";
import { EVENT_VERSION, type Event } from "./event.ts";

/** An event of a version that the types no longer describe. */
export type OldEvent = { readonly run: string; readonly seq: number; readonly type: string } & {
  readonly [key: string]: unknown;
};

/** From version `index` to `index + 1`. The first released version is 1: nothing ever had version 0. */
export type UpgradeStep = (event: OldEvent) => OldEvent;

const STEPS: ReadonlyMap<number, UpgradeStep> = new Map([[1, (event) => omittedAllowed(reusedApartFromCached(event))]]);

/** Up to version 1 there was no cache: `step.cached` was what `rerun`, `--only` and `--from` recorded, with the step's id as its key. */
function reusedApartFromCached(event: OldEvent): OldEvent {
  if (event.type !== "step.cached") return event;
  const { from, output } = event["data"] as { readonly from: unknown; readonly output: unknown };
  return { ...event, type: "step.reused", data: { from, output } };
}

/** In version 1 the key `agents.worktrees.allowOmitted` of plans was called `leaveOut`. */
function omittedAllowed(event: OldEvent): OldEvent {
  if (event.type !== "run.created" && event.type !== "run.resumed" && event.type !== "steps.added") return event;
  return { ...event, data: withOmittedAllowed(event["data"]) };
}

/** Each plan, or step that is one, in `value`. */
function withOmittedAllowed(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const { agents, steps, plan, action } = value;
  const renamed: { [key: string]: unknown } = { ...value };
  if (isJsonObject(agents) && isJsonObject(agents["worktrees"]) && "leaveOut" in agents["worktrees"]) {
    const { leaveOut, ...worktrees } = agents["worktrees"];
    renamed["agents"] = { ...agents, worktrees: { ...worktrees, allowOmitted: leaveOut } };
  }
  if (Array.isArray(steps)) renamed["steps"] = steps.map(withOmittedAllowed);
  if (isJsonObject(plan)) renamed["plan"] = withOmittedAllowed(plan);
  if (isJsonObject(action) && action["kind"] === "plan") renamed["action"] = withOmittedAllowed(action);
  return renamed;
}

/** The event in the current version. The result is not checked here: the reader checks it next, like every event. */
export function upgradeEvent(event: Event, version: number): Event {
  return climb(event as unknown as OldEvent, version, EVENT_VERSION, STEPS) as unknown as Event;
}

/** Runs the steps from `version` up to `target`. A version without a step was never released: a bug, or a damaged record. */
export function climb(
  event: OldEvent,
  version: number,
  target: number,
  steps: ReadonlyMap<number, UpgradeStep>,
): OldEvent {
  let at = event;
  for (let from = version; from < target; from++) {
    const step = steps.get(from);
    if (step === undefined) throw new BugError(`no upgrade of events from version ${from}`);
    at = step(at);
  }
  return at;
}
