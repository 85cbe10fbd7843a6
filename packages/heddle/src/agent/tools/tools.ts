/**
 * Tool definitions: names, descriptions, and schemas that bound every input. Descriptions are prompts: short, and each
 * says what to do next. Does not know what a call does or how it arrives.
 *
 * Schemas use only what every agent's provider accepts: flat objects of strings, numbers, booleans and lists of strings.
 */
import * as z from "zod";
import type { TaskCompletion, TaskFailure, Lesson, PlanSubmission, Proposal, TaskQuestion, ToolName } from "./port.ts";

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
  message: text(1000, "What is done and what is next, in one sentence."),
  percent: z.number().min(0).max(100).optional().describe("Percentage of the work that is done, if known."),
});

const COMPLETION = z.object({
  summary: text(10_000, "What you did and why, for reviewers and for the steps that build on it."),
  files: texts(1000, 1000, "Files that you added, changed or removed."),
});

const FAILURE = z.object({
  reason: text(10_000, "What prevents it, and what you tried."),
  retryable: z.boolean().describe("Whether another attempt at the same task could succeed."),
});

const QUESTION = z.object({
  question: text(4000, "One question, with everything needed to answer it."),
  options: texts(20, 400, "Answers to choose from, if there are few."),
});

const PROPOSAL = z.object({
  title: text(200, "The new task in a few words."),
  deps: texts(100, 200, "Ids of tasks that must be done first."),
  prompt: text(20_000, "Complete instructions of the new task: whoever does it knows nothing about this one."),
});

const LESSON = z.object({
  domain: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/)
    .describe("Such as database, api, frontend, testing, security, deployment, general."),
  kind: z.enum(["key-file", "pattern", "practice", "failure"]).describe("The kind of knowledge."),
  text: text(1000, "What to know, in one or two sentences; for a failure also the solution."),
  files: texts(20, 400, "The files that it concerns, relative to the project."),
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
  readonly task_complete: TaskCompletion;
  readonly task_fail: TaskFailure;
  readonly task_ask: TaskQuestion;
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
      "Your task: what to do, what must be true at the end, results of earlier tasks, answers to your questions.",
    input: NOTHING,
    output: BRIEF,
    readOnly: true,
  },
  task_progress: {
    title: "Report progress",
    description: "Report progress at milestones. Does not end the task.",
    input: PROGRESS,
    output: REPLY,
    readOnly: false,
  },
  task_complete: {
    title: "Complete the task",
    description:
      "Call once, at the end, when everything is done and checked. If it is refused, fix what it says and call again.",
    input: COMPLETION,
    output: REPLY,
    readOnly: false,
  },
  task_fail: {
    title: "Give the task up",
    description: "Call once, at the end, when the task cannot be done. For a question use task_ask.",
    input: FAILURE,
    output: REPLY,
    readOnly: false,
  },
  task_ask: {
    title: "Ask a person",
    description:
      "Ask when you cannot continue without a person's decision. Returns the answer, or tells you to end your turn until there is one.",
    input: QUESTION,
    output: REPLY,
    readOnly: false,
  },
  task_propose: {
    title: "Propose another task",
    description: "Propose work that is needed but not part of your task. Do not do it yourself.",
    input: PROPOSAL,
    output: REPLY,
    readOnly: false,
  },
  expertise_add: {
    title: "Record expertise",
    description:
      "Record what others who work on this project should know: only what is certain, lasting and not obvious.",
    input: LESSON,
    output: REPLY,
    readOnly: false,
  },
  plan_submit: {
    title: "Submit the plan",
    description: "Submit the finished plan. If it is refused, fix the listed problems and submit the whole plan again.",
    input: PLAN,
    output: REPLY,
    readOnly: false,
  },
};
