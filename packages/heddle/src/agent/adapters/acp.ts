/**
 * ACP adapter: drives any agent that speaks the Agent Client Protocol (version 1) over its standard input and output,
 * with one process and one session per attempt. Knows the protocol and the quirks that a preset names; no agent by name.
 *
 * Invariants (in addition to those of the port):
 *  1. `end_turn` alone is not a success: a sign of failure in the answer, in updates, or in the agent's text for an
 *     error that it swallowed makes the attempt fail.
 *  2. The attempt is ended in steps, each with its own time limit: `session/cancel`, end of input, TERM, KILL, a sweep
 *     by tag.
 *  3. Requests of the agent are answered only by the policy or a person.
 */
import { defined } from "../../base/defined.ts";
import type { AgentSession } from "./agent-session.ts";
import { startSession } from "./agent-session.ts";
import type { ClientContext, PromptResponse } from "@agentclientprotocol/sdk";
import { messageOf } from "../../base/errors.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import { acpWire } from "./acp-stream.ts";
import { permissionAnswerer } from "./permission-requests.ts";
import { type AgentFailure, failureOf, shortMessage } from "./failure-class.ts";
import { type Program, probeProgram } from "./program.ts";
import type { AgentAdapter, AgentContext, AgentHandle, McpServer } from "./port.ts";
import type { AgentWorld } from "./process.ts";
import { Updates } from "./updates.ts";
import { STANDARD_USAGE, type UsageQuirks, addUsage, costDelta, turnUsage } from "./usage.ts";

/** How an agent deviates from the protocol, or what it needs in addition. */
export interface AcpQuirks {
  readonly usage: UsageQuirks;
  /** Ids or categories of the session's option for the model; absent: `model`. */
  readonly modelOption?: string;
  /** Sessions of an earlier process cannot be loaded, whatever the agent says. */
  readonly cannotResume?: true;
  /** Its text for an error after which it ends the turn as if it had succeeded. */
  readonly swallowed?: RegExp;
  /** Its total cost starts at 0 with each process, not with each session. */
  readonly costPerProcess?: true;
  /** Text that arrives as a message but is not one. */
  readonly noise?: RegExp;
  /** `_meta` of the request for a new session. */
  readonly sessionMeta?: JsonObject;
}

export interface AcpAgent {
  readonly id: string;
  readonly provider: string;
  readonly program: Program;
  /** Over the attempt's environment, for this agent: telemetry off, its own retries bounded. */
  readonly env?: (context: AgentContext) => Readonly<Record<string, string>>;
  /** Further arguments, after the program's own. */
  readonly args?: (context: AgentContext) => readonly string[];
  readonly quirks?: Partial<AcpQuirks>;
  readonly homePaths?: readonly string[];
}

/** Asks codex' adapter to report failures in its answers; others ignore it. */
const CLIENT_META = { jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } } } as const;

const PROTOCOL_VERSION = 1;

export function acpAdapter(world: AgentWorld, agent: AcpAgent): AgentAdapter {
  const quirks: AcpQuirks = { usage: STANDARD_USAGE, ...agent.quirks };
  return {
    id: agent.id,
    provider: agent.provider,
    homePaths: agent.homePaths ?? [],
    resumes: quirks.cannotResume !== true,
    probe: () => probeProgram(world, agent.program, world.path),
    start: (context) => startAcp(world, agent, quirks, context),
  };
}

