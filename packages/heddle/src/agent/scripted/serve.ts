/**
 * Scripted agent: a process that speaks the Agent Client Protocol and does what a script says. It is not a model and
 * never claims to be one. Knows the agent side of the protocol; `play.ts` knows what a script means.
 *
 * Invariants:
 *  1. Session ids name the run, step and attempt in which the session began; nothing is random.
 *  2. It exits at the end of its input, whatever it is doing, unless its script says otherwise.
 */
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { RequestError, agent, ndJsonStream } from "@agentclientprotocol/sdk";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
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
  const { clock, env, stdin, stdout, stderr, exit } = options;
  const sessions = new Map<string, OpenSession>();
  const step = env["HEDDLE_STEP"] ?? "";
  const attempt = Number(env["HEDDLE_ATTEMPT"] ?? 1);
  const begun = `scripted-${env["HEDDLE_RUN"] ?? "run"}-${step === "" ? "step" : step}-${attempt}`;

  const app = agent({ name: "scripted" })
    .onRequest("initialize", async () => {
      await waited(clock, script.startMs);
      return {
        protocolVersion: 1,
        agentInfo: { name: "heddle-scripted", title: "Scripted agent (no model)", version: options.version },
        agentCapabilities: defined({
          mcpCapabilities: { http: true },
          sessionCapabilities: script.resumes ? { resume: {} } : undefined,
        }),
      };
    })
    .onRequest("session/new", ({ params }) => {
      const sessionId = `${begun}-${sessions.size + 1}`;
      sessions.set(sessionId, open(params.cwd, params.mcpServers));
      return { sessionId };
    })
    .onRequest("session/resume", ({ params }) => {
      if (!script.resumes || !params.sessionId.startsWith("scripted-"))
        throw new RequestError(-32002, "no such session", { sessionId: params.sessionId });
      sessions.set(params.sessionId, open(params.cwd, params.mcpServers));
      return {};
    })
    .onRequest("session/prompt", async ({ params, client }) => {
      const session = sessions.get(params.sessionId);
      if (session === undefined) throw new RequestError(-32002, "no such session", {});
      session.turns++;
      session.cancel = new AbortController();
      const { sessionId } = params;
      const prompt = params.prompt.map((block) => (block.type === "text" ? block.text : "")).join("\n");
      const actions = choose(script.cases, { step, attempt, turn: session.turns, prompt });
      const end = await play(actions, {
        cwd: session.cwd,
        clock,
        cancelled: session.cancel.signal,
        update: (update) => client.notify("session/update", { sessionId, update } as never),
        async ask(call) {
          const said = await client.request("session/request_permission", {
            sessionId,
            toolCall: call as never,
            options: [
              { optionId: "yes", name: "Yes, this once", kind: "allow_once" },
              { optionId: "always", name: "Yes, always", kind: "allow_always" },
              { optionId: "no", name: "No", kind: "reject_once" },
            ],
          });
          if (said.outcome.outcome === "cancelled") return undefined;
          return "optionId" in said.outcome && said.outcome.optionId !== "no";
        },
        call: (tool, input) => callTool(session.servers, { tool, input, signal: session.cancel.signal }),
        out: (text) => written(stdout, text),
        err: (text) => written(stderr, text),
        spend: (usd) => (session.usd += usd),
        exit,
      });
      if (end.kind === "error") throw new RequestError(end.code, end.message, end.data);
      return { stopReason: end.reason, ...usageOf(end.usage) } as never;
    })
    .onNotification("session/cancel", ({ params }) => sessions.get(params.sessionId)?.cancel.abort());
  const stream = ndJsonStream(
    Writable.toWeb(stdout) as WritableStream<Uint8Array>,
    Readable.toWeb(stdin) as unknown as ReadableStream<Uint8Array>,
  );
  await app.connect(stream).closed;
  for (const session of sessions.values()) session.cancel.abort();
  if (!isDeaf(script.cases)) exit(0);
}

function open(cwd: string, handed: unknown): OpenSession {
  return { cwd, servers: serversOf(handed), turns: 0, usd: 0, cancel: new AbortController() };
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

function usageOf(usage: ScriptUsage | undefined): object {
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
