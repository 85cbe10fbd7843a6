/**
 * Garbage collector of runs: removes old runs with their files, branches and refs. Asks no questions.
 *
 * Invariants:
 *  1. A run that a process holds, or that is younger than the given age, stays.
 *  2. A run whose agents' work is on none of the user's branches stays, until the caller says otherwise.
 *  3. A run with worktrees stays, whatever the caller says.
 *  4. Where git cannot be asked, a run stays unless its history has no step of an agent: then git holds nothing of it.
 */
import type { AgentMaintenance } from "../agent/port.ts";
import type { Clock } from "../base/clock.ts";
import { plural } from "../base/plural.ts";
import type { EventLog } from "../journal/port.ts";
import type { Step } from "../plan/plan.ts";
import type { Event } from "../run/event.ts";
import { runLine, type RunLine } from "../view/list.ts";

const DAY_MS = 86_400_000;

/** Days that runs are kept where nobody says otherwise. */
export const KEPT_DAYS = 30;

export interface GcPorts {
  readonly log: Pick<EventLog, "runs" | "read">;
  readonly clock: Clock;
  readonly agents: () => Promise<AgentMaintenance>;
  /** Removes a run with its files. `false`: a process holds it. */
  readonly remove: (run: string) => Promise<boolean>;
}

export interface GcOptions {
  /** Runs that ended, or began and never ended, less than so many days ago stay; default {@link KEPT_DAYS}. */
  readonly keepDays?: number | undefined;
  /** Takes runs whose agents' work is on no branch of the user's, too: that work is lost. */
  readonly unlanded?: boolean;
  /** Says what would go, removes nothing. */
  readonly dryRun?: boolean;
}

/** What became of an old run. */
export type Collected =
  /** `refs`: how many of heddle's branches and refs went with it. */
  | { readonly kind: "removed"; readonly run: RunLine; readonly refs: number }
  /** `reason`: one sentence, for people. */
  | { readonly kind: "kept"; readonly run: RunLine; readonly reason: string };

/** Each old run as its turn comes, the newest first. */
export async function* collectGarbage(
  ports: GcPorts,
  { keepDays = KEPT_DAYS, unlanded = false, dryRun = false }: GcOptions = {},
): AsyncGenerator<Collected, void, undefined> {
  const now = ports.clock.now();
  let maintenance: AgentMaintenance | undefined;
  for (const record of await ports.log.runs()) {
    const run = runLine(record);
    if ((run.endedAt ?? run.startedAt) > now - keepDays * DAY_MS || record.holder !== null) continue;
    maintenance ??= await ports.agents();
    const refs = await refsToGo({ ...ports, maintenance }, run, { unlanded, dryRun });
    if (typeof refs === "string") yield { kind: "kept", run, reason: refs };
    else if (dryRun || (await ports.remove(run.run))) yield { kind: "removed", run, refs };
  }
}

/** Removes a run's branches and refs. How many; why they stay, and the run with them, if so. */
async function refsToGo(
  { log, maintenance }: Pick<GcPorts, "log"> & { readonly maintenance: AgentMaintenance },
  { run, status }: RunLine,
  { unlanded, dryRun }: { readonly unlanded: boolean; readonly dryRun: boolean },
): Promise<number | string> {
  const found = await maintenance.refs(run);
  if (!found.ok) return (await hadAgents(log, run)) ? found.error.message : 0;
  if (found.value === undefined) return 0;
  const { refs, landed, trees } = found.value;
  const left = (count: number): string => `it still has ${plural(count, "worktree")}: \`heddle worktrees list ${run}\``;
  if (trees > 0) return left(trees);
  if (!unlanded && status !== "succeeded")
    return "its agents' work is kept because it has not succeeded; --unlanded removes it too";
  if (!unlanded && !landed)
    return `its agents' work has not landed: \`heddle merge ${run}\` lands it, --unlanded removes it`;
  if (dryRun) return refs.length;
  const gone = await maintenance.removeRefs(run);
  if (!gone.ok) return gone.error.message;
  // One was made meanwhile.
  return gone.value ? refs.length : left(1);
}

/** Whether any plan that the run had, or any step that it added, has a step of an agent. */
async function hadAgents(log: Pick<EventLog, "read">, run: string): Promise<boolean> {
  for await (const events of log.read(run))
    for (const event of events) if (stepsTold(event).some(({ action }) => action.kind === "agent")) return true;
  return false;
}

function stepsTold(event: Event): readonly Step[] {
  switch (event.type) {
    case "run.created":
    case "run.resumed":
      return event.data.plan?.steps ?? [];
    case "steps.added":
      return event.data.steps;
    default:
      return [];
  }
}
