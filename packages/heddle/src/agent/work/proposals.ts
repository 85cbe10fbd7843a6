/** Proposals: converts a step that an agent proposes into steps that can join the run. Pure. */
import type { Proposal } from "../tools/port.ts";

export interface Proposed extends Proposal {
  /** Of the step that it becomes. */
  readonly id: string;
}

export interface ProposalRules {
  /** The step whose agent proposes. */
  readonly step: string;
  /** Ids that the step may name. */
  readonly ids: readonly string[];
  /** Join without a person's approval. */
  readonly mayJoin: boolean;
}

/** Why a proposal cannot join, for its agent; `undefined`: it can. */
export function proposalProblem(proposal: Proposal, { ids }: ProposalRules): string | undefined {
  const known = new Set(ids);
  const unknown = proposal.deps.filter((id) => !known.has(id));
  if (unknown.length === 0) return undefined;
  const some = ids.slice(0, 50).join(", ");
  return `There is no task ${unknown.join(", ")}. Name existing tasks in deps, or none. There are ${some}${ids.length > 50 ? ", ..." : ""}.`;
}

/**
 * An id for it that no other proposal has: of the step that proposes and its title. Two agents may have the same idea; a step
 * must not fail for what another one proposed.
 */
export function proposalId({ title }: Proposal, { step, ids }: ProposalRules, taken: readonly string[]): string {
  const id = `${wordOf(step, 60)}-${wordOf(title, 60)}`;
  const names = new Set([...ids, ...taken]);
  for (let time = 1; ; time++) {
    const candidate = time === 1 ? id : `${id}-${time}`;
    if (!names.has(candidate) && !names.has(approvalOf(candidate))) return candidate;
  }
}

/** The step that a person says yes or no by. */
function approvalOf(id: string): string {
  return `${id}-approval`;
}

/** Steps as a plan would have them. Where a person decides, a no skips the step and fails nothing. */
export function proposedSteps(proposals: readonly Proposed[], { step, mayJoin }: ProposalRules): readonly object[] {
  return proposals.flatMap(({ id, title, prompt, deps }): object[] => {
    const before = deps.length === 0 ? [step] : deps;
    const proposed = { id, description: plain(title), agent: { prompt: plain(prompt) } };
    if (mayJoin) return [{ ...proposed, deps: before }];
    const approve = `Add this step, proposed by the agent of ${step}? ${plain(title)}: ${plain(prompt.slice(0, 1000))}`;
    return [
      { id: approvalOf(id), approve, deps: [step], optional: true },
      { ...proposed, deps: [...before, approvalOf(id)] },
    ];
  });
}

function wordOf(text: string, longest: number): string {
  const words = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return words.slice(0, longest).replace(/-+$/, "") || "proposed";
}

/** An agent's text is plain text: `${{` does not start an expression. */
function plain(text: string): string {
  return text.replaceAll("${{", '${{ "$" + "{{" }}');
}
