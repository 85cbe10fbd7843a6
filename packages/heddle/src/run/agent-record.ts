/**
 * Agent record: what a run's history says about an agent's step for its next attempt: the session to continue, why the
 * last attempt did not succeed, what a person decided about its conflict. Folded from events; does not judge.
 */
import { defined } from "../base/defined.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import type { Event, EventOf, Resolution, StepError } from "./event.ts";

export interface AgentRecord {
  /** Started and without a recorded end: its engine died, or it runs now. */
  readonly open?: number;
  /** The first of those since the last recorded end. */
  readonly openSince?: number;
  /** The last session, which can be continued. */
  readonly session?: { readonly agent?: string; readonly sessionId: string; readonly totals?: JsonObject };
  /** What was reported of a turn whose usage is not recorded: it goes on, or its engine died in it. Running totals. */
  readonly unrecorded?: {
    readonly sessionId: string;
    readonly usage?: JsonObject;
    readonly usd?: number;
    readonly totals?: JsonObject;
  };
  /** How the last attempt that ended without success ended. */
  readonly failure?: { readonly attempt: number; readonly message: string };
  /** What the last merge of its work failed on. */
  readonly conflict?: {
    readonly attempt: number;
    readonly reason: "conflict" | "verify";
    readonly files: readonly string[];
    readonly captured: string;
    readonly output?: string;
  };
  /** A person's decision about that, not yet acted upon. */
  readonly resolution?: Resolution;
  /** The question that its agent ended the last attempt with, until it is answered. */
  readonly asked?: { readonly attempt: number; readonly question: string };
  /** What its agents asked and were answered, the latest last. */
  readonly answers?: readonly AnsweredQuestion[];
}

export interface AnsweredQuestion {
  /** That asked. */
  readonly attempt: number;
  readonly question: string;
  readonly answer: string;
}

/** Answered questions that are remembered for the next attempt. */
const MOST_ANSWERS = 20;

type StepwiseEvent = Extract<Event, { readonly step: string }>;

/** What is known after one more event of the step. */
export function recordAfter(known: AgentRecord, event: StepwiseEvent): AgentRecord {
  switch (event.type) {
    case "step.started":
      return { ...known, open: event.attempt, openSince: known.openSince ?? event.attempt };
    case "step.progress": {
      const { type, sessionId } = event.data;
      if (type === "usage") return withUsage(known, event.data);
      if (type !== "session" || typeof sessionId !== "string") return known;
      const session = sessionId === known.session?.sessionId ? known.session : { sessionId };
      return { ...known, session, unrecorded: { sessionId } };
    }
    case "usage.recorded": {
      const { agent, sessionId, totals } = event.data;
      const rest = without(known, "unrecorded");
      if (sessionId === undefined) return rest;
      return { ...rest, session: defined({ agent, sessionId, totals: isJsonObject(totals) ? totals : undefined }) };
    }
    case "worktree.conflicted": {
      const { reason, files, captured, output } = event.data;
      return { ...known, conflict: defined({ attempt: event.attempt, reason, files, captured, output }) };
    }
    case "approval.requested": {
      const { about, question } = event.data;
      // Of an attempt whose engine died there is no end: what it left is looked for by the next.
      if (about === "permission" || about === "interrupt") return known;
      const rest = without(known, "open", "openSince", "asked", "resolution");
      return about === "question" ? { ...rest, asked: { attempt: event.attempt, question } } : rest;
    }
    case "approval.given":
      return answered(known, event.data);
    case "step.failed":
      return {
        ...without(known, "open", "openSince", "resolution", "unrecorded"),
        failure: { attempt: event.attempt, message: wholeMessage(event.data.error) },
      };
    case "step.cancelled":
      return {
        ...without(known, "open", "openSince", "unrecorded"),
        failure: { attempt: event.attempt, message: "it was cancelled" },
      };
    case "step.succeeded":
    case "step.cached":
    case "step.reused":
    case "step.rolledback":
      return {};
    default:
      return known;
  }
}

/** What the next attempt is told. */
function wholeMessage({ message, output }: StepError): string {
  return output === undefined ? message : `${message}\n${output}`;
}

function withUsage(known: AgentRecord, { usage, cost, totals }: JsonObject): AgentRecord {
  if (known.unrecorded === undefined) return known;
  const unrecorded: NonNullable<AgentRecord["unrecorded"]> = defined({
    sessionId: known.unrecorded.sessionId,
    usage: isJsonObject(usage) ? usage : known.unrecorded.usage,
    usd: typeof cost === "number" ? cost : known.unrecorded.usd,
    totals: isJsonObject(totals) ? totals : known.unrecorded.totals,
  });
  return { ...known, unrecorded };
}

function answered(known: AgentRecord, { decision, choice, comment }: EventOf<"approval.given">["data"]): AgentRecord {
  if (choice !== undefined) return { ...known, resolution: choice };
  if (known.asked === undefined) return known;
  const { asked, answers = [] } = known;
  const rest = without(known, "asked");
  if (decision === "reject") return rest;
  return { ...rest, answers: [...answers, { ...asked, answer: comment ?? "yes" }].slice(-MOST_ANSWERS) };
}

function without(known: AgentRecord, ...names: readonly (keyof AgentRecord)[]): AgentRecord {
  return Object.fromEntries(Object.entries(known).filter(([name]) => !names.includes(name as keyof AgentRecord)));
}