function startAcp(world: AgentWorld, agent: AcpAgent, quirks: AcpQuirks, context: AgentContext): AgentHandle {
  const updates = new Updates(
    defined({
      emit: context.emit,
      log: context.log,
      tools: (count) => attempt.deadlines.tools(count),
      noise: quirks.noise,
    }),
  );
  const wire = acpWire({
    write: (line) => attempt.process.write(line),
    heard: () => attempt.deadlines.heard(),
    stray: (line) => context.log(`[stray output] ${shortMessage(line, 200)}`),
    broken: (why) => attempt.fail({ class: "protocol", message: `the agent broke its protocol: ${why}` }),
    update: (params) => {
      if (isJsonObject(params["update"])) updates.take(params["update"]);
      if (updates.usd !== undefined && attempt.session !== undefined) {
        const cost = costDelta(
          updates.usd,
          attempt.session.resumed && quirks.costPerProcess !== true,
          context.resume?.totals,
        );
        if (cost !== undefined) attempt.note({ cost });
        attempt.note({ totals: { usd: updates.usd } });
      }
    },
  });
  let talk: ClientContext | undefined;
  const attempt: AgentSession = startSession(world, context, {
    provider: agent.provider,
    program: agent.program,
    args: agent.args?.(context) ?? [],
    env: agent.env?.(context) ?? {},
    stdout: (chunk) => wire.push(chunk),
    text: () => updates.text,
    async cancel() {
      const sessionId = attempt.session?.sessionId;
      if (talk === undefined || sessionId === undefined) return;
      await talk.notify("session/cancel", { sessionId });
      await turn;
    },
  });
  const turn: Promise<unknown> = talkThrough().catch((thrown: unknown) => {
    attempt.fail(failureIn(thrown, updates));
  });
  attempt.whenGone(() => {
    wire.end();
    updates.end();
  });

  async function talkThrough(): Promise<void> {
    const { client } = await import("@agentclientprotocol/sdk");
    const answer = permissionAnswerer(world.clock, context, attempt.deadlines);
    const connection = client({ name: "heddle" })
      .onRequest("session/request_permission", async ({ params, signal }) => {
        const { sessionId, options } = params;
        const call = params.toolCall as unknown as JsonObject;
        const known = updates.tool(params.toolCall.toolCallId);
        if (sessionId !== attempt.session?.sessionId) return { outcome: { outcome: "cancelled" } };
        const optionId = await answer({ call, known, options, signal });
        if (optionId === undefined || attempt.isEnding) return { outcome: { outcome: "cancelled" } };
        return { outcome: { outcome: "selected", optionId } };
      })
      .connect(wire.stream);
    talk = connection.agent;
    const session = await openSession(talk, context, quirks, attempt);
    attempt.ready(session);
    const said = await talk.request("session/prompt", {
      sessionId: session.sessionId,
      prompt: [{ type: "text", text: context.prompt }],
    });
    const { usage, raw } = turnUsage(said, quirks.usage);
    const total = addUsage(session.resumed ? context.resume?.totals?.usage : undefined, usage);
    attempt.note(
      defined({
        usage,
        rawUsage: raw,
        totals: total === undefined ? undefined : defined({ usd: updates.usd, usage: total }),
      }),
    );
    const failure = failureOfTurn(said, updates, quirks);
    if (failure === undefined) attempt.done();
    else attempt.fail(failure);
  }
  return attempt.handle;
}

interface Session {
  readonly sessionId: string;
  readonly resumed: boolean;
}

async function openSession(
  talk: ClientContext,
  context: AgentContext,
  quirks: AcpQuirks,
  attempt: AgentSession,
): Promise<Session> {
  const hello = await talk.request("initialize", {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: "heddle", version: "1" },
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false, _meta: CLIENT_META },
  });
  if (hello.protocolVersion !== PROTOCOL_VERSION)
    throw new AgentError(
      "protocol",
      `the agent speaks version ${String(hello.protocolVersion)} of the protocol, not 1`,
    );
  const can = hello.agentCapabilities;
  const mcpServers = context.mcp.flatMap((server) => {
    if (server.type === "stdio" || can?.mcpCapabilities?.http === true) return [acpServer(server)];
    attempt.notice(`the agent does not support tools over HTTP: ${server.name} is omitted`);
    return [];
  });
  const { cwd } = context;
  if (context.resume !== undefined && quirks.cannotResume !== true) {
    const { sessionId } = context.resume;
    const method =
      (can?.sessionCapabilities?.resume ?? undefined) === undefined
        ? can?.loadSession === true
          ? "session/load"
          : undefined
        : "session/resume";
    if (method !== undefined) {
      try {
        const opened: unknown = await talk.request(method, { sessionId, cwd, mcpServers });
        const options = isJsonObject(opened) ? opened["configOptions"] : undefined;
        // A new process does not know the settings of the one before it.
        await setModel(talk, context, quirks, sessionId, options, attempt);
        return { sessionId, resumed: true };
      } catch (thrown) {
        if (thrown instanceof AgentError) throw thrown;
        attempt.notice(`cannot continue session ${sessionId}: ${shortMessage(messageOf(thrown), 200)}`);
      }
    }
  }
  const opened = await talk.request("session/new", defined({ cwd, mcpServers, _meta: quirks.sessionMeta }));
  if (typeof opened?.sessionId !== "string")
    throw new AgentError("protocol", "the agent opened a session without an id");
  await setModel(talk, context, quirks, opened.sessionId, opened.configOptions, attempt);
  return { sessionId: opened.sessionId, resumed: false };
}

