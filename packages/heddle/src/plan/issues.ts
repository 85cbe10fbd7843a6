/**
 * Issue collector: collects the problems that validation finds without positions, so that a plan without errors computes
 * none, then locates them. Also converts a schema's errors to plain messages.
 */
import type * as z from "zod/mini";
import { defined } from "../base/defined.ts";
import { suggest } from "../base/suggest.ts";
import type { Diagnostic, DocumentPath, Position, SourceMap } from "./diagnostic.ts";
import { keysAt } from "./schema/keys.ts";

export interface PlanIssue {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly path: DocumentPath;
  /** The issue is about the key itself, not its value. */
  readonly isKey?: boolean;
}

/** More issues than anybody mends in one go: what comes after is counted, not kept. */
const MOST_ISSUES = 1000;

export class PlanIssues {
  readonly #list: PlanIssue[] = [];
  #left = 0;

  add(issue: PlanIssue): void {
    if (this.#list.length < MOST_ISSUES) this.#list.push(issue);
    else this.#left++;
  }

  /** Of something that several steps share: what is said of its place is said once. */
  addOnce(issue: PlanIssue): void {
    const isSame = ({ code, message, path }: PlanIssue): boolean =>
      code === issue.code && message === issue.message && JSON.stringify(path) === JSON.stringify(issue.path);
    if (!this.#list.some(isSame)) this.add(issue);
  }

  get size(): number {
    return this.#list.length;
  }

  /** In the order of the text. */
  locate(source: SourceMap): readonly Diagnostic[] {
    const located = this.#list.map((issue) => toDiagnostic(issue, source));
    located.sort((a, b) => a.line - b.line || a.column - b.column);
    if (this.#left > 0) {
      const place = located.at(-1) ?? { line: 1, column: 1 };
      located.push(
        toDiagnostic(
          { code: "TooManyErrors", message: `${this.#left} more errors`, hint: "fix these first", path: [] },
          source,
          place,
        ),
      );
    }
    return located;
  }
}

function toDiagnostic(issue: PlanIssue, source: SourceMap, at?: Position): Diagnostic {
  const { code, message, hint, path, isKey } = issue;
  const { line, column } = at ?? (isKey === true ? source.atKey(path) : source.at(path));
  return defined({ code, severity: "error", message, file: source.file, line, column, hint });
}

/** An unknown key, with what was probably meant. `hint`: what it is called here, where that is known. */
export function unknownKey(path: DocumentPath, known: readonly string[], where: string, hint?: string): PlanIssue {
  const name = String(path.at(-1));
  const meant = suggest(name, known);
  const guess = meant === undefined ? `allowed in ${where}: ${known.join(", ")}` : `did you mean "${meant}"?`;
  return {
    code: "UnknownKey",
    message: `unknown key "${shorten(name)}" in ${where}`,
    hint: hint ?? guess,
    path,
    isKey: true,
  };
}

/** `text` fit for one line of a message. */
export function shorten(text: string, most = 60): string {
  const line = JSON.stringify(text).slice(1, -1);
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}

type SchemaIssue = z.core.$ZodIssue;

/** Checks the value at `path` against `schema`; issues name places inside it. */
export function checkValue(schema: z.ZodMiniType, value: unknown, path: DocumentPath, issues: PlanIssues): boolean {
  const checked = schema.safeParse(value);
  if (checked.success) return true;
  const keys = (at: DocumentPath): readonly string[] => keysAt(schema, at.slice(path.length));
  for (const issue of checked.error.issues) addSchemaIssue(issue, path, keys, issues);
  return false;
}

/** `keys`: the known keys of the mapping at a position of the document. */
function addSchemaIssue(
  issue: SchemaIssue,
  base: DocumentPath,
  keys: (at: DocumentPath) => readonly string[],
  issues: PlanIssues,
): void {
  const path: DocumentPath = [...base, ...issue.path.map((key) => (typeof key === "symbol" ? String(key) : key))];
  const subject = `"${shorten(subjectOf(path))}"`;
  let said = issue.message;
  switch (issue.code) {
    case "unrecognized_keys":
      for (const key of issue.keys) issues.add(unknownKey([...path, key], keys(path), subject));
      return;
    case "invalid_union": {
      const branch = nearestBranch(issue.errors);
      if (branch === undefined) {
        said = wantedBy(issue);
        break;
      }
      for (const inner of branch) addSchemaIssue(inner, path, keys, issues);
      return;
    }
    case "invalid_key":
      for (const inner of issue.issues) {
        issues.add({ code: "InvalidName", message: `${subject}: ${inner.message}`, path, isKey: true });
      }
      return;
    default:
  }
  const code = said.includes("duration") ? "InvalidDuration" : path.at(-1) === "id" ? "InvalidId" : "InvalidValue";
  issues.add({ code, message: `${subject}: ${said}`, path });
}

/** The message of a schema that was given none. */
const UNSAID = "Invalid input";

/** What a union says itself, or what its alternatives want, one after the other. */
function wantedBy({ message, errors }: Extract<SchemaIssue, { readonly code: "invalid_union" }>): string {
  if (message !== UNSAID) return message;
  const wanted = errors.flat().filter(({ path }) => path.length === 0);
  const words = wanted.map((one) => one.message.replace(/^expected /, ""));
  return `expected ${[...new Set(words)].join(", or ")}`;
}

/** The alternative of a union that the value was meant to be: the one that it fits in kind. */
function nearestBranch(branches: readonly (readonly SchemaIssue[])[]): readonly SchemaIssue[] | undefined {
  const within = (issue: SchemaIssue): boolean => issue.path.length > 0 || issue.code === "unrecognized_keys";
  const reached = branches.find((issues) => issues.length > 0 && issues.every(within));
  if (reached !== undefined) return reached;
  return branches.find((issues) =>
    issues.every((issue) => (issue.code !== "invalid_type" && issue.message !== UNSAID) || issue.path.length > 0),
  );
}

/** The last name of a path: `retry.delay`'s is `delay`, an entry of a list has its list's. */
function subjectOf(path: DocumentPath): string {
  const names = path.filter((key) => typeof key === "string");
  return names.at(-1) ?? "plan";
}
