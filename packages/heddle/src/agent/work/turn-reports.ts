/**
 * Turn reports: collects what an agent reports by its task tools during one turn. Knows no tool and no process; the
 * caller judges the reports.
 *
 * Invariant: secret values are masked in every text that comes in.
 */
import { defined } from "../../base/defined.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { Masker } from "../../base/mask.ts";
import type { Note } from "../../run/attempt.ts";
import type {
  QuestionReply,
  Lesson,
  PlanDecision,
  ProgressReport,
  Proposal,
  ProposalDecision,
  ReportDecision,
  TaskCompletion,
  TaskFailure,
  TaskListener,
  TaskQuestion,
} from "../tools/port.ts";
import type { Proposals } from "./proposals.ts";

export interface TurnReportsOptions {
  readonly proposals: Proposals;
  readonly note: (note: Note) => void;
  readonly mask: Masker | undefined;
}

export class TurnReports implements TaskListener {
  readonly #note: (note: Note) => void;
  readonly #proposals: Proposals;
  readonly #mask: Masker | undefined;
  #completion: TaskCompletion | undefined;
  #failure: TaskFailure | undefined;
  #question: TaskQuestion | undefined;
  #onQuestion: () => void = () => undefined;

  constructor({ proposals, note, mask }: TurnReportsOptions) {
    this.#proposals = proposals;
    this.#note = note;
    this.#mask = mask;
  }

  /** The report, with its texts masked. */
  #masked<Report extends object>(report: Report): Report {
    return this.#mask === undefined ? report : (this.#mask.json(report as Json) as Report);
  }

  get completion(): TaskCompletion | undefined {
    return this.#completion;
  }

  get failure(): TaskFailure | undefined {
    return this.#failure;
  }

  /** What it cannot go on without. */
  get question(): TaskQuestion | undefined {
    return this.#question;
  }

  /** Called for the next question; one call at a time is remembered. */
  onQuestion(call: () => void): void {
    this.#onQuestion = call;
  }

  progress(report: ProgressReport): void {
    const { message, percent } = this.#masked(report);
    this.#note({ type: "step.progress", data: defined<JsonObject>({ type: "report", message, percent }) });
  }

  async completed(completion: TaskCompletion): Promise<ReportDecision> {
    this.#completion = this.#masked(completion);
    return { kind: "accepted" };
  }

  async failed(failure: TaskFailure): Promise<ReportDecision> {
    this.#failure = this.#masked(failure);
    return { kind: "accepted" };
  }

  /** A person is not waited for in the turn: it may take days, and the place is another's meanwhile. */
  async asked(question: TaskQuestion): Promise<QuestionReply> {
    this.#question = this.#masked(question);
    this.#onQuestion();
    return { kind: "deferred" };
  }

  async proposed(proposal: Proposal): Promise<ProposalDecision> {
    // Ids are names, not texts.
    return this.#proposals.propose({ ...this.#masked(proposal), deps: proposal.deps });
  }

  async learned(lesson: Lesson): Promise<ReportDecision> {
    const { domain, text, files } = this.#masked(lesson);
    const { kind } = lesson;
    this.#note({ type: "lesson.recorded", data: { domain, kind, text, files } });
    return { kind: "accepted" };
  }

  async planSubmitted(): Promise<PlanDecision> {
    return { kind: "refused", problems: ["Only a planner can submit a plan."] };
  }
}