/** By the session's option for the model, where it has one; else the preset has set it when the agent was started. */
async function setModel(
  talk: ClientContext,
  context: AgentContext,
  quirks: AcpQuirks,
  sessionId: string,
  options: unknown,
  attempt: AgentSession,
): Promise<void> {
  if (context.model === undefined || !Array.isArray(options)) return;
  const wanted = quirks.modelOption ?? "model";
  const option = options.find(
    (one: unknown) =>
      isJsonObject(one) && (one["id"] === wanted || one["category"] === wanted) && one["type"] === "select",
  ) as JsonObject | undefined;
  if (option === undefined || option["currentValue"] === context.model) return;
  try {
    await talk.request("session/set_config_option", {
      sessionId,
      configId: String(option["id"]),
      value: context.model,
    } as never);
  } catch (thrown) {
    // The agent's default can be the most expensive model: better no attempt than that.
    throw new AgentError(
      "bad-request",
      `the agent does not accept the model ${context.model}: ${shortMessage(messageOf(thrown), 200)}`,
    );
  }
  attempt.note({ model: context.model });
}

function acpServer(server: McpServer): never {
  const pairs = (record: Readonly<Record<string, string>>): readonly object[] =>
    Object.entries(record).map(([name, value]) => ({ name, value }));
  const { name } = server;
  return (
    server.type === "stdio"
      ? { name, command: server.command, args: [...server.args], env: pairs(server.env) }
      : { type: "http", name, url: server.url, headers: pairs(server.headers) }
  ) as never;
}

/** A failure that was found elsewhere than in an answer's error. */
class AgentError extends Error {
  readonly failure: AgentFailure;
  constructor(name: AgentFailure["class"], message: string) {
    super(message);
    this.failure = { class: name, message };
  }
}

function failureIn(thrown: unknown, updates: Updates): AgentFailure {
  if (thrown instanceof AgentError) return thrown.failure;
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || typeof thrown.code !== "number")
    return { class: "protocol", message: shortMessage(messageOf(thrown)) };
  const data = "data" in thrown ? thrown.data : undefined;
  const message = messageOf(thrown);
  if (thrown.code === -32000) {
    const read = failureOf(message, data, "auth");
    return { ...read, class: "auth" };
  }
  const isOurs = thrown.code === -32600 || thrown.code === -32601 || thrown.code === -32602;
  return failureOf(message, data ?? updates.failure, isOurs ? "bad-request" : "overloaded");
}

/** The sign of failure in or beside the answer to a prompt. */
function failureOfTurn(said: PromptResponse, updates: Updates, quirks: AcpQuirks): AgentFailure | undefined {
  if (!isJsonObject(said) || typeof said.stopReason !== "string")
    return { class: "protocol", message: "the agent ended its turn without a reason" };
  const meta = isJsonObject(said._meta) ? said._meta : {};
  const jetbrains = isJsonObject(meta["jetbrains"]) ? meta["jetbrains"] : {};
  const told = isJsonObject(jetbrains["air"]) ? jetbrains["air"]["sessionFailure"] : undefined;
  if (isJsonObject(told)) return failureOf(String(told["title"] ?? ""), told, "overloaded");
  switch (said.stopReason) {
    case "end_turn":
      break;
    case "refusal":
      return { class: "refusal", message: shortMessage(updates.text === "" ? "the model declined" : updates.text) };
    case "max_tokens":
      return { class: "context", message: "the model's answer reached its token limit and was cut off" };
    case "max_turn_requests":
      return { class: "budget", message: "the agent reached its limit of requests for one turn" };
    case "cancelled":
      return { class: "crash", message: "the agent cancelled its turn without being asked to" };
    default:
      return {
        class: "protocol",
        message: `the agent ended its turn with the unknown reason ${shortMessage(String(said.stopReason), 60)}`,
      };
  }
  if (updates.failure !== undefined) return updates.failure;
  const { text } = updates;
  if (quirks.swallowed?.test(text) === true) return failureOf(text, undefined, "overloaded");
  return undefined;
}
