/**
 * Scripted agent: a process that speaks the Agent Client Protocol and does what a script says. It is not a model and
 * never claims to be one. Knows the agent side of the protocol; `play.ts` knows what a script means.
 *
 * Invariants:
 *  1. Session ids name the run, step and attempt in which the session began; nothing is random.
 *  2. It exits at the end of its input, whatever it is doing, unless its script says otherwise.
 */
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { err, ok } from "../../base/result.ts";
import { serveRpc, type RpcHandler, type RpcPeer } from "./connection.ts";
import { play } from "./play.ts";
import { type Script, type ScriptAction, type ScriptCase, type ScriptUsage, parseScript } from "./script.ts";
import { callTool, serversOf, type ToolServer } from "./tools.ts";

export interface ScriptedOptions {
  /** `[FILE]`, or `--version`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly version: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends the process. */
  readonly exit: (code: number, signal?: NodeJS.Signals) => void;
}

/** Instead of a file's name as an argument. */
const SCRIPT_VARIABLE = "HEDDLE_SCRIPT";

/** The protocol's code for what is not there. */
const NO_SESSION = -32_002;

const OPTIONS: readonly JsonObject[] = [
  { optionId: "yes", name: "Yes, this once", kind: "allow_once" },
  { optionId: "always", name: "Yes, always", kind: "allow_always" },
  { optionId: "no", name: "No", kind: "reject_once" },
];

interface OpenSession {
  readonly cwd: string;
  readonly servers: readonly ToolServer[];
  turns: number;
  usd: number;
  cancel: AbortController;
}

export async function serveScripted(options: ScriptedOptions): Promise<void> {
  const { args, env, stderr, exit } = options;
  if (args[0] === "--version") {
    options.stdout.write(`scripted agent ${options.version}\n`, () => exit(0));
    return;
  }
  const file = args[0] ?? env[SCRIPT_VARIABLE];
  if (file === undefined) {
    stderr.write(`usage: scripted SCRIPT.yaml (or ${SCRIPT_VARIABLE}=SCRIPT.yaml)\n`, () => exit(2));
    return;
  }
  const script = readScript(file);
  if (typeof script === "string") {
    stderr.write(`${file}: ${script}\n`, () => exit(2));
    return;
  }
  await speak(script, options);
}

