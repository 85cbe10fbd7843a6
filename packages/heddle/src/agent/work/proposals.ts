/**
 * Proposals: converts steps that an agent proposes into steps that can join the run. Knows ids and texts, not the plan.
 *
 * Invariant: every proposal that is accepted gets an id of its own. Two agents may have the same idea; a step must not fail for
 * what another one proposed.
 */
import type { Proposal, ProposalDecision } from "../tools/port.ts";

export interface ProposalRules {
  /** The step whose agent proposes. */
  readonly step: string;
  /** Ids that the step may name. */
  readonly ids: readonly string[];
  /** Join without a person's approval. */
  readonly mayJoin: boolean;
}

interface Proposed extends Proposal {
  /** Of the step that it becomes. */
  readonly id: string;
}

/** What the agent of one attempt proposes, in all its turns. */
export class Proposals {
  readonly #rules: ProposalRules;
  readonly #accepted: Proposed[] = [];

  constructor(rules: ProposalRules) {
    this.#rules = rules;
  }

  propose(proposal: Proposal): ProposalDecision {
    const reason = this.#problemOf(proposal);
    if (reason !== undefined) return { kind: "refused", reason };
    const id = this.#newId(proposal.title);
    this.#accepted.push({ ...proposal, id });
    return this.#rules.mayJoin ? { kind: "added", step: id } : { kind: "awaiting-approval" };
  }

  /** Steps as a plan would have them. Where a person decides, a no skips the step and fails nothing. */
  steps(): readonly object[] {
    const { step, mayJoin } = this.#rules;
    return this.#accepted.flatMap(({ id, title, prompt, deps }): object[] => {
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

  /** Why it cannot join, for its agent. */
  #problemOf({ deps }: Proposal): string | undefined {
    const { ids } = this.#rules;
    const known = new Set(ids);
    const unknown = deps.filter((id) => !known.has(id));
    if (unknown.length === 0) return undefined;
    const some = ids.slice(0, 50).join(", ");
    return `There is no task ${unknown.join(", ")}. Name existing tasks in deps, or none. There are ${some}${ids.length > 50 ? ", ..." : ""}.`;
  }

  #newId(title: string): string {
    const { step, ids } = this.#rules;
    const id = `${wordOf(step, 60)}-${wordOf(title, 60)}`;
    const names = new Set([...ids, ...this.#accepted.map((one) => one.id)]);
    for (let time = 1; ; time++) {
      const candidate = time === 1 ? id : `${id}-${time}`;
      if (!names.has(candidate) && !names.has(approvalOf(candidate))) return candidate;
    }
  }
}

/** The step that a person says yes or no by. */
function approvalOf(id: string): string {
  return `${id}-approval`;
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
