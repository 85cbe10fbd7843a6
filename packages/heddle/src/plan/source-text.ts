/**
 * Source texts: keeps a number or a boolean as it is written where a plan wants text: `1.10` is no `1.1` in an id or a
 * variable. Knows where a plan wants text, and nothing else of it.
 *
 *  1. The data is not changed: what holds such a scalar is copied, all else is shared.
 *  2. Where no text is wanted the value goes on, and a value that a number cannot hold is an issue.
 */
import { type DuplicateKey, isRounded, type JsonPath, numberText, QUOTE_IT, scanJson } from "../base/json-text.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { DocumentPath } from "./diagnostic.ts";

/** A scalar that is printed otherwise than it is written: `1.10`, `0x1F`, `TRUE`. */
export class ScalarWithText {
  readonly text: string;
  readonly value: number | boolean;

  constructor(text: string, value: number | boolean) {
    this.text = text;
    this.value = value;
  }
}

/** `value`, with its text if that could be lost. */
export function scalarAs(text: string, value: number | boolean): ScalarWithText | number | boolean {
  const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
  return isExact && String(value) === text ? value : new ScalarWithText(text, value);
}

/**
 * What `JSON.parse` made of `text`, with numbers that are printed otherwise than they are written as {@link ScalarWithText}.
 * Changes `document`. The error is a key that is used twice.
 */
export function withSources(
  document: unknown,
  text: string,
): Result<{ readonly document: unknown; readonly hasSources: boolean }, DuplicateKey> {
  const sources: { readonly path: JsonPath; readonly scalar: ScalarWithText }[] = [];
  const twice = scanJson(text, (number, path) => {
    const scalar = scalarAs(number, Number(number));
    if (scalar instanceof ScalarWithText) sources.push({ path: [...path], scalar });
  });
  if (twice !== undefined) return err(twice);
  let whole = document;
  for (const { path, scalar } of sources) whole = replaced(whole, path, scalar);
  return ok({ document: whole, hasSources: sources.length > 0 });
}

/** `document` with `scalar` at `path`, where a number is. */
function replaced(document: unknown, path: JsonPath, scalar: ScalarWithText): unknown {
  const last = path.at(-1);
  if (last === undefined) return scalar;
  let container = document as Container;
  for (const key of path.slice(0, -1)) container = container[key] as Container;
  setMember(container, last, scalar);
  return document;
}

type Container = Record<string | number, unknown>;

/** Also of `__proto__`, which is a key like others in JSON. */
function setMember(container: Container, key: string | number, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
}

export interface ScalarIssue {
  readonly code: "NumberTooLarge" | "InvalidValue";
  readonly message: string;
  readonly hint: string;
  readonly path: DocumentPath;
}

/** What is wanted of the scalars of a value. */
type Wanted =
  /** Their values, however deep. */
  | "values"
  /** Their texts, however deep. */
  | "texts"
  /** The text of the value itself, if it is a scalar. */
  | "text"
  | Members;

/** What is wanted of each member of a container. */
type Members = (container: object, key: string) => Wanted;

const each =
  (wanted: Wanted): Members =>
  () =>
    wanted;

const ofKeys =
  (keys: { readonly [key: string]: Wanted }): Members =>
  (container, key) =>
    !Array.isArray(container) && Object.hasOwn(keys, key) ? (keys[key] ?? "values") : "values";

const param: Members = (container, key) =>
  "type" in container && container.type === "string" && (key === "default" || key === "enum") ? "texts" : "values";

const step: Members = ofKeys({
  id: "texts",
  deps: "texts",
  depends_on: "texts",
  needs: "texts",
  after: "texts",
  group: "text",
  parallel_group: "text",
  epic: "text",
  sleep: "text",
  env: "texts",
  forEach: "texts",
  // Their types are those of the other plan, which converts texts.
  params: each("text"),
  plan: (container, key) => documentOf(container)(container, key),
});

const plan: Members = ofKeys({
  steps: each(step),
  phases: each(step),
  defaults: ofKeys({ env: "texts" }),
  params: each(param),
});

/** A plan, or a list of steps. */
function documentOf(container: object): Members {
  return Array.isArray(container) ? each(step) : plan;
}

/** What is wanted of a whole document: a plan, or a list of steps; or only texts. */
export type DocumentKind = "plan" | "texts";

/** The document without a {@link ScalarWithText} in it, and what cannot be kept. */
export function withSourceTexts(
  document: unknown,
  kind: DocumentKind,
): { readonly document: unknown; readonly issues: readonly ScalarIssue[] } {
  const issues: ScalarIssue[] = [];
  const wanted: Wanted = kind === "texts" ? "texts" : (container, key) => documentOf(container)(container, key);
  return { document: kept(document, wanted, [], issues), issues };
}

function kept(value: unknown, wanted: Wanted, path: (string | number)[], issues: ScalarIssue[]): unknown {
  if (value instanceof ScalarWithText)
    return wanted === "texts" || wanted === "text" ? value.text : valueOf(value, path, issues);
  if (typeof value !== "object" || value === null) return value;
  let copy: Container | undefined;
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (typeof member !== "object" || member === null) continue;
    const inside = typeof wanted === "function" ? wanted(value, key) : wanted === "text" ? "values" : wanted;
    path.push(Array.isArray(value) ? Number(key) : key);
    const changed = kept(member, inside, path, issues);
    path.pop();
    if (changed === member) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Container;
    setMember(copy, key, changed);
  }
  return copy ?? value;
}

/** Longest list of issues: more are not mended in one go. */
const MOST_ISSUES = 1000;

function valueOf({ text, value }: ScalarWithText, path: DocumentPath, issues: ScalarIssue[]): number | boolean {
  const issue = issueOf(text, value);
  if (issue !== undefined && issues.length < MOST_ISSUES) issues.push({ ...issue, path: [...path] });
  return value;
}

function issueOf(text: string, value: number | boolean): Omit<ScalarIssue, "path"> | undefined {
  if (typeof value !== "number") return undefined;
  if (!Number.isFinite(value)) {
    const hint = "write a number that JSON can represent, or put it in quotes";
    return { code: "InvalidValue", message: "a number must be finite", hint };
  }
  if (!isRounded(text)) return undefined;
  return {
    code: "NumberTooLarge",
    message: `${numberText(text)} is too large to be exact as a number`,
    hint: QUOTE_IT,
  };
}
