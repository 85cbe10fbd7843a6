/**
 * Script parser: reads the YAML scripts of the scripted agent. Carries out nothing. Documented in
 * docs/guide/agents/scripted.md.
 */
import { shellWord } from "../../base/shell-word.ts";
import { load } from "js-yaml";
import { defined } from "../../base/defined.ts";
import { parseDuration } from "../../base/duration.ts";
import { messageOf } from "../../base/errors.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import { type Result, err, ok } from "../../base/result.ts";

export interface ScriptUsage {
  readonly input?: number;
  readonly cachedRead?: number;
  readonly cacheWrite?: number;
  readonly output?: number;
  readonly reasoning?: number;
}

export type ScriptAction =
  | { readonly do: "say"; readonly text: string }
  | { readonly do: "think"; readonly text: string }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly append: boolean }
  | { readonly do: "replace"; readonly path: string; readonly find: string; readonly with: string }
  | { readonly do: "delete"; readonly path: string }
  | { readonly do: "run"; readonly command: string }
  | {
      readonly do: "ask";
      readonly kind: string;
      readonly title: string;
      readonly path?: string;
      readonly command?: string;
      readonly allowed: readonly ScriptAction[];
      readonly denied: readonly ScriptAction[];
    }
  | { readonly do: "tool"; readonly name: string; readonly input: JsonObject }
  | { readonly do: "usage"; readonly usage: ScriptUsage; readonly usd?: number }
  | { readonly do: "commit"; readonly message: string }
  | { readonly do: "print"; readonly bytes: number; readonly as: "text" | "line" | "stderr" }
  | { readonly do: "raw"; readonly text: string }
  | { readonly do: "daemon"; readonly seconds: number; readonly stubborn: boolean }
  | { readonly do: "error"; readonly code: number; readonly message: string; readonly data: JsonObject }
  | { readonly do: "rate-limit"; readonly retryAfterMs?: number }
  | { readonly do: "stall"; readonly deaf: boolean }
  | { readonly do: "exit"; readonly code: number; readonly signal?: NodeJS.Signals }
  | { readonly do: "stop"; readonly reason: string };

/** One way to go; the first whose conditions all hold is taken. */
export interface ScriptCase {
  /** Id of the step, `*` for any text. */
  readonly step?: string;
  /** Number of the attempt, from 1. */
  readonly attempt?: number;
  /** Number of the prompt in the session, from 1. */
  readonly turn?: number;
  /** Text that the prompt holds. */
  readonly prompt?: string;
  readonly actions: readonly ScriptAction[];
}

export interface Script {
  readonly cases: readonly ScriptCase[];
  /** Before it answers to the first request. */
  readonly startMs: number;
  /** Whether it can continue a session of an earlier process. */
  readonly resumes: boolean;
}

/** Bytes of a script. */
const MAX_TEXT = 1 << 20;
const MAX_ACTIONS = 10_000;
const STOP_REASONS = ["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"];

/** The error names the position in the script. */
export function parseScript(text: string): Result<Script, string> {
  if (text.length > MAX_TEXT) return err(`a script has at most ${MAX_TEXT} characters`);
  let raw: unknown;
  try {
    raw = load(text, { maxAliases: 50 } as object);
  } catch (thrown) {
    return err(`it is not YAML: ${messageOf(thrown).split("\n")[0] ?? ""}`);
  }
  try {
    return ok(scriptOf(raw));
  } catch (thrown) {
    if (thrown instanceof ScriptError) return err(thrown.message);
    throw thrown;
  }
}

/** Only from one function of this file to another. */
class ScriptError extends Error {}

function fail(at: string, what: string): never {
  throw new ScriptError(`${at} ${what}`);
}

function scriptOf(raw: unknown): Script {
  const top = mapping(raw, "the script", ["do", "cases", "start", "resumes"]);
  const cases = (top["cases"] === undefined ? [] : list(top["cases"], "cases")).map(caseOf);
  if (top["do"] !== undefined) cases.push({ actions: actionsOf(top["do"], "do") });
  if (cases.length === 0) fail("the script", "needs `do` or `cases`");
  return {
    cases,
    startMs: top["start"] === undefined ? 0 : duration(top["start"], "start"),
    resumes: top["resumes"] === undefined || flag(top["resumes"], "resumes"),
  };
}

