/**
 * Parser: converts YAML or JSON to plain data and the positions of its values. Does not know what a plan means.
 * `limits.ts` bounds what a hostile file can cost, before and during parsing.
 *
 *  1. The document is data: none of its keys is ever a prototype. Nothing of the text is lost in silence: no key that is
 *     used twice, no digit of a number (`source-text.ts`).
 *  2. Positions are computed when first needed: a plan without errors does not pay for them.
 *  3. The YAML parser is loaded only for YAML, and for the positions of errors in JSON.
 */
import type { Event } from "js-yaml";
import { defined } from "../base/defined.ts";
import type { DuplicateKey } from "../base/json-text.ts";
import { messageOf } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Diagnostic, SourceMap } from "./diagnostic.ts";
import { shorten } from "./issues.ts";
import { dataExcess, LIMITS, textExcess } from "./limits.ts";
import { jsonErrorOffset, positionAt } from "./position.ts";
import { noSourceMap, yamlSourceMap } from "./source-map.ts";
import { type DocumentKind, withSources, withSourceTexts } from "./source-text.ts";

export type PlanFormat = "yaml" | "json";

export interface PlanText {
  readonly text: string;
  /** As the user named it: it is in every message. */
  readonly file: string;
  /** Absent: `json` for names that end in `.json`, else `yaml`. */
  readonly format?: PlanFormat;
  /** Where texts are wanted; absent: where a plan wants them. */
  readonly kind?: DocumentKind;
}

export interface ParsedDocument {
  readonly document: unknown;
  /** The places; costs nothing until asked. */
  readonly source: () => Promise<SourceMap>;
}

export async function parseDocument(input: PlanText): Promise<Result<ParsedDocument, readonly Diagnostic[]>> {
  const { file } = input;
  // A byte order mark belongs to the file, not to the text: a blank keeps the columns.
  const text = input.text.startsWith("\ufeff") ? ` ${input.text.slice(1)}` : input.text;
  const tooLarge = textExcess(text);
  if (tooLarge !== undefined) {
    return refused(file, text, {
      code: "PlanTooLarge",
      message: tooLarge,
      offset: 0,
      hint: "split the plan with `plan:` steps",
    });
  }
  const isJson = (input.format ?? (file.endsWith(".json") ? "json" : "yaml")) === "json";
  const read = isJson ? readJson(text) : await readYaml(text);
  if (!read.ok) return refused(file, text, read.error);
  const { document, events } = read.value;
  const source = (): Promise<SourceMap> => placesOf(file, text, events);
  const excess = dataExcess(document);
  if (excess !== undefined) {
    const { code, message, hint, path } = excess;
    const map = await source();
    const place = code === "ForbiddenKey" ? map.atKey(path) : map.at(path);
    return err([{ code, severity: "error", message, file, ...place, hint }]);
  }
  if (!read.value.hasSources) return ok({ document, source });
  const exact = withSourceTexts(document, input.kind ?? "plan");
  if (exact.issues.length === 0) return ok({ document: exact.document, source });
  const map = await source();
  return err(
    exact.issues.map(({ path, ...issue }): Diagnostic => ({ ...issue, severity: "error", file, ...map.at(path) })),
  );
}

/** The parser counts some levels twice; the exact limit is held over the data. */
const PARSER_DEPTH = 2 * LIMITS.depth + 10;

interface ReadError {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
  readonly hint?: string;
}

interface ReadDocument {
  readonly document: unknown;
  readonly events?: readonly Event[];
  /** Whether a scalar of the document may be one with its text (`source-text.ts`). */
  readonly hasSources: boolean;
}

type ReadResult = Result<ReadDocument, ReadError>;

function refused(file: string, text: string, error: ReadError): Result<never, readonly Diagnostic[]> {
  const { code, message, offset, hint } = error;
  return err([defined({ code, severity: "error", message, file, ...positionAt(text, offset), hint })]);
}

const NOTHING: ReadError = {
  code: "EmptyPlan",
  message: "the plan is empty",
  offset: 0,
  hint: "write at least one step under `steps:`",
};

function readJson(text: string): ReadResult {
  if (text.trim() === "") return err(NOTHING);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (thrown) {
    const said = messageOf(thrown);
    const message = `this is not JSON: ${said
      .replace(/,? *"?\.{3}.*$/s, "")
      .replace(/ in JSON at .*$/s, "")
      .slice(0, 200)}`;
    return err({
      code: "InvalidJson",
      message,
      offset: jsonErrorOffset(said, text),
      hint: "the error is here or just before",
    });
  }
  const sources = withSources(document, text);
  if (sources.ok) return ok(sources.value);
  return err(duplicateKey(text, sources.error));
}

function duplicateKey(text: string, { key, firstOffset, offset }: Omit<DuplicateKey, "path">): ReadError {
  const first = positionAt(text, firstOffset);
  return {
    code: "DuplicateKey",
    message: `the key "${shorten(key)}" is used twice in its mapping; its first use is at ${first.line}:${first.column}`,
    offset,
    hint: "remove or rename one of them",
  };
}

