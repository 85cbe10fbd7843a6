/**
 * Notices: what people are told of a run that they do not look at, made from its events: that it has ended, or that somebody is asked.
 * Pure. Knows no receiver but as what the plan says of it.
 *
 * Invariant: a notice is short, whatever the run is called and says: texts are cut, lists too. What is secret was masked before.
 */
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import type { NoticeKind, NotifyTarget } from "../plan/notify-config.ts";
import type { Event, QuestionAbout } from "./event.ts";
import { phaseOf, stepAt, type RunState } from "./state.ts";
import { stepCounts } from "./status.ts";

const MOST_LISTED = 10;
const MOST_TEXT = 300;
const MOST_QUESTION = 1000;
const MOST_DOCUMENT = 16 * 1024;

/** The document that a receiver gets. Members are added, and none is taken away. */
export interface NoticeDocument {
  /** The same each time that it is sent. */
  readonly id: string;
  readonly type: `run.${NoticeKind}`;
  /** When it happened, in milliseconds since the epoch. */
  readonly time: number;
  readonly run: string;
  readonly plan: string;
  /** Steps by status. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of a run that has ended. */
  readonly durationMs?: number;
  /** Why it was ended early. */
  readonly reason?: string;
  readonly failed?: readonly { readonly step: string; readonly code: string; readonly message: string }[];
  readonly failedNotShown?: number;
  readonly asked?: readonly {
    readonly step: string;
    readonly about: QuestionAbout;
    readonly question: string;
    readonly options?: readonly string[];
  }[];
  readonly askedNotShown?: number;
}

/** One to be sent. */
export interface NewNotice {
  /** Of the event that it is about. */
  readonly seq: number;
  /** Its receiver, as the plan says. */
  readonly target: NotifyTarget;
  readonly document: NoticeDocument;
}

/** What follows from events that are recorded together; `state`: with them folded in. */
export function noticesOf(state: RunState, events: readonly Event[]): readonly NewNotice[] {
  const targets = state.plan.notify;
  if (targets === undefined) return [];
  return [askedNotice(state, events), endNotice(state, events)].flatMap((told) => {
    if (told === undefined) return [];
    const { kind, seq, ...more } = told;
    return targets.flatMap((target, at) => {
      if (target.on?.includes(kind) === false) return [];
      const document = { id: `${state.run}-${seq}-${at + 1}`, type: `run.${kind}` as const, ...more };
      return [{ seq, target, document: fitted(document) }];
    });
  });
}

/** Characters that have to be escaped make a text six times as long. */
function fitted(document: NoticeDocument): NoticeDocument {
  let fits = document;
  while (JSON.stringify(fits).length > MOST_DOCUMENT) {
    const { asked = [], failed = [], askedNotShown = 0, failedNotShown = 0 } = fits;
    if (asked.length + failed.length === 0) break;
    fits =
      asked.length > 0
        ? { ...fits, asked: asked.slice(0, -1), askedNotShown: askedNotShown + 1 }
        : { ...fits, failed: failed.slice(0, -1), failedNotShown: failedNotShown + 1 };
  }
  return fits;
}

interface Told extends Omit<NoticeDocument, "id" | "type"> {
  readonly kind: NoticeKind;
  readonly seq: number;
}

function about(state: RunState, time: number): Pick<NoticeDocument, "time" | "run" | "plan" | "counts"> {
  return { time, run: state.run, plan: cut(state.plan.name, MOST_TEXT), counts: { ...stepCounts(state, true) } };
}

/** Questions that come together are one notice. */
function askedNotice(state: RunState, events: readonly Event[]): Told | undefined {
  const questions = events.filter((event) => event.type === "approval.requested");
  const [first] = questions;
  if (first === undefined) return undefined;
  const asked = questions.slice(0, MOST_LISTED).map(({ step, data }) => ({
    step: cut(step, MOST_TEXT),
    about: data.about,
    question: cut(data.question, MOST_QUESTION),
    options: data.options?.slice(0, MOST_LISTED).map((option) => cut(option, MOST_TEXT)),
  }));
  return defined<Told>({
    kind: "needs-you",
    seq: first.seq,
    ...about(state, first.time),
    asked: asked.map((one) => defined(one)),
    askedNotShown: left(questions.length),
  });
}

function endNotice(state: RunState, events: readonly Event[]): Told | undefined {
  const end = events.findLast(
    ({ type }) => type === "run.succeeded" || type === "run.failed" || type === "run.cancelled",
  );
  switch (end?.type) {
    case "run.succeeded":
      return { kind: "succeeded", seq: end.seq, ...about(state, end.time), durationMs: end.data.durationMs };
    case "run.cancelled": {
      const { durationMs, reason } = end.data;
      return { kind: "cancelled", seq: end.seq, ...about(state, end.time), durationMs, reason };
    }
    case "run.failed": {
      const { durationMs, reason, failed } = end.data;
      return defined<Told>({
        kind: "failed",
        seq: end.seq,
        ...about(state, end.time),
        durationMs,
        reason: reason === undefined ? undefined : cut(reason, MOST_TEXT),
        failed: failed.slice(0, MOST_LISTED).map((id) => failureOf(state, id)),
        failedNotShown: left(failed.length),
      });
    }
    default:
      return undefined;
  }
}

function failureOf(state: RunState, id: string): NonNullable<NoticeDocument["failed"]>[number] {
  const step = state.index.byId.get(id);
  const phase = step === undefined ? undefined : phaseOf(state, step);
  const { code, message } = phase?.tag === "failed" ? phase.error : { code: "unknown", message: "" };
  const name = step === undefined ? id : stepAt(state, step).id;
  return { step: cut(name, MOST_TEXT), code, message: cut(message.split("\n", 1)[0] ?? "", MOST_TEXT) };
}

function left(count: number): number | undefined {
  return count > MOST_LISTED ? count - MOST_LISTED : undefined;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…`.toWellFormed() : text;
}

/** The document as a text for people, in the form that Slack and its kin take. Nothing in it mentions or links anybody. */
export function slackText(document: NoticeDocument): Json {
  return { text: cut(slackLines(document).map(escaped).join("\n"), 3000) };
}

function slackLines({ type, run, plan, asked = [], failed = [], ...more }: NoticeDocument): readonly string[] {
  const { failedNotShown = 0, askedNotShown = 0, reason } = more;
  const questions = asked.map(({ step, question }) => `• ${step}: ${question}`);
  const failures = failed.map(({ step, message }) => `• ${step}: ${message}`);
  const rest = failedNotShown + askedNotShown;
  return [
    `${plan}: run ${run} ${WORDS[type]}${reason === undefined ? "" : ` (${reason})`}`,
    ...questions,
    ...failures,
    ...(rest > 0 ? [`• and ${rest} more`] : []),
    ...(questions.length > 0 ? [`heddle show ${run}`] : []),
  ];
}

const WORDS: Readonly<Record<NoticeDocument["type"], string>> = {
  "run.succeeded": "succeeded",
  "run.failed": "failed",
  "run.cancelled": "was cancelled",
  "run.needs-you": "needs you",
};

/** `<!channel>`, `<@ID>` and links are written in angle brackets; these three are all that Slack reads. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
