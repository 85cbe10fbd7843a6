/**
 * Permission queue: asks a person one permission request of a running agent at a time, each open until its answer or its
 * deadline. Knows the text of a question and the note that records it, not who answers or how the agent gets the answer.
 *
 * Invariant: every request is answered, with a rejection if nobody answers in time or the attempt ends.
 */
import type { AnswerDecision } from "../../run/event.ts";
import type { Clock } from "../../base/clock.ts";
import type { PermissionRequest } from "../adapters/port.ts";
import type { Note } from "../../run/attempt.ts";

export type Verdict = "allow" | "deny";

interface Request {
  readonly question: string;
  readonly settle: (verdict: Verdict) => void;
}

/** Characters of a question. */
const LONGEST_QUESTION = 500;

export class PermissionQueue {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #note: (note: Note) => void;
  readonly #waiting: Request[] = [];
  #open: Request | undefined;
  #cancelDeadline: (() => void) | undefined;
  #isOver = false;

  /** `limitMs`: how long an answer may take, from when its question was put. */
  constructor(clock: Clock, limitMs: number, note: (note: Note) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#note = note;
  }

  ask(request: PermissionRequest): Promise<Verdict> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve("deny");
      this.#waiting.push({ question: questionOf(request), settle: resolve });
      this.#putNext();
    });
  }

  /** To the open question; ignored if there is none. */
  answer(decision: AnswerDecision): void {
    const open = this.#open;
    this.#cancelDeadline?.();
    this.#open = undefined;
    open?.settle(decision === "approve" ? "allow" : "deny");
    this.#putNext();
  }

  close(): void {
    this.#isOver = true;
    this.#cancelDeadline?.();
    for (const request of [this.#open, ...this.#waiting.splice(0)]) request?.settle("deny");
    this.#open = undefined;
  }

  #putNext(): void {
    if (this.#open !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#open = next;
    const deadline = this.#clock.now() + this.#limitMs;
    this.#note({ type: "approval.requested", data: { about: "permission", question: next.question, deadline } });
    // The engine's own deadline answers first; this one is for an engine that does not.
    this.#cancelDeadline = this.#clock.after(this.#limitMs + 1000, () => this.answer("reject"));
  }
}

const WISHES: Readonly<Record<PermissionRequest["kind"], string>> = {
  read: "read",
  edit: "change",
  delete: "delete",
  move: "move",
  search: "search in",
  execute: "run",
  think: "think",
  fetch: "fetch",
  switch_mode: "switch its mode",
  other: "use",
};

function questionOf({ kind, title, paths, command, tool }: PermissionRequest): string {
  const what = command ?? (paths.length > 0 ? paths.join(", ") : (tool ?? title));
  const text = `may its agent ${WISHES[kind] ?? "use"} ${what}${title === "" || title === what ? "" : ` (${title})`}?`;
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= LONGEST_QUESTION ? line : `${line.slice(0, LONGEST_QUESTION - 2)}…?`;
}
