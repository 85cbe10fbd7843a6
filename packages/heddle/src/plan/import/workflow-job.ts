/**
 * Workflow jobs: reads what a job of GitHub Actions holds before any step is made of it: its commands, its needs, its
 * matrix, its outputs. Says of all else that it is not imported.
 */
import type { JsonObject } from "../../base/json.ts";
import { shorten } from "../issues.ts";
import type { Findings } from "./findings.ts";
import {
  isBlank,
  itemsOf,
  memberOf,
  scalarText,
  type SourceEntry,
  type SourceMapping,
  type SourceNode,
} from "./source.ts";
import { parseWorkflowExpression, workflowParts } from "./workflow-expression.ts";
import { matrixItems } from "./workflow-matrix.ts";

type Place = { readonly offset: number };

/** A step of a job that runs a command. */
export interface JobCommand {
  readonly node: SourceMapping;
  /** Its id in the plan. */
  readonly id: string;
  /** Its id in the workflow. */
  readonly written?: string;
}

export interface WorkflowJob {
  readonly id: string;
  readonly node: SourceMapping;
  readonly place: Place;
  readonly commands: readonly JobCommand[];
  readonly needs: readonly { readonly id: string; readonly place: Place }[];
  /** The items of its matrix; absent: it has none. */
  readonly items?: readonly JsonObject[];
  /** It has a matrix, which was refused. */
  readonly hasUnknownMatrix: boolean;
  /** By name, the step and its output that each is. */
  readonly outputs: ReadonlyMap<string, { readonly step: string; readonly name: string }>;
}

const JOB_KEYS = new Set([
  "name",
  "needs",
  "if",
  "env",
  "defaults",
  "strategy",
  "timeout-minutes",
  "continue-on-error",
  "steps",
  "runs-on",
  "outputs",
  "environment",
]);
const STEP_KEYS = new Set([
  "id",
  "name",
  "if",
  "run",
  "shell",
  "env",
  "working-directory",
  "timeout-minutes",
  "continue-on-error",
  "uses",
  "with",
]);

/** Actions that prepare a fresh machine, or hand files between machines: a project folder has its tools and files. */
const PREPARES =
  /^(?:actions\/(?:checkout|cache(?:\/\w+)?|upload-artifact|download-artifact)|[\w.-]+\/(?:setup-[\w-]+|action-setup)|dtolnay\/rust-toolchain|actions-rs\/toolchain)@/;

export function readJob(id: string, { offset, value }: SourceEntry, findings: Findings): WorkflowJob | undefined {
  if (value.kind !== "mapping") {
    findings.error(value, {
      code: "InvalidTask",
      message: `the job "${shorten(id)}" is not a mapping`,
      hint: "write its steps",
    });
    return undefined;
  }
  const uses = memberOf(value, "uses");
  if (uses !== undefined) {
    findings.loss(uses, {
      code: "CannotImport",
      message: `the job "${shorten(id)}" is another workflow: ${shorten(scalarText(uses) ?? "")}`,
      hint: "import that workflow too, and name its plan in a `plan:` step; --lenient leaves the job out",
      otherwise: "left out",
    });
  }
  noteOthers(value, uses === undefined ? JOB_KEYS : new Set([...JOB_KEYS, "uses", "with", "secrets"]), findings);
  const commands = uses === undefined ? commandsOf(id, value, findings) : [];
  if (uses === undefined && commands.length === 0) {
    findings.note({ offset }, `left out: the job "${shorten(id)}" has no command`);
  }
  const items = itemsOfMatrix(id, value, findings);
  const needs = itemsOf(memberOf(value, "needs")).flatMap((node) => {
    const name = scalarText(node);
    return name === undefined ? [] : [{ id: name, place: node }];
  });
  const hasUnknownMatrix = items === undefined && memberOf(memberOf(value, "strategy"), "matrix") !== undefined;
  const outputs = outputsOf(value, findings);
  const job = { id, node: value, place: { offset }, commands, needs, hasUnknownMatrix, outputs };
  return items === undefined ? job : { ...job, items };
}

