/** Tools that act: start, answer, steer. A server that only reads does not have them. */
import * as z from "zod";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { loadAskedPlan } from "../project/asked-plan.ts";
import { beginRun, goOnWithRun, type GoOnChoices } from "../project/begin-run.ts";
import type { Project } from "../project/port.ts";
import { runStatus } from "../view/status.ts";
import { harmlessText, harmlessTexts } from "./harmless.ts";
import { askedPlanOf, namedRun, paramsOf, planDocument, planFile, planParams, stepOfRun, workers } from "./inputs.ts";
import { refusedPlanProblem, twoPlans } from "./plan-tools.ts";
import { mcpTool, type McpTool, type ToolContext } from "./tool.ts";

/** Has steps run, whose commands may do anything. */
const RUNS_STEPS = { destructive: true, idempotent: false, openWorld: true } as const;

const text = z.string().max(65_536).optional();
const onlyStep = stepOfRun.optional();

const BEGUN = z.looseObject({ run: z.string(), status: z.string() });

/** `sent`: left for the process that works on the run. `done`: recorded; nobody works on it, and resume_run goes on with it. */
const SAID = z.looseObject({
  run: z.string(),
  result: z
    .enum(["sent", "done"])
    .describe("`sent`: the process that works on the run has it. `done`: recorded, nobody works on the run."),
});

const goOnInput = {
  run: namedRun,
  maxConcurrency: workers,
  acceptChanges: z
    .boolean()
    .optional()
    .describe("Run again what the plan file defines otherwise now, and what depends on it."),
} as const;

