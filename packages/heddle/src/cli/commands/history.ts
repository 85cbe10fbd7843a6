/** `heddle history`: prints the recorded events of a run, one per line. */
import { defined } from "../../base/defined.ts";
import { canonicalEvents, type RunEvent } from "../../view/history.ts";
import { EXIT, fail, openToRead, type Context } from "../context.ts";
import { findStep } from "../../project/find-run.ts";
import { safeJson, safeLine } from "../../base/safe-text.ts";
import { cut, pad } from "../output-text.ts";
import type { Output } from "../output.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn, numberFlag, textFlag } from "../flag-values.ts";
import type { Project } from "../../project/port.ts";

export async function historyCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const step = textFlag(flags, "step");
  if (step !== undefined) {
    const read = await project.runs.read(run.value);
    const found = read.ok ? findStep(read.value.state, step) : read;
    if (!found.ok) return fail(context, found.error);
  }
  const after = numberFlag(flags, "since") ?? 0;
  if (isFlagOn(flags, "canonical")) await printCanonical(context, project, run.value, step, after);
  else await printEvents(context, project, run.value, step, after);
  return EXIT.ok;
}

async function printEvents(
  context: Context,
  project: Project,
  run: string,
  step: string | undefined,
  after: number,
): Promise<void> {
  const { out } = context;
  for await (const batch of project.runs.events(run, defined({ after, step }))) {
    out.lines(batch.map((event) => (context.json ? safeJson(event) : eventLine(out, event))));
    await out.drained();
  }
}

async function printCanonical(
  context: Context,
  project: Project,
  run: string,
  step: string | undefined,
  after: number,
): Promise<void> {
  const events: RunEvent[] = [];
  for await (const batch of project.runs.events(run)) events.push(...batch);
  const chosen = canonicalEvents(events).filter(
    (event) => event.seq > after && (step === undefined || event.step === step),
  );
  context.out.lines(
    chosen.map((event) =>
      context.json ? safeJson(event) : eventText(event.seq, event.type, event.step, event.attempt, event.data),
    ),
  );
}

function eventLine(out: Output, event: RunEvent): string {
  const time = out.style("dim", new Date(event.time).toISOString().slice(11, 23));
  const step = "step" in event ? event.step : undefined;
  const attempt = "attempt" in event ? event.attempt : undefined;
  const data =
    event.type === "run.created"
      ? { plan: event.data.plan.name, steps: event.data.plan.steps.length, ...event.data.options }
      : event.data;
  const line = `${time} ${eventText(event.seq, event.type, step, attempt, data)}`;
  return out.isTerminal ? cut(line, out.columns + time.length - 12) : line;
}

function eventText(
  seq: number,
  type: string,
  step: string | undefined,
  attempt: number | undefined,
  data: unknown,
): string {
  const subject = step === undefined ? "" : `${safeLine(step)}${attempt === undefined ? "" : `#${attempt}`} `;
  const rest = JSON.stringify(data);
  return `${String(seq).padStart(5)} ${pad(type, 18)} ${subject}${rest === "{}" ? "" : safeLine(rest)}`.trimEnd();
}
