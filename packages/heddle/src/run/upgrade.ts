/**
 * Brings events of older journals to the shapes of today, one version at a time: `STEPS[v]` makes version `v + 1` of an event
 * of version `v`. An upgrade sees one event, knows no state, and never changes run, seq, step or attempt.
 */
import { BugError } from "../base/assert.ts";
import { EVENT_VERSION, type Event } from "./event.ts";

/** An event of a version that the types no longer describe. */
export type OldEvent = { readonly run: string; readonly seq: number; readonly type: string } & {
  readonly [key: string]: unknown;
};

/** From version `index` to `index + 1`. The first released version is 1: nothing ever had version 0. */
export type UpgradeStep = (event: OldEvent) => OldEvent;

const STEPS: ReadonlyMap<number, UpgradeStep> = new Map([[1, reusedApartFromCached]]);

/** Up to version 1 there was no cache: `step.cached` was what `rerun`, `--only` and `--from` recorded, with the step's id as its key. */
function reusedApartFromCached(event: OldEvent): OldEvent {
  if (event.type !== "step.cached") return event;
  const { from, output } = event["data"] as { readonly from: unknown; readonly output: unknown };
  return { ...event, type: "step.reused", data: { from, output } };
}

/** The event in the current version. The result is not checked here: whoever reads it does that next, as for every event. */
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
