/** Told changes: what people are told of a run that they listen to and do not see: failures, questions, its end. Not each step. Pure. */
import type { LiveRun, StepStatus } from "heddle/view";

/** Names that one sentence has at most. */
const MOST_NAMED = 3;

/** One or more sentences; `undefined`: nothing that matters has changed. */
export function toldChanges(before: LiveRun, after: LiveRun): string | undefined {
  if (before === after || before.head.run !== after.head.run) return undefined;
  const said = [
    sentence(become(before, after, ["failed"]), "failed"),
    sentence(become(before, after, ["needs-approval", "needs-resolution"]), "needs you", "need you"),
    before.head.endedAt === null && after.head.endedAt !== null ? `The run ended: ${after.head.status}.` : undefined,
  ].filter((one) => one !== undefined);
  return said.length === 0 ? undefined : said.join(" ");
}

/** Ids of steps that have one of the statuses now and had none of them before. */
function become(before: LiveRun, after: LiveRun, statuses: readonly StepStatus[]): readonly string[] {
  const has = (status: StepStatus | undefined): boolean => status !== undefined && statuses.includes(status);
  const found: string[] = [];
  for (const [at, step] of after.steps.entries()) {
    const was = before.steps[at];
    if (step !== was && has(step.status) && !(was?.id === step.id && has(was.status))) found.push(step.id);
  }
  return found;
}

function sentence(steps: readonly string[], one: string, many = one): string | undefined {
  if (steps.length === 0) return undefined;
  const named = steps.slice(0, MOST_NAMED).join(", ");
  const more = steps.length - MOST_NAMED;
  return `${named}${more > 0 ? ` and ${more} more` : ""} ${steps.length === 1 ? one : many}.`;
}
