/**
 * The tools as agents see them: names, descriptions, and schemas that bound every input. Descriptions are prompts: short, and
 * each says what to do next. Knows neither what a call does nor how it arrives.
 *
 * Schemas stay within what every agent's provider takes: flat objects of texts, numbers, booleans and lists of texts.
 */
import * as z from "zod";
import type { Completion, Failure, Lesson, PlanSubmission, Proposal, Question, ToolName } from "./port.ts";

/** Characters that a terminal or a reader could be fooled with: controls but tab and line end, and changes of direction. */
// oxlint-disable-next-line no-control-regex
const UNPLAIN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Line ends as `\n`, nothing unprintable, no half characters. */
export function plainText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(UNPLAIN, "").toWellFormed();
}

function text(longest: number, about: string): z.ZodString {
  return z.string().overwrite(plainText).trim().min(1).max(longest).describe(about);
}

function texts(most: number, longest: number, about: string): z.ZodDefault<z.ZodArray<z.ZodString>> {
  const item = z.string().overwrite(plainText).trim().min(1).max(longest);
  return z.array(item).max(most).default([]).describe(about);
}

const NOTHING = z.object({});

const PROGRESS = z.object({
  message: text(1000, "What is done and what comes next, in one sentence."),
  percent: z.number().min(0).max(100).optional().describe("Share of the work done, if it can be told."),
});

const COMPLETION = z.object({
  summary: text(10_000, "What was done and why, for the steps that build on it and for a reviewer."),
  files: texts(1000, 1000, "Files that were added, changed or removed."),
});

const FAILURE = z.object({
  reason: text(10_000, "What stands in the way, and what was tried."),
  retryable: z.boolean().describe("Whether a fresh attempt at the same task could succeed."),
});

const QUESTION = z.object({
  question: text(4000, "One question, with what is needed to answer it."),
  options: texts(20, 400, "Answers to choose from, if there are few."),
});

const PROPOSAL = z.object({
  title: text(200, "What the new task is, in a few words."),
  deps: texts(100, 200, "Ids of tasks that it has to wait for."),
  prompt: text(20_000, "The new task's instructions, complete: whoever does it knows nothing of this one."),
});

const LESSON = z.object({
  domain: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .describe("Such as database, api, frontend, testing, security, deployment, general."),
  kind: z.enum(["key-file", "pattern", "practice", "failure"]).describe("What kind of knowledge it is."),
  text: text(1000, "What to know, in one or two sentences; of a failure also its solution."),
  files: texts(20, 400, "Files that it is about, relative to the project."),
});

const PLAN = z.object({ plan: text(256 * 1024, "The whole plan file as text, YAML or JSON.") });

/** Of all tools but `task_get`, so that an agent learns one form. */
const REPLY = z.object({
  status: z.string(),
  message: z.string(),
  answer: z.string().optional(),
  step: z.string().optional(),
});

const BRIEF = z.looseObject({ run: z.string(), step: z.string(), attempt: z.number() });

/** What each tool's input is once it was checked. */
export interface ToolInputs {
  readonly task_get: { readonly [key: string]: never };
  readonly task_progress: { readonly message: string; readonly percent?: number | undefined };
  readonly task_complete: Completion;
  readonly task_fail: Failure;
  readonly task_ask: Question;
  readonly task_propose: Proposal;
  readonly expertise_add: Lesson;
  readonly plan_submit: PlanSubmission;
}

/** A checked call. */
export type ToolCall = {
  readonly [Name in ToolName]: { readonly tool: Name; readonly input: ToolInputs[Name] };
}[ToolName];

export interface Tool<Name extends ToolName> {
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodType<ToolInputs[Name]>;
  readonly output: z.ZodType<Record<string, unknown>>;
  readonly readOnly: boolean;
}

export const TOOLS: { readonly [Name in ToolName]: Tool<Name> } = {
  task_get: {
    title: "Read the task",
    description:
      "Your task: what to do, what must hold at the end, what earlier tasks left, answers to questions asked.",
    input: NOTHING,
    output: BRIEF,
    readOnly: true,
  },
  task_progress: {
    title: "Report progress",
    description: "Tell how far you are, at milestones. Does not end the task.",
    input: PROGRESS,
    output: REPLY,
    readOnly: false,
  },
  task_complete: {
    title: "Complete the task",
    description:
      "Call once, last, when all that was asked is done and checked. If it is refused, mend what it says and call again.",
    input: COMPLETION,
    output: REPLY,
    readOnly: false,
  },
  task_fail: {
    title: "Give the task up",
    description: "Call once, last, when the task cannot be done. Never use it for a question: that is task_ask.",
    input: FAILURE,
    output: REPLY,
    readOnly: false,
  },
  task_ask: {
    title: "Ask a person",
    description:
      "Ask when the task cannot go on without a person's decision. Gives the answer, or tells you to end your turn until there is one.",
    input: QUESTION,
    output: REPLY,
    readOnly: false,
  },
  task_propose: {
    title: "Propose another task",
    description: "Propose work that is needed but is not part of your task. Do not do it yourself.",
    input: PROPOSAL,
    output: REPLY,
    readOnly: false,
  },
  expertise_add: {
    title: "Record expertise",
    description:
      "Record what others working on this project should know later: only what is sure, lasting and not obvious.",
    input: LESSON,
    output: REPLY,
    readOnly: false,
  },
  plan_submit: {
    title: "Submit the plan",
    description:
      "Submit the finished plan. If it is refused, mend the problems that it lists and submit the whole plan again.",
    input: PLAN,
    output: REPLY,
    readOnly: false,
  },
};
