/** The check of one plan in every way that it can be run: see `one-world.ts`. */
import type { RunHandle } from "../../src/engine/api.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { CHANGES, endsOf, OneWorld, simulationPlan, worldPlan, type Ends, type WorldPlan } from "./one-world.ts";

export interface Tally {
  runs: number;
  refused: number;
  /** Results that were taken from another run. */
  reused: number;
}

/** What differs from whole runs: sentences. */
export async function contradictions(folder: string, seed: number, tally: Tally): Promise<readonly string[]> {
  const found: string[] = [];
  const world = new OneWorld(folder);
  const plan = worldPlan(seed);
  const first = await world.whole(await world.load(plan));
  const snapshot = world.snapshot();
  for (const [change, apply] of Object.entries(CHANGES)) {
    const changed = apply(plan);
    if (change !== "nothing" && JSON.stringify(changed) === JSON.stringify(plan)) continue;
    world.reset();
    const expected = endsOf((await world.whole(await world.load(changed))).state());
    for (const way of waysFor(plan, changed)) {
      const said = await contradiction({ world, first, snapshot, plan, changed, expected, way, tally });
      if (said !== undefined) found.push(`seed ${seed}, ${change} changed, ${way.kind} ${way.step}: ${said}`);
    }
  }
  return found;
}

/** As {@link contradictions}, of a plan of the simulation's generator, which nothing changes. */
export async function contradictionsOfSimulated(
  folder: string,
  seed: number,
  tally: Tally,
): Promise<readonly string[]> {
  return contradictionsOfLoaded(folder, `simulated seed ${seed}`, simulationPlan(seed), tally);
}

/** As {@link contradictions}, of a plan that is there already, which nothing changes. `name`: for the sentences. */
export async function contradictionsOfLoaded(
  folder: string,
  name: string,
  loaded: LoadedPlan,
  tally: Tally,
): Promise<readonly string[]> {
  const found: string[] = [];
  const world = new OneWorld(folder);
  const plan: WorldPlan = { files: {}, params: {} };
  world.known(plan, loaded);
  const first = await world.whole(loaded);
  const snapshot = world.snapshot();
  const expected = endsOf(first.state());
  const steps = loaded.plan.steps.map(({ id }) => id);
  for (const way of waysOf(steps, false)) {
    const said = await contradiction({ world, first, snapshot, plan, changed: plan, expected, way, tally });
    if (said !== undefined) found.push(`${name}, ${way.kind} ${way.step}: ${said}`);
  }
  return found;
}

interface Way {
  readonly kind: "only" | "from" | "rerun" | "resume" | "retry" | "resume, accepted" | "retry, accepted";
  readonly step: string;
}

function waysFor(plan: WorldPlan, changed: WorldPlan): readonly Way[] {
  const steps = [...(plan.files["heddle.yaml"] ?? "").matchAll(/^ {2}- id: (\w+)/gm)].map(([, id = ""]) => id);
  return waysOf(steps, changed.params !== plan.params);
}

function waysOf(steps: readonly string[], hasOtherParams: boolean): readonly Way[] {
  const reduced = steps.flatMap((step): Way[] => [
    { kind: "only", step },
    { kind: "from", step },
    { kind: "rerun", step },
  ]);
  // A resume has the parameters of its run.
  if (hasOtherParams) return reduced;
  const kinds = ["resume", "retry", "resume, accepted", "retry, accepted"] as const;
  return [...reduced, ...kinds.map((kind): Way => ({ kind, step: "" }))];
}

interface Trial {
  readonly world: OneWorld;
  readonly first: RunHandle;
  readonly snapshot: ReturnType<OneWorld["snapshot"]>;
  readonly plan: WorldPlan;
  readonly changed: WorldPlan;
  readonly expected: Ends;
  readonly way: Way;
  readonly tally: Tally;
}

async function contradiction({
  world,
  first,
  snapshot,
  plan,
  changed,
  expected,
  way,
  tally,
}: Trial): Promise<string | undefined> {
  world.reset(snapshot);
  const before = first.state().plan.steps.filter((_, at) => first.state().phases[at]?.tag === "succeeded");
  const loaded = await world.load(changed);
  world.takeCarriedOut();
  const handle = await carriedOut(world, way, first.run, loaded);
  tally.runs++;
  if (handle === undefined) {
    tally.refused++;
    // What has not changed can go on.
    return changed === plan && way.kind.startsWith("resume") ? "refused" : undefined;
  }
  const state = handle.state();
  for (const phase of state.phases) if (phase.tag === "cached") tally.reused++;
  const ran = new Set(world.takeCarriedOut());
  if (changed === plan && way.kind.startsWith("resume")) {
    const again = before.find(({ id }) => ran.has(id));
    if (again !== undefined) return `${again.id} ran again`;
  }
  if (way.kind === "only") {
    const other = [...ran].find(
      (id) => id !== way.step && !id.startsWith(`${way.step}/`) && !id.startsWith(`${way.step}[`),
    );
    if (other !== undefined) return `${other} ran too`;
  }
  // A resume of a run that has succeeded runs nothing, whatever has changed.
  const isDone = first.state().phase.tag === "succeeded" && way.kind.startsWith("resume");
  if (isDone && ran.size > 0) return "a run that had succeeded went on";
  if (isDone) return undefined;
  const kept = way.step === "" ? keptByPromise(first, handle, ran) : new Set<string>();
  for (const [id, end] of endsOf(state))
    if (!kept.has(id) && end !== expected.get(id)) return `${id} is ${end}, in a whole run ${expected.get(id)}`;
  return undefined;
}

/**
 * A resume keeps a recorded success, though a step that it only comes after, or that was skipped by its condition, ends otherwise now:
 * by the promise that no success runs twice. These, and all that comes behind them.
 */
function keptByPromise(first: RunHandle, second: RunHandle, ran: ReadonlySet<string>): ReadonlySet<string> {
  const [before, now] = [endsOf(first.state()), endsOf(second.state())];
  const differs = (id: string): boolean => before.get(id) !== now.get(id);
  const kept = new Set<string>();
  for (const { id, deps = [], after = [] } of second.state().plan.steps) {
    const isKept = before.get(id)?.startsWith("succeeded") === true && !ran.has(id);
    // What was skipped before, and let its dependents run, may run now.
    const skipped = deps.filter((each) => before.get(each)?.startsWith("skipped"));
    if (
      isKept &&
      [...after, ...skipped].some(differs) &&
      !deps.some((each) => differs(each) && !skipped.includes(each))
    )
      kept.add(id);
    // A container with a success inside goes on, whatever its condition would say now.
    const index = first.state().index.byId.get(id) ?? -1;
    if (first.state().containers.has(index) && [...deps, ...after].some(differs)) kept.add(id);
    if ([...deps, ...after].some((each) => kept.has(each))) kept.add(id);
  }
  return kept;
}

async function carriedOut(
  world: OneWorld,
  { kind, step }: Way,
  run: string,
  loaded: Parameters<OneWorld["whole"]>[0],
): Promise<RunHandle | undefined> {
  switch (kind) {
    case "only":
    case "from":
      return await world.part(loaded, step, kind);
    case "rerun":
      return await world.rerun(loaded, run, step);
    case "resume":
    case "retry":
      return await world.goOn(loaded, run, kind);
    case "resume, accepted":
      return await world.goOn(loaded, run, "resume", true);
    default:
      return await world.goOn(loaded, run, "retry", true);
  }
}