function readScript(file: string): Script | string {
  try {
    const parsed = parseScript(readFileSync(file, "utf8"));
    return parsed.ok ? parsed.value : parsed.error;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

async function speak(script: Script, options: ScriptedOptions): Promise<void> {
  const { clock, env, stdout, stderr, exit } = options;
  const sessions = new Map<string, OpenSession>();
  const step = env["HEDDLE_STEP"] ?? "";
  const attempt = Number(env["HEDDLE_ATTEMPT"] ?? 1);
  const begun = `scripted-${env["HEDDLE_RUN"] ?? "run"}-${step === "" ? "step" : step}-${attempt}`;

  const prompt: RpcHandler = async (params, peer) => {
    const sessionId = String(params["sessionId"]);
    const session = sessions.get(sessionId);
    if (session === undefined) return err({ code: NO_SESSION, message: "no such session", data: {} });
    session.turns++;
    session.cancel = new AbortController();
    const said = textOf(params["prompt"]);
    const actions = choose(script.cases, { step, attempt, turn: session.turns, prompt: said });
    const end = await play(actions, {
      cwd: session.cwd,
      clock,
      cancelled: session.cancel.signal,
      update: async (update) => await peer.notify("session/update", { sessionId, update }),
      ask: async (toolCall) => await permitted(peer, { sessionId, toolCall, options: OPTIONS }),
      call: (tool, input) => callTool(session.servers, { tool, input, signal: session.cancel.signal }),
      out: (text) => written(stdout, text),
      err: (text) => written(stderr, text),
      spend: (usd) => (session.usd += usd),
      exit,
    });
    if (end.kind === "error") return err({ code: end.code, message: end.message, data: end.data });
    return ok({ stopReason: end.reason, ...usageOf(end.usage) });
  };
  await serveRpc(options, {
    initialize: async () => {
      await waited(clock, script.startMs);
      return ok({
        protocolVersion: 1,
        agentInfo: { name: "heddle-scripted", title: "Scripted agent (no model)", version: options.version },
        agentCapabilities: defined({
          mcpCapabilities: { http: true },
          sessionCapabilities: script.resumes ? { resume: {} } : undefined,
        }),
      });
    },
    "session/new": async (params) => {
      const sessionId = `${begun}-${sessions.size + 1}`;
      sessions.set(sessionId, open(params));
      return ok({ sessionId });
    },
    "session/resume": async (params) => {
      const sessionId = String(params["sessionId"]);
      if (!script.resumes || !sessionId.startsWith("scripted-"))
        return err({ code: NO_SESSION, message: "no such session", data: { sessionId } });
      sessions.set(sessionId, open(params));
      return ok({});
    },
    "session/prompt": prompt,
    "session/cancel": async (params) => {
      sessions.get(String(params["sessionId"]))?.cancel.abort();
      return ok({});
    },
  });
  for (const session of sessions.values()) session.cancel.abort();
  if (!isDeaf(script.cases)) exit(0);
}

function open({ cwd, mcpServers }: JsonObject): OpenSession {
  return { cwd: String(cwd), servers: serversOf(mcpServers), turns: 0, usd: 0, cancel: new AbortController() };
}

/** The texts of a prompt's blocks, each on lines of its own. */
function textOf(blocks: Json | undefined): string {
  if (!Array.isArray(blocks)) return "";
  return (blocks as readonly Json[])
    .map((block) => (isJsonObject(block) && block["type"] === "text" ? String(block["text"]) : ""))
    .join("\n");
}

/** `undefined`: the turn was cancelled. Rejects where it is not answered. */
async function permitted(peer: RpcPeer, question: JsonObject): Promise<boolean | undefined> {
  const said = await peer.request("session/request_permission", question);
  if (!said.ok) throw new Error(said.error.message);
  const { outcome } = said.value;
  if (!isJsonObject(outcome) || outcome["outcome"] === "cancelled") return undefined;
  return "optionId" in outcome && outcome["optionId"] !== "no";
}

interface Situation {
  readonly step: string;
  readonly attempt: number;
  readonly turn: number;
  readonly prompt: string;
}

/** Nothing where no case fits: a turn that does nothing. */
function choose(cases: readonly ScriptCase[], now: Situation): readonly ScriptAction[] {
  const found = cases.find(
    (one) =>
      (one.step === undefined || matches(one.step, now.step)) &&
      (one.attempt === undefined || one.attempt === now.attempt) &&
      (one.turn === undefined || one.turn === now.turn) &&
      (one.prompt === undefined || now.prompt.includes(one.prompt)),
  );
  return found?.actions ?? [];
}

function matches(pattern: string, id: string): boolean {
  const parts = pattern.split(/\*+/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("[^]*")}$`).test(id);
}

function isDeaf(cases: readonly ScriptCase[]): boolean {
  return cases.some(({ actions }) => actions.some((action) => action.do === "stall" && action.deaf));
}

const USAGE_NAMES = {
  input: "inputTokens",
  cachedRead: "cachedReadTokens",
  cacheWrite: "cachedWriteTokens",
  output: "outputTokens",
  reasoning: "thoughtTokens",
} as const;

function usageOf(usage: ScriptUsage | undefined): JsonObject {
  if (usage === undefined) return {};
  const counts = Object.entries(usage).map(([name, count]) => [USAGE_NAMES[name as keyof ScriptUsage], count] as const);
  const totalTokens = counts.reduce((sum, [, count]) => sum + Number(count), 0);
  return { usage: { ...Object.fromEntries(counts), totalTokens } };
}

async function waited(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve));
}

async function written(stream: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve) => void stream.write(text, () => resolve()));
}
