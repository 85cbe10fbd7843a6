/**
 * JUnit report: a run as the XML that CI systems read: one suite, a test case per step. Pure. Names and outputs are data: all text of
 * others goes through {@link escapeXml}.
 *
 * Invariants:
 *  1. The document has a failure or an error exactly where the run has not succeeded.
 *  2. The counts of the suite are those of its cases.
 */
import { stepAt } from "../run/state.ts";
import { failureText } from "./failure-text.ts";
import { withoutUnreadable } from "./html-text.ts";
import { runView, type RunView, type RunViewInput, type StepView } from "./run-view.ts";

export interface JunitOptions {
  /** The end of what an attempt printed, line by line; default: nothing is shown. */
  readonly outputOf?: (step: string, attempt: number) => readonly string[];
}

/** How a case ended, as the schema has it. */
interface Verdict {
  readonly kind: "passed" | "failure" | "error" | "skipped";
  readonly type?: string;
  readonly message?: string;
  readonly body?: readonly string[];
}

/** The document in parts, to be written one after another. */
export function* junitReport(input: RunViewInput, options: JunitOptions = {}): Generator<string, void, undefined> {
  const view = runView(input);
  const verdicts = view.steps.map((step, at) =>
    verdictOf(view, { ...step, isOptional: stepAt(input.state, at).optional === true }, options),
  );
  const isTold = verdicts.some(({ kind }) => kind === "failure" || kind === "error");
  // Nothing failed, and yet the run has not succeeded: it waits, it was paused, its time was over.
  const rest: Verdict | undefined =
    view.status === "succeeded" || isTold
      ? undefined
      : { kind: "error", type: view.status, message: `the run has not succeeded: ${view.status}` };
  const all = rest === undefined ? verdicts : [...verdicts, rest];
  const count = (kind: Verdict["kind"]): number => all.filter((one) => one.kind === kind).length;
  const counts = `tests="${all.length}" failures="${count("failure")}" errors="${count("error")}" skipped="${count("skipped")}" time="${seconds(view.parallelMs)}"`;
  const name = escapeXml(view.plan);
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites name="${name}" ${counts}>\n`;
  yield `  <testsuite name="${name}" ${counts} timestamp="${new Date(view.startedAt).toISOString().slice(0, 19)}">\n`;
  yield "    <properties>\n";
  for (const [key, value] of propertiesOf(view)) yield `      <property name="${key}" value="${escapeXml(value)}"/>\n`;
  yield "    </properties>\n";
  for (const [at, step] of view.steps.entries()) {
    const open = `    <testcase classname="${name}" name="${escapeXml(step.id)}" time="${seconds(step.durationMs ?? 0)}"`;
    yield* caseLines(open, verdicts[at] ?? { kind: "passed" });
  }
  if (rest !== undefined) yield* caseLines(`    <testcase classname="${name}" name="${name}" time="0.000"`, rest);
  yield "  </testsuite>\n</testsuites>\n";
}

function propertiesOf(view: RunView): readonly (readonly [string, string])[] {
  const { run, status, sequentialMs, speedup, criticalPathMs } = view;
  return [
    ["heddle.run", run],
    ["heddle.status", status],
    ["heddle.sequentialSeconds", seconds(sequentialMs)],
    ...(speedup === null ? [] : [["heddle.speedup", speedup.toFixed(2)] as const]),
    ["heddle.criticalPathSeconds", seconds(criticalPathMs)],
  ];
}

function verdictOf(
  view: RunView,
  { id, status, why, error, attempts, isOptional }: StepView & { readonly isOptional: boolean },
  { outputOf }: JunitOptions,
): Verdict {
  switch (status) {
    case "succeeded":
    case "cached":
      return { kind: "passed" };
    case "skipped":
      return { kind: "skipped", message: why };
    case "failed": {
      const { line, quoted } = failureText(error ?? { message: why });
      if (view.status === "succeeded" || isOptional)
        return { kind: "skipped", message: `failed, and the run may succeed without it: ${line}` };
      const output = quoted.length > 0 || attempts === 0 ? quoted : (outputOf?.(id, attempts) ?? []);
      return { kind: "failure", type: error?.code ?? "failed", message: line, body: output };
    }
    case "cancelled":
    case "interrupted":
      return view.status === "succeeded"
        ? { kind: "skipped", message: why }
        : { kind: "error", type: status, message: error === undefined ? why : failureText(error).line };
    case "waiting":
    case "running":
    case "retrying":
    case "needs-approval":
    case "needs-resolution":
      return { kind: "skipped", message: why };
  }
}

function* caseLines(
  open: string,
  { kind, type, message = "", body = [] }: Verdict,
): Generator<string, void, undefined> {
  if (kind === "passed") {
    yield `${open}/>\n`;
    return;
  }
  yield `${open}>\n`;
  const typed = type === undefined ? "" : ` type="${escapeXml(type)}"`;
  const head = `      <${kind} message="${escapeXml(message)}"${typed}`;
  if (body.length === 0) yield `${head}/>\n`;
  else yield `${head}>${body.map((line) => escapeXml(line)).join("\n")}</${kind}>\n`;
  yield "    </testcase>\n";
}

/** The unit of the schema. */
function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}

/** What no XML document may hold, not even as a reference, and what nobody can read, is replaced. */
export function escapeXml(text: string): string {
  return withoutUnreadable(text.toWellFormed())
    .replace(/[\ufffe\uffff]/g, "\u{fffd}")
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