export const ACTION_TOOLS: readonly McpTool[] = [
  mcpTool({
    name: "start_run",
    title: "Start a run",
    description:
      "Runs a plan: a file of the project, or the text of a plan. Its commands are carried out on this machine. Returns at once; follow it with wait_for_run. The run goes on while this server lives.",
    input: z.strictObject({
      plan: planFile,
      document: planDocument,
      params: planParams,
      maxConcurrency: workers,
      only: z
        .array(stepOfRun)
        .max(10_000)
        .optional()
        .describe("Only these steps, with results of earlier runs for what they depend on."),
      failure: z
        .enum(["fail-fast", "continue"])
        .optional()
        .describe(
          "What a failure does: end the run, or let go on what does not depend on it; absent: as the plan says.",
        ),
    }),
    output: BEGUN.extend({ plan: z.string(), stepsInAll: z.int(), notes: z.array(z.string()) }),
    acts: RUNS_STEPS,
    handle: async ({ params, only, maxConcurrency, failure, ...named }, context) => {
      const asked = askedPlanOf(named);
      if (asked === undefined) return err(twoPlans());
      const loaded = await loadAskedPlan(asked, { dir: context.dir, params: paramsOf(params) });
      if (!loaded.ok) return err(refusedPlanProblem(loaded.error));
      const project = await context.project.toAct("create");
      if (!project.ok) return project;
      const options = defined<Parameters<Project["runs"]["start"]>[1]>({ maxConcurrency, failure });
      const begun = await beginRun(project.value, loaded.value, { only, options });
      if (!begun.ok) return begun;
      const { handle, again } = begun.value;
      context.runs.add(handle);
      const { plan, steps } = handle.state();
      const about = { plan: harmlessText(plan.name, 500), stepsInAll: steps.length, notes: harmlessTexts(again, 20) };
      return ok({ run: handle.run, status: "running", ...about });
    },
  }),
  mcpTool({
    name: "answer",
    title: "Answer a question",
    description:
      "Answers what a step asks: `approve` or `reject` an approval; `answer` the question of an agent with words in `text`, or with the number of one of its options. Approvals are meant for people: ask the person you work for, do not decide in their place.",
    input: z.strictObject({
      run: namedRun,
      step: onlyStep.describe("Id of the step; absent: the only one that asks."),
      decision: z
        .enum(["approve", "reject", "answer"])
        .describe("`answer` approves nothing: it is for an agent alone."),
      text: text.describe("The answer to an agent's question, or a comment."),
    }),
    output: SAID.extend({ step: z.string() }),
    acts: RUNS_STEPS,
    handle: async ({ run: word, step, decision, text: comment }, context) =>
      onRun(word, context, async (project, run) => {
        const given = { step, by: context.actor, comment };
        const answered =
          decision === "answer"
            ? await project.control.answer(run, "approve", { ...given, about: "question" })
            : await project.control.answer(run, decision, given);
        return answered.ok ? ok({ run, step: answered.value.id, decision, result: answered.value.result }) : answered;
      }),
  }),
  mcpTool({
    name: "resolve_conflict",
    title: "Resolve a conflict",
    description:
      "Says how a merge conflict of an agent's work is settled: `ours` keeps what is merged already, `theirs` takes the step's side, `continue` takes what you have edited in the step's worktree. It is verified before it is merged.",
    input: z.strictObject({
      run: namedRun,
      step: onlyStep.describe("Id of the step; absent: the only one with a conflict."),
      choice: z.enum(["ours", "theirs", "continue"]),
      comment: text,
    }),
    output: SAID.extend({ step: z.string() }),
    acts: RUNS_STEPS,
    handle: async ({ run: word, step, choice, comment }, context) =>
      onRun(word, context, async (project, run) => {
        const resolved = await project.control.resolve(run, choice, { step, by: context.actor, comment });
        return resolved.ok ? ok({ run, step: resolved.value.id, choice, result: resolved.value.result }) : resolved;
      }),
  }),
  mcpTool({
    name: "send_signal",
    title: "Send a signal",
    description:
      "Sends the signal that a step of the run waits for, or will wait for. Its value becomes the step's output.",
    input: z.strictObject({
      run: namedRun,
      signal: z.string().min(1).max(200).describe("Name of the signal."),
      value: z.unknown().optional().describe("Any JSON; absent: null."),
    }),
    output: SAID,
    acts: { destructive: false, idempotent: false, openWorld: true },
    handle: async ({ run: word, signal, value = null }, context) =>
      onRun(word, context, async (project, run) => {
        const sent = await project.control.signal(run, { signal, value: value as Json, by: context.actor });
        return sent.ok ? ok({ run, signal: harmlessText(signal), result: sent.value }) : sent;
      }),
  }),
  mcpTool({
    name: "cancel_run",
    title: "Cancel a run",
    description: "Ends the running steps of a run with grace, and the run as cancelled. It can be resumed.",
    input: z.strictObject({ run: namedRun }),
    output: SAID,
    acts: { destructive: true, idempotent: true, openWorld: false },
    handle: async ({ run: word }, context) =>
      onRun(word, context, async (project, run) => {
        const sent = await project.control.send(run, { kind: "cancel" });
        return sent.ok ? ok({ run, result: sent.value }) : sent;
      }),
  }),
  mcpTool({
    name: "resume_run",
    title: "Resume a run",
    description:
      "Goes on with a run that was cancelled or interrupted, failed, or waits and was answered. What has succeeded is not run again. Returns at once; follow it with wait_for_run.",
    input: z.strictObject(goOnInput),
    output: BEGUN,
    acts: RUNS_STEPS,
    handle: async ({ run: word, maxConcurrency, acceptChanges }, context) =>
      goOn(word, context, { mode: "resume", maxConcurrency, acceptChanges }),
  }),
  mcpTool({
    name: "retry_run",
    title: "Retry a run",
    description:
      "Runs again what failed of a run, and what depends on it; with `steps`, those as well, whatever came of them. What else has succeeded is not run again. Returns at once; follow it with wait_for_run.",
    input: z.strictObject({
      ...goOnInput,
      steps: z.array(z.string()).min(1).max(10_000).optional().describe("Ids of steps that run again."),
    }),
    output: BEGUN,
    acts: RUNS_STEPS,
    handle: async ({ run: word, maxConcurrency, acceptChanges, steps }, context) =>
      goOn(word, context, {
        mode: "retry",
        maxConcurrency,
        acceptChanges,
        again: steps === undefined ? undefined : { steps },
      }),
  }),
];

type Choices = { readonly [M in keyof GoOnChoices]: GoOnChoices[M] | undefined };

function goOn(word: string, context: ToolContext, choices: Choices): Promise<Result<JsonObject, Problem>> {
  return onRun(word, context, async (project, run) => {
    const resumed = await goOnWithRun(project, run, defined<GoOnChoices>(choices));
    if (!resumed.ok) return resumed;
    context.runs.add(resumed.value);
    return ok({ run, status: runStatus(resumed.value.state(), true) });
  });
}

async function onRun(
  word: string,
  { project }: ToolContext,
  act: (project: Project, run: string) => Promise<Result<JsonObject, Problem>>,
): Promise<Result<JsonObject, Problem>> {
  const opened = await project.toAct("change");
  if (!opened.ok) return opened;
  const run = await opened.value.runs.find(word);
  return run.ok ? await act(opened.value, run.value) : run;
}