function caseOf(raw: unknown, index: number): ScriptCase {
  const at = `cases[${index}]`;
  const one = mapping(raw, at, ["step", "attempt", "turn", "prompt", "do"]);
  return defined({
    actions: actionsOf(one["do"], `${at}.do`),
    step: one["step"] === undefined ? undefined : text(one["step"], `${at}.step`),
    attempt: one["attempt"] === undefined ? undefined : number(one["attempt"], `${at}.attempt`),
    turn: one["turn"] === undefined ? undefined : number(one["turn"], `${at}.turn`),
    prompt: one["prompt"] === undefined ? undefined : text(one["prompt"], `${at}.prompt`),
  });
}

function actionsOf(raw: unknown, at: string): readonly ScriptAction[] {
  const all = list(raw, at);
  if (all.length > MAX_ACTIONS) fail(at, `has more than ${MAX_ACTIONS} actions`);
  return all.map((one, index) => actionOf(one, `${at}[${index}]`));
}

/** An action is its name alone (`stall`), or a mapping of its name to what it takes. */
function actionOf(raw: unknown, at: string): ScriptAction {
  const [name, value] = typeof raw === "string" ? [raw, undefined] : only(raw, at);
  const read = ACTIONS[name];
  if (read === undefined)
    return fail(at, `is not an action: ${JSON.stringify(name)}; there are ${Object.keys(ACTIONS).join(", ")}`);
  return read(value, `${at}.${name}`);
}

type Reader = (value: unknown, at: string) => ScriptAction;

