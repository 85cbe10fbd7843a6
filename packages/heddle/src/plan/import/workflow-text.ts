/**
 * Workflow texts: environment variables and commands of a workflow as those of a step. An expression in a command becomes
 * a variable: its value must not be read as shell code.
 */
import { err, ok, type Result } from "../../base/result.ts";
import { isExpandedAt } from "./shell-text.ts";
import { literalText } from "./text.ts";
import { celValue, variableOf, type WorkflowReads, type WorkflowScope } from "./workflow-cel.ts";
import { celText } from "./workflow-value.ts";
import { workflowParts } from "./workflow-expression.ts";

export interface EnvText {
  /** As a value of `env`. */
  readonly template: string;
  /** As a part of an expression. */
  readonly cel: string;
}

const NOT_CLOSED = "an expression is not closed";

export function envText(text: string, scope: WorkflowScope, reads: WorkflowReads): Result<EnvText, string> {
  const parts = workflowParts(text);
  if (parts === undefined) return err(NOT_CLOSED);
  let template = "";
  const cels: string[] = [];
  for (const part of parts) {
    if (part.kind === "text") {
      template += literalText(part.text);
      cels.push(celText(part.text));
      continue;
    }
    const cel = celValue(part.source, scope, reads);
    if (!cel.ok) return cel;
    template += `\${{ ${cel.value.text} }}`;
    cels.push(cel.value.type === "text" ? `(${cel.value.text})` : `string(${cel.value.text})`);
  }
  const [only] = cels;
  return ok({ template, cel: cels.length === 1 && only !== undefined ? only : cels.join(" + ") || '""' });
}

/** A command, and the variables that stand in it for expressions. */
export interface CommandText {
  readonly command: string;
  readonly env: ReadonlyMap<string, string>;
}

/** Files of GitHub, and its older commands, that change what later steps see: nothing in a plan does. */
const FOREIGN = /\bGITHUB_(?:ENV|PATH|STATE)\b|::(?:set-output|set-env|add-path|save-state)\b/;

export interface CommandTextOptions {
  readonly scope: WorkflowScope;
  readonly reads: WorkflowReads;
  /** It runs in sh or bash. */
  readonly isShell: boolean;
}

export function commandText(text: string, { scope, reads, isShell }: CommandTextOptions): Result<CommandText, string> {
  const parts = workflowParts(text);
  if (parts === undefined) return err(NOT_CLOSED);
  const foreign = FOREIGN.exec(text);
  if (foreign !== null) return err(`${foreign[0]} sets what later steps see, which a step of a plan cannot`);
  const env = new Map<string, string>();
  let command = "";
  for (const part of parts) {
    if (part.kind === "text") {
      command += part.text;
      continue;
    }
    const constant = /^\s*'((?:[^']|'')*)'\s*$/.exec(part.source)?.[1];
    if (constant !== undefined) {
      command += constant.replaceAll("''", "'");
      continue;
    }
    if (!isShell) return err("an expression in a command that is not for sh or bash");
    if (!isExpandedAt(text, part.offset))
      return err("an expression between single quotes, where no variable is replaced");
    const cel = celValue(part.source, scope, reads);
    if (!cel.ok) return cel;
    const variable = unchangedVariable(part.source, scope);
    const name = variable ?? nameFor(part.source, cel.value.text, { env, taken: scope.env });
    if (variable === undefined) env.set(name, `\${{ ${cel.value.text} }}`);
    command += `\${${name}}`;
  }
  return ok({ command: `${isShell ? filesFor(text) : ""}${command}`, env });
}

/** The variable that an expression is, where the workflow does not set one of that name to something else. */
function unchangedVariable(source: string, scope: WorkflowScope): string | undefined {
  const variable = variableOf(source);
  if (variable === undefined || !scope.env.has(variable)) return variable;
  return /^\s*env\b/.test(source) ? variable : undefined;
}

interface Names {
  /** What stands for expressions already. */
  readonly env: ReadonlyMap<string, string>;
  /** Variables of the workflow. */
  readonly taken: ReadonlyMap<string, unknown>;
}

/** `MATRIX_OS` for `matrix.os`; one name for one expression. */
function nameFor(source: string, cel: string, { env, taken }: Names): string {
  const base = source
    .trim()
    .replace(/\W+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toUpperCase()
    .slice(0, 60);
  const first = /^[A-Z]/.test(base) ? base : `VALUE_${base}`;
  for (let number = 1; ; number++) {
    const name = number === 1 ? first : `${first}_${number}`;
    if (taken.has(name)) continue;
    if (!env.has(name) || env.get(name) === `\${{ ${cel} }}`) return name;
  }
}

/** Files that commands of workflows write to: outputs are those of the step, a summary is thrown away. */
function filesFor(text: string): string {
  const output = /\bGITHUB_OUTPUT\b/.test(text) ? 'export GITHUB_OUTPUT="$HEDDLE_OUTPUT"\n' : "";
  const summary = /\bGITHUB_STEP_SUMMARY\b/.test(text) ? "export GITHUB_STEP_SUMMARY=/dev/null\n" : "";
  return output + summary;
}

/** Variables of GitHub that a command reads by itself. */
export function variablesIn(command: string): readonly string[] {
  const names = [...command.matchAll(/\$\{?((?:GITHUB|RUNNER)_[A-Z_]+)/g)].map((match) => match[1] ?? "");
  return [...new Set(names)].filter((name) => name !== "GITHUB_OUTPUT" && name !== "GITHUB_STEP_SUMMARY");
}
