/** A run that is followed, held against the same run looked at anew: patches against snapshots, rows against the whole document. */
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { Event } from "../../src/run/event.ts";
import { reasonsOf } from "../../src/run/reasons.ts";
import { RunFollower } from "../../src/view/follower.ts";
import { liveReasons, patchedRun, type LiveRun, type RunPatch } from "../../src/view/live-run.ts";
import { runView } from "../../src/view/run-view.ts";
import { pick, whole } from "./plans.ts";

/** Of runs with at most so many events each pair of seqs is tried. */
const SMALL = 30;

export function followed(events: readonly Event[], live = true): RunFollower {
  const follower = new RunFollower(live);
  for (const event of events) follower.add(event);
  return follower;
}

function whatIs(events: readonly Event[], live = true): LiveRun {
  const run = followed(events, live).snapshot();
  if (run === undefined) throw new Error("nothing to show");
  return run;
}

/** As a client has it that got it as JSON. */
function sent<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function patched(run: LiveRun, patch: RunPatch | undefined): LiveRun {
  if (patch === undefined) return run;
  const next = patchedRun(run, patch);
  if (next === undefined) throw new Error(`patch ${patch.from}-${patch.to} does not fit ${run.seq}`);
  return next;
}

/** From `from` on, with a patch after some events, each time of chance. */
function byPatches(events: readonly Event[], from: number, to: number, random: Random): LiveRun {
  const follower = followed(events.slice(0, from));
  const run = follower.snapshot() as LiveRun;
  const patches: (RunPatch | undefined)[] = [];
  for (let at = from; at < to; at++) {
    follower.add(events[at] as Event);
    if (random() < 0.4) patches.push(follower.patch());
  }
  patches.push(follower.patch());
  // Put on late: what has been given out does not change any more.
  return patches.reduce(patched, run);
}

/** The first difference, short enough to be read. */
function difference(a: LiveRun, b: LiveRun): string | undefined {
  if (JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))) return undefined;
  const at = a.steps.findIndex((row, step) => JSON.stringify(row) !== JSON.stringify(b.steps[step]));
  return JSON.stringify([a.seq, b.seq, a.steps[at], b.steps[at], a.queues, b.queues, a.head, b.head]);
}

/** Fields that were set later stand where they were. */
function sorted(run: LiveRun): LiveRun {
  return { ...run, queues: Object.fromEntries(Object.entries(run.queues).sort()) };
}

/** Where a snapshot with the patches after it is not the later snapshot, whatever the moments. */
export function patchProblems(events: readonly Event[], seed: number): readonly string[] {
  const random = seededRandom(seed);
  const known = new Map<number, LiveRun>();
  const later = (to: number): LiveRun => {
    const run = known.get(to) ?? whatIs(events.slice(0, to));
    known.set(to, run);
    return run;
  };
  return pairsOf(events.length, random).flatMap(([from, to]) => {
    const found = difference(byPatches(events, from, to, random), later(to));
    return found === undefined ? [] : [`seed ${seed}, ${from} to ${to}: ${found}`];
  });
}

function pairsOf(size: number, random: Random): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [[1, size]];
  if (size <= SMALL)
    for (let from = 1; from < size; from++) for (let to = from + 1; to <= size; to++) pairs.push([from, to]);
  else
    for (let sample = 0; sample < 8; sample++) {
      const from = 1 + whole(random, size - 2);
      pairs.push([from, from + 1 + whole(random, size - from - 1)]);
    }
  return pairs;
}

/** Where a run followed event by event, whose engines die and come back between any two, is not the one looked at anew. */
export function livenessProblems(events: readonly Event[], seed: number): readonly string[] {
  const random = seededRandom(seed);
  const follower = followed(events.slice(0, 1));
  let run = sent(follower.snapshot() as LiveRun);
  const wrong: string[] = [];
  for (let at = 1; at < events.length; at++) {
    follower.add(events[at] as Event);
    for (const share of [0.3, 0.2]) {
      if (random() < share) follower.live = !follower.live;
      const patch = follower.patch();
      run = patched(run, patch && sent(patch));
    }
    if (random() > 40 / events.length) continue;
    const found = difference(run, whatIs(events.slice(0, at + 1), follower.live));
    if (found !== undefined) wrong.push(`seed ${seed}, ${at + 1}: ${found}`);
  }
  return wrong;
}

/** Where it does not say what the whole document says: statuses, counts, times, and the kinds of reasons. */
export function documentProblems(events: readonly Event[], seed: number): readonly string[] {
  const random = seededRandom(seed);
  const wrong: string[] = [];
  for (let sample = 0; sample < 25; sample++) {
    const seq = 2 + whole(random, events.length - 2);
    const live = pick(random, [true, false]);
    const follower = followed(events.slice(0, seq), live);
    const run = follower.snapshot();
    const { state, timeline } = follower.reader;
    if (run === undefined || state === undefined) throw new Error("nothing to show");
    const now = state.lastTime + whole(random, 2000);
    const view = runView({ state, timeline, live, now, logFile: () => null });
    const { upToDate: _, ...counts } = view.counts;
    const { head } = run;
    const pairs: [unknown, unknown][] = [
      [
        [head.status, head.counts, head.byStatus, head.endedAt, head.cost, head.sequentialMs, run.seq],
        [view.status, counts, view.byStatus, view.endedAt, view.cost, view.sequentialMs, view.seq],
      ],
    ];
    for (const [at, row] of run.steps.entries()) {
      const due = view.steps[at];
      const told = liveReasons(run, at, now).map(({ kind }) => kind);
      const reasons = reasonsOf(state, at, { now, live }).map(({ kind }) => kind);
      pairs.push([
        [row.id, row.status, row.attempts, row.layer, row.endedAt, row.durationMs, told],
        [due?.id, due?.status, due?.attempts, due?.layer, due?.endedAt, due?.durationMs, reasons],
      ]);
    }
    for (const pair of pairs)
      if (JSON.stringify(pair[0]) !== JSON.stringify(pair[1]))
        wrong.push(`seed ${seed}, ${seq}: ${JSON.stringify(pair)}`);
  }
  return wrong;
}
