/**
 * ACP session opening: greets an agent, logs in with a key of the environment where it wants that, continues or begins a
 * session, and sets its model and mode. Knows the protocol's requests before the first prompt; no turn and no agent by name.
 *
 * Invariants:
 *  1. A session that cannot be continued is begun anew, with a notice.
 *  2. No session begins with another model than was asked for, or with more reach than a policy that only reads allows.
 */
import { defined } from "../../base/defined.ts";
import type { ClientContext, InitializeResponse } from "@agentclientprotocol/sdk";
import { messageOf } from "../../base/errors.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import type { AcpAgent, AcpQuirks } from "./acp-agent.ts";
import type { AgentSession } from "./agent-session.ts";
import { type AgentFailure, failureOf, shortMessage } from "./failure-class.ts";
import { reachOf } from "./permissions.ts";
import type { AgentContext, McpServer } from "./port.ts";

/** Asks codex' adapter to report failures in its answers; others ignore it. */
const CLIENT_META = { jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } } } as const;

const PROTOCOL_VERSION = 1;
/** Code of the protocol's error for a login that is wanted. */
export const AUTH_REQUIRED = -32000;

export interface Session {
  readonly sessionId: string;
  readonly resumed: boolean;
}

export async function greet(talk: ClientContext): Promise<InitializeResponse> {
  const hello = await talk.request("initialize", {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: "heddle", version: "1" },
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false, _meta: CLIENT_META },
  });
  if (hello.protocolVersion !== PROTOCOL_VERSION)
    throw new AgentError({
      class: "protocol",
      message: `the agent speaks version ${String(hello.protocolVersion)} of the protocol, not 1`,
    });
  return hello;
}

export interface LoginOptions {
  readonly agent: AcpAgent;
  readonly quirks: AcpQuirks;
  readonly context: AgentContext;
  readonly attempt: AgentSession;
}

/**
 * Does `work` once more after a login by a key, where the agent wants a login and the environment has a key: some take none
 * before they are asked to.
 */
export function keyLogin(
  talk: ClientContext,
  hello: InitializeResponse,
  { agent, quirks, context, attempt }: LoginOptions,
): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let methodId = keyMethodOf(hello.authMethods, agent, quirks, context);
  return async (work) => {
    try {
      return await work();
    } catch (thrown) {
      if (!isLoginWanted(thrown) || methodId === undefined || attempt.isEnding) throw thrown;
      const chosen = methodId;
      methodId = undefined;
      attempt.log(`[login] by ${chosen}`);
      await talk.request("authenticate", { methodId: chosen });
      return await work();
    }
  };
}

function isLoginWanted(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && thrown.code === AUTH_REQUIRED;
}

/** The way to log in by what the environment has; never one that would ask a person. */
function keyMethodOf(methods: unknown, agent: AcpAgent, quirks: AcpQuirks, { env }: AgentContext): string | undefined {
  if (!Array.isArray(methods)) return undefined;
  const isSet = (name: unknown): boolean => typeof name === "string" && (env[name] ?? "") !== "";
  const hasKey = (agent.keys ?? []).some((name) => /KEY|TOKEN/.test(name) && isSet(name));
  for (const method of methods.slice(0, 50).filter(isJsonObject)) {
    const { id } = method;
    if (typeof id !== "string") continue;
    const vars = Array.isArray(method["vars"]) ? method["vars"] : undefined;
    const isFilled =
      vars?.every((one: unknown) => isJsonObject(one) && (one["optional"] === true || isSet(one["name"]))) ?? false;
    if (method["type"] === "env_var" && (vars === undefined ? hasKey : isFilled)) return id;
    if (hasKey && quirks.keyMethods?.includes(id) === true) return id;
  }
  return undefined;
}

export async function openSession(
  talk: ClientContext,
  hello: InitializeResponse,
  context: AgentContext,
  quirks: AcpQuirks,
  attempt: AgentSession,
): Promise<Session> {
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
        await setMode(talk, context, quirks, { sessionId, modes: modesIn(opened) });
        return { sessionId, resumed: true };
      } catch (thrown) {
        if (thrown instanceof AgentError || isLoginWanted(thrown)) throw thrown;
        attempt.notice(`cannot continue session ${sessionId}: ${shortMessage(messageOf(thrown), 200)}`);
      }
    }
  }
  const opened = await talk.request("session/new", defined({ cwd, mcpServers, _meta: quirks.sessionMeta }));
  if (typeof opened?.sessionId !== "string")
    throw new AgentError({ class: "protocol", message: "the agent opened a session without an id" });
  await setModel(talk, context, quirks, opened.sessionId, opened.configOptions, attempt);
  await setMode(talk, context, quirks, { sessionId: opened.sessionId, modes: modesIn(opened) });
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
    throw new AgentError(refusalOf(thrown, `the agent does not accept the model ${context.model}`));
  }
  attempt.note({ model: context.model });
}

interface SessionModes {
  readonly current: string | undefined;
  /** `undefined`: it does not say. */
  readonly offered: readonly string[] | undefined;
}

function modesIn(opened: unknown): SessionModes {
  const modes = isJsonObject(opened) ? opened["modes"] : undefined;
  if (!isJsonObject(modes)) return { current: undefined, offered: undefined };
  const { currentModeId, availableModes } = modes;
  const offered = Array.isArray(availableModes)
    ? availableModes.flatMap((mode: unknown) =>
        isJsonObject(mode) && typeof mode["id"] === "string" ? [mode["id"]] : [],
      )
    : undefined;
  return { current: typeof currentModeId === "string" ? currentModeId : undefined, offered };
}

/**
 * Binds an agent that does not ask to what the policy lets it reach. One that may only read and cannot be bound does not
 * begin; for more than that the agent's own choice is good enough.
 */
async function setMode(
  talk: ClientContext,
  context: AgentContext,
  quirks: AcpQuirks,
  { sessionId, modes }: { readonly sessionId: string; readonly modes: SessionModes },
): Promise<void> {
  const reach = reachOf(context.policy, context.cwd);
  const wanted = quirks.modes?.[reach] ?? [];
  const { current, offered } = modes;
  if (wanted.length === 0 || (current !== undefined && wanted.includes(current))) return;
  const modeId =
    wanted.find((mode) => offered?.includes(mode) === true) ?? (reach === "read-only" ? wanted[0] : undefined);
  if (modeId === undefined) return;
  try {
    await talk.request("session/set_mode", { sessionId, modeId });
  } catch (thrown) {
    if (reach !== "read-only") return;
    throw new AgentError(refusalOf(thrown, `the agent cannot be kept from writing (mode ${modeId})`));
  }
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

/**
 * Why a setting of the session was refused: what it is set to, unless the agent says otherwise. Some ask their provider first,
 * who may be out of reach for a while.
 */
function refusalOf(thrown: unknown, what: string): AgentFailure {
  const isError = typeof thrown === "object" && thrown !== null;
  const data = isError && "data" in thrown ? thrown.data : undefined;
  const code = isError && "code" in thrown ? thrown.code : undefined;
  const failure = failureOf(messageOf(thrown), { code, data }, "bad-request");
  return { ...failure, message: shortMessage(`${what}: ${failure.message}`) };
}

/** A failure that was found elsewhere than in an answer's error. */
export class AgentError extends Error {
  readonly failure: AgentFailure;
  constructor(failure: AgentFailure) {
    super(failure.message);
    this.failure = failure;
  }
}
