/** Words to the engine of a run, from any terminal: `cancel`, `pause`, `unpause`, `approve`, `reject`. */
import type { Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { ControlRequest, Project } from "../../engine/api.ts";
import { EXIT, fail, findRun, findRunAndStep, findStep, openToChange, type Context } from "../context.ts";
import { readRun } from "../read-run.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { text } from "../values.ts";

type Words = readonly (string | undefined)[];

export function cancel(context: Context, words: Words): Promise<number> {
  return send(context, words, { kind: "cancel" }, "was asked to end; it can be resumed");
}

export function pause(context: Context, words: Words, flags: Flags): Promise<number> {
  const reason = text(flags, "reason") ?? `paused by ${userName()}`;
  return send(context, words, { kind: "pause", reason }, "was asked to start no further step");
}

export function unpause(context: Context, words: Words): Promise<number> {
  return send(context, words, { kind: "unpause" }, "was asked to go on");
}

async function send(context: Context, [word]: Words, request: ControlRequest, said: string): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await findRun(project, word);
  if (!run.ok) return fail(context, run.error);
  const sent = await project.control(run.value, request);
  if (!sent.ok) return fail(context, sent.error);
  if (context.json) context.out.json({ run: run.value, request: request.kind, result: sent.value });
  else context.out.line(`Run ${run.value} ${said}.`);
  return EXIT.ok;
}

export function approve(context: Context, words: Words, flags: Flags): Promise<number> {
  return answer(context, words, flags, "approve");
}

export function reject(context: Context, words: Words, flags: Flags): Promise<number> {
  return answer(context, words, flags, "reject");
}

async function answer(context: Context, words: Words, flags: Flags, decision: "approve" | "reject"): Promise<number> {
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const meant = await findRunAndStep(project, words);
  if (!meant.ok) return fail(context, meant.error);
  const { run } = meant.value;
  const step = await askedStep(project, run, meant.value.step);
  if (!step.ok) return fail(context, step.error);
  const comment = text(flags, "comment");
  const sent = await project.control(run, {
    kind: "answer",
    step: step.value,
    decision,
    by: userName(),
    ...(comment === undefined ? {} : { comment }),
  });
  if (!sent.ok) return fail(context, sent.error);
  if (context.json) context.out.json({ run, step: step.value, decision, result: sent.value });
  else {
    const next = sent.value === "done" ? ` Go on with: heddle resume ${run}` : "";
    context.out.line(
      `${decision === "approve" ? "Approved" : "Rejected"} ${safeLine(step.value)} of run ${run}.${next}`,
    );
  }
  return EXIT.ok;
}

/** The named step, or the only one that asks. */
export async function askedStep(
  project: Project,
  run: string,
  named: string | undefined,
  about?: "conflict",
): Promise<Result<string, Problem>> {
  const read = await readRun(project, run);
  if (!read.ok) return read;
  const { state } = read.value;
  if (named !== undefined) {
    const found = findStep(state, named);
    return found.ok ? ok(named) : found;
  }
  const isMeant = (index: number): boolean => {
    const phase = state.phases[index];
    return phase?.tag === "asking" && (about === undefined || phase.about === about);
  };
  const asking = state.steps.filter((_, index) => isMeant(index)).map((step) => step.id);
  const [only] = asking;
  if (only !== undefined && asking.length === 1) return ok(only);
  if (only === undefined) {
    return err({
      code: "NotAsked",
      message: `no step of run ${run} waits for an answer`,
      hint: `See it with \`heddle show ${run}\`.`,
    });
  }
  return err({
    code: "Usage",
    message: `several steps of run ${run} wait for an answer: ${asking.slice(0, 10).join(", ")}`,
    hint: "Name the step.",
  });
}