function commandsOf(job: string, node: SourceMapping, findings: Findings): readonly JobCommand[] {
  const taken = new Set<string>();
  return itemsOf(memberOf(node, "steps")).flatMap((step, at): readonly JobCommand[] => {
    if (step.kind !== "mapping") {
      const message = `a step of the job "${shorten(job)}" is not a mapping`;
      findings.error(step, { code: "InvalidTask", message, hint: "write `- run: command`" });
      return [];
    }
    noteOthers(step, STEP_KEYS, findings);
    const uses = memberOf(step, "uses");
    if (uses !== undefined) sayAction(uses, step, findings);
    const run = memberOf(step, "run");
    if (run === undefined || isBlank(run)) return [];
    const written = scalarText(memberOf(step, "id"));
    const id = unused(written ?? scalarText(memberOf(step, "name")) ?? `run-${at + 1}`, taken);
    return [written === undefined ? { node: step, id } : { node: step, id, written }];
  });
}

function sayAction(uses: SourceNode, step: SourceMapping, findings: Findings): void {
  const action = scalarText(uses) ?? "";
  const given = memberOf(step, "with");
  const values =
    given?.kind === "mapping"
      ? [...given.entries].map(([key, { value }]) => `${key}: ${scalarText(value) ?? "..."}`)
      : [];
  const what = `${shorten(action)}${values.length === 0 ? "" : ` (${shorten(values.join(", "), 200)})`}`;
  if (PREPARES.test(action)) {
    findings.note(uses, `left out: ${what}; the project folder has its files and tools`);
    return;
  }
  findings.loss(uses, {
    code: "CannotImport",
    message: `an action is no command: ${what}`,
    hint: "replace it by a `run`; --lenient leaves it out",
    otherwise: "left out",
  });
}

/** `wanted` in the characters of ids, with a number if it is taken. */
function unused(wanted: string, taken: Set<string>): string {
  const base =
    wanted
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "run";
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function itemsOfMatrix(id: string, node: SourceMapping, findings: Findings): readonly JsonObject[] | undefined {
  const strategy = memberOf(node, "strategy");
  const matrix = memberOf(strategy, "matrix");
  if (matrix === undefined) return undefined;
  const computed = matrix.kind === "mapping" ? matrixItems(matrix) : undefined;
  if (computed?.ok === true) {
    const failFast = memberOf(strategy, "fail-fast");
    if (failFast === undefined || scalarText(failFast) !== "false") {
      const message = `the items of "${shorten(id)}" go on when one of them fails (fail-fast)`;
      findings.note(failFast ?? matrix, message);
    }
    return computed.value;
  }
  const { place, message } = computed?.error ?? { place: matrix, message: "it is computed" };
  findings.loss(place, {
    code: "CannotImport",
    message: `the matrix of "${shorten(id)}" cannot be imported: ${message}`,
    otherwise: "imported as one job without a matrix",
  });
  return undefined;
}

/** Outputs of a job that are outputs of its steps. */
function outputsOf(node: SourceMapping, findings: Findings): WorkflowJob["outputs"] {
  const outputs = new Map<string, { readonly step: string; readonly name: string }>();
  const written = memberOf(node, "outputs");
  for (const [name, { value }] of written?.kind === "mapping" ? written.entries : []) {
    const parts = workflowParts(scalarText(value) ?? "");
    const [only] = parts ?? [];
    const parsed =
      parts?.length === 1 && only?.kind === "expression" ? parseWorkflowExpression(only.source) : undefined;
    const path = parsed?.ok === true && parsed.value.kind === "name" ? parsed.value.path : [];
    const [root, step = "", member, output = "", ...more] = path;
    if (root === "steps" && member === "outputs" && output !== "" && more.length === 0)
      outputs.set(name, { step, name: output });
    else findings.note(value, `not imported: the output "${shorten(name)}", which is no output of a step`);
  }
  return outputs;
}

/** Says which keys of a mapping are not imported. */
export function noteOthers(node: SourceMapping, known: ReadonlySet<string>, findings: Findings): void {
  for (const [key, { offset, value }] of node.entries) {
    if (!known.has(key) && !isBlank(value)) findings.note({ offset }, `not imported: "${shorten(key)}"`);
  }
}