async function readYaml(text: string): Promise<ReadResult> {
  const [yaml, { PLAN_SCHEMA, duplicateKeyAt }] = await Promise.all([import("js-yaml"), import("./yaml-schema.ts")]);
  let events: Event[] = [];
  try {
    events = yaml.parseEvents(text, { maxDepth: PARSER_DEPTH });
    const documents = yaml.constructFromEvents(events, {
      source: text,
      schema: PLAN_SCHEMA,
      maxAliases: LIMITS.aliases,
      maxTotalMergeKeys: LIMITS.mergedKeys,
    });
    if (documents.length === 0 || (documents.length === 1 && documents[0] === null)) return err(NOTHING);
    if (documents.length > 1) {
      const hint = "keep one plan per file: remove the line `---` and what follows it";
      return err({
        code: "InvalidYaml",
        message: `the file has ${documents.length} documents`,
        offset: secondDocument(text),
        hint,
      });
    }
    return ok({ document: documents[0], events, hasSources: true });
  } catch (thrown) {
    if (!(thrown instanceof yaml.YAMLException)) {
      // A stack overflow or the like: the parser's trouble with this text is the text's trouble.
      return err({
        code: "InvalidYaml",
        message: `cannot read this: ${messageOf(thrown).slice(0, 200)}`,
        offset: 0,
      });
    }
    const position = thrown.mark?.position ?? 0;
    const twice = /duplicated mapping key/.test(thrown.reason) ? duplicateKeyAt(text, events, position) : undefined;
    if (twice !== undefined) return err(duplicateKey(text, twice));
    const code = /exceeded max/.test(thrown.reason) ? "PlanTooLarge" : "InvalidYaml";
    const { message, hint } = inPlainWords(thrown.reason, lineAround(text, position));
    // The parser points after an alias's `*`.
    const start = /unidentified alias/.test(thrown.reason) ? Math.max(0, position - 1) : position;
    return err(defined({ code, message, offset: start, hint }));
  }
}

/** The offset of the second `---`. */
function secondDocument(text: string): number {
  const first = text.search(/^---(\s|$)/m);
  const rest = text.slice(first + 3).search(/^---(\s|$)/m);
  return rest < 0 ? Math.max(0, first) : first + 3 + rest;
}

const WORDS: readonly (readonly [RegExp, string, string?])[] = [
  [/maxAliases/, `the plan has more than ${LIMITS.aliases} aliases`, "write repeated parts once, under `defaults:`"],
  [/maxDepth/, `the plan is nested more than ${LIMITS.depth} levels deep`, "flatten it"],
  [
    /maxTotalMergeKeys/,
    `merge keys copy more than ${LIMITS.mergedKeys} keys`,
    "write repeated parts once, under `defaults:`",
  ],
  [/unidentified alias/, "no anchor with this name comes before the alias", "use an anchor (`&name`) from above"],
  [
    /bad indentation/,
    "the indentation does not match the lines before",
    "indent consistently with spaces; put a value that contains `: ` in quotes",
  ],
  [/tab/i, "a tab cannot be used for indentation", "indent with spaces"],
  [/unknown .*tag/, "this tag has no meaning in a plan", "remove the tag that begins with `!`"],
];

/** `key: value` whose plain value has a `: ` in it, which YAML reads as one more key. */
const COLON_IN_VALUE = /^\s*(?:- +)?[^\s"'#:]+: +(?![|>[{&*!])\S.*: /;

function lineAround(text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  return text.slice(text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1, end === -1 ? text.length : end).slice(0, 2000);
}

function inPlainWords(reason: string, line: string): { readonly message: string; readonly hint?: string } {
  if (/bad indentation of a mapping/.test(reason) && COLON_IN_VALUE.test(line)) {
    return {
      message: "this value has `: ` in it, which YAML reads as another key",
      hint: "put the whole value in quotes, or after `|` on lines of its own",
    };
  }
  for (const [pattern, message, hint] of WORDS) {
    if (pattern.test(reason)) return hint === undefined ? { message } : { message, hint };
  }
  return {
    message: `this is not YAML: ${reason}`,
    hint: "put a value that contains `: `, `#`, quotes or brackets in quotes",
  };
}

async function placesOf(file: string, text: string, events: readonly Event[] | undefined): Promise<SourceMap> {
  const yaml = await import("js-yaml");
  try {
    const known = events ?? yaml.parseEvents(text, { maxDepth: PARSER_DEPTH });
    const scalar = (event: Event): string =>
      event.type === yaml.EVENT_ID.SCALAR ? yaml.getScalarValue(text, event) : "";
    return yamlSourceMap(file, () => ({ text, events: known, ids: yaml.EVENT_ID, scalar }));
  } catch {
    // JSON that is not YAML (tabs in unusual places): the errors have no positions.
    return noSourceMap(file);
  }
}
