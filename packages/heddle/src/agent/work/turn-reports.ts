/**
 * Turn reports: collects what an agent reports by its task tools during one turn. Knows no tool and no process; the
 * caller judges the reports.
 */
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
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

export class TurnReports implements TaskListener {
  readonly #note: (note: Note) => void;
  readonly #proposals: Proposals;
  #completion: TaskCompletion | undefined;
  #failure: TaskFailure | undefined;
  #question: TaskQuestion | undefined;
  #onQuestion: () => void = () => undefined;

  constructor(proposals: Proposals, note: (note: Note) => void) {
    this.#proposals = proposals;
    this.#note = note;
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

  progress({ message, percent }: ProgressReport): void {
    this.#note({ type: "step.progress", data: defined<JsonObject>({ type: "report", message, percent }) });
  }

  async completed(completion: TaskCompletion): Promise<ReportDecision> {
    this.#completion = completion;
    return { kind: "accepted" };
  }

  async failed(failure: TaskFailure): Promise<ReportDecision> {
    this.#failure = failure;
    return { kind: "accepted" };
  }

  /** A person is not waited for in the turn: it may take days, and the place is another's meanwhile. */
  async asked(question: TaskQuestion): Promise<QuestionReply> {
    this.#question = question;
    this.#onQuestion();
    return { kind: "deferred" };
  }

  async proposed(proposal: Proposal): Promise<ProposalDecision> {
    return this.#proposals.propose(proposal);
  }

  async learned({ domain, kind, text, files }: Lesson): Promise<ReportDecision> {
    this.#note({ type: "lesson.recorded", data: { domain, kind, text, files } });
    return { kind: "accepted" };
  }

  async planSubmitted(): Promise<PlanDecision> {
    return { kind: "refused", problems: ["Only a planner can submit a plan."] };
  }
}