const ACTIONS: Readonly<Record<string, Reader | undefined>> = {
  __proto__: null as never,
  say: (value, at) => ({ do: "say", text: text(value, at) }),
  think: (value, at) => ({ do: "think", text: text(value, at) }),
  wait: (value, at) => ({ do: "wait", ms: duration(value, at) }),
  write(value, at) {
    const { path, text: content, append } = mapping(value, at, ["path", "text", "append"]);
    return {
      do: "write",
      path: text(path, `${at}.path`),
      text: text(content, `${at}.text`),
      append: append !== undefined && flag(append, `${at}.append`),
    };
  },
  replace(value, at) {
    const { path, find, with: by } = mapping(value, at, ["path", "find", "with"]);
    return {
      do: "replace",
      path: text(path, `${at}.path`),
      find: text(find, `${at}.find`),
      with: text(by, `${at}.with`),
    };
  },
  delete: (value, at) => ({ do: "delete", path: text(value, at) }),
  run: (value, at) => ({ do: "run", command: text(value, at) }),
  ask(value, at) {
    const asked = mapping(value, at, ["kind", "title", "path", "command", "allowed", "denied"]);
    return defined({
      do: "ask",
      kind: text(asked["kind"] ?? "edit", `${at}.kind`),
      title: text(asked["title"] ?? "May I go on?", `${at}.title`),
      path: asked["path"] === undefined ? undefined : text(asked["path"], `${at}.path`),
      command: asked["command"] === undefined ? undefined : text(asked["command"], `${at}.command`),
      allowed: asked["allowed"] === undefined ? [] : actionsOf(asked["allowed"], `${at}.allowed`),
      denied: asked["denied"] === undefined ? [] : actionsOf(asked["denied"], `${at}.denied`),
    });
  },
  tool(value, at) {
    const called = mapping(value, at, ["name", "with"]);
    const input = called["with"] ?? {};
    if (!isJsonObject(input)) return fail(`${at}.with`, "is not a mapping");
    return { do: "tool", name: text(called["name"], `${at}.name`), input };
  },
  usage(value, at) {
    const names = ["input", "cachedRead", "cacheWrite", "output", "reasoning"];
    const { usd, ...counts } = mapping(value, at, [...names, "usd"]);
    const usage = Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [name, number(count, `${at}.${name}`)]),
    );
    return defined({ do: "usage", usage, usd: usd === undefined ? undefined : number(usd, `${at}.usd`) });
  },
  commit: (value, at) => ({ do: "commit", message: text(value, at) }),
  branch: (value, at) => ({ do: "run", command: `git switch -q -c ${shellWord(text(value, at))}` }),
  print(value, at) {
    const { bytes, as = "text" } = mapping(value, at, ["bytes", "as"]);
    if (as !== "text" && as !== "line" && as !== "stderr") return fail(`${at}.as`, "is not one of text, line, stderr");
    return { do: "print", bytes: number(bytes, `${at}.bytes`), as };
  },
  raw: (value, at) => ({ do: "raw", text: text(value, at) }),
  daemon(value, at) {
    const { seconds = 300, stubborn = false } = mapping(value ?? {}, at, ["seconds", "stubborn"]);
    return { do: "daemon", seconds: number(seconds, `${at}.seconds`), stubborn: flag(stubborn, `${at}.stubborn`) };
  },
  error(value, at) {
    const {
      code = -32603,
      message = "Internal error",
      data = {},
    } = mapping(value ?? {}, at, ["code", "message", "data"]);
    if (typeof code !== "number" || !Number.isInteger(code)) return fail(`${at}.code`, "is not a whole number");
    if (!isJsonObject(data)) return fail(`${at}.data`, "is not a mapping");
    return { do: "error", code, message: text(message, `${at}.message`), data };
  },
  "rate-limit"(value, at) {
    const { retryAfter } = mapping(value ?? {}, at, ["retryAfter"]);
    return defined({
      do: "rate-limit",
      retryAfterMs: retryAfter === undefined ? undefined : duration(retryAfter, `${at}.retryAfter`),
    });
  },
  stall(value, at) {
    const { deaf = false } = mapping(value ?? {}, at, ["deaf"]);
    return { do: "stall", deaf: flag(deaf, `${at}.deaf`) };
  },
  exit: (value, at) => ({ do: "exit", code: number(value ?? 1, at) }),
  die: (value, at) => {
    const name = text(value ?? "SIGKILL", at);
    if (!/^SIG[A-Z]+$/.test(name)) return fail(at, "is not a signal");
    return { do: "exit", code: 1, signal: name as NodeJS.Signals };
  },
  stop(value, at) {
    const reason = text(value, at);
    if (!STOP_REASONS.includes(reason)) return fail(at, `is not one of ${STOP_REASONS.join(", ")}`);
    return { do: "stop", reason };
  },
};

function only(raw: unknown, at: string): readonly [string, unknown] {
  const entries = isJsonObject(raw) ? Object.entries(raw) : [];
  const [first] = entries;
  if (first === undefined || entries.length > 1) return fail(at, "must name exactly one action");
  return first;
}

function mapping(raw: unknown, at: string, known: readonly string[]): { readonly [key: string]: unknown } {
  if (!isJsonObject(raw)) return fail(at, "is not a mapping");
  for (const key of Object.keys(raw)) {
    if (!known.includes(key)) fail(at, `has the unknown key ${JSON.stringify(key)}; known are ${known.join(", ")}`);
  }
  return raw;
}

function list(raw: unknown, at: string): readonly unknown[] {
  return Array.isArray(raw) ? raw : fail(at, "is not a list");
}

function text(raw: unknown, at: string): string {
  return typeof raw === "string" ? raw : fail(at, "is not a string");
}

function flag(raw: unknown, at: string): boolean {
  return typeof raw === "boolean" ? raw : fail(at, "is neither true nor false");
}

function number(raw: unknown, at: string): number {
  return typeof raw === "number" && Number.isFinite(raw) && raw >= 0 ? raw : fail(at, "is not a number from 0");
}

function duration(raw: unknown, at: string): number {
  const ms = typeof raw === "string" || typeof raw === "number" ? parseDuration(raw) : undefined;
  return ms ?? fail(at, "is not a duration such as 500ms or 2s");
}
