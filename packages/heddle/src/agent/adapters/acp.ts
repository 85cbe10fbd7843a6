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
import type { AcpAgent, AcpQuirks } from "./acp-agent.ts";
import { AgentError, AUTH_REQUIRED, greet, keyLogin, openSession } from "./acp-session.ts";
import { acpWire } from "./acp-stream.ts";
import { permissionAnswerer } from "./permission-requests.ts";
import { type AgentFailure, classOfWords, failureOf, shortMessage } from "./failure-class.ts";
import { probeProgram } from "./program.ts";
import type { AgentAdapter, AgentContext, AgentHandle } from "./port.ts";
import type { AgentWorld } from "./process.ts";
import { Updates } from "./updates.ts";
import { STANDARD_USAGE, addUsage, costDelta, turnUsage } from "./usage.ts";

export function acpAdapter(world: AgentWorld, agent: AcpAgent): AgentAdapter {
  const quirks: AcpQuirks = { usage: STANDARD_USAGE, ...agent.quirks };
  return {
    id: agent.id,
    provider: agent.provider,
    homePaths: agent.homePaths ?? [],
    homeFiles: agent.homeFiles ?? [],
    nestsSandbox: agent.nestsSandbox ?? false,
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
      zeroIsUnknown: quirks.zeroIsUnknown,
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
        attempt.note(defined({ cost, totals: { usd: updates.usd } }));
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
    noise: quirks.errorNoise,
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
        const { optionId, verdict, what } = await answer({ call, known, options, signal });
        updates.refused = verdict === "deny" ? what : undefined;
        if (optionId === undefined || attempt.isEnding) return { outcome: { outcome: "cancelled" } };
        return { outcome: { outcome: "selected", optionId } };
      })
      .connect(wire.stream);
    const agentSide = connection.agent;
    talk = agentSide;
    const hello = await greet(agentSide);
    const loggedIn = keyLogin(agentSide, hello, { agent, quirks, context, attempt });
    const session = await loggedIn(async () => await openSession(agentSide, hello, context, quirks, attempt));
    attempt.ready(session);
    const said = await loggedIn(
      async () =>
        await agentSide.request("session/prompt", {
          sessionId: session.sessionId,
          prompt: [{ type: "text", text: context.prompt }],
        }),
    );
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

function failureIn(thrown: unknown, updates: Updates): AgentFailure {
  if (thrown instanceof AgentError) return thrown.failure;
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || typeof thrown.code !== "number")
    return { class: "protocol", message: shortMessage(messageOf(thrown)) };
  const data = "data" in thrown ? thrown.data : undefined;
  const message = messageOf(thrown);
  const isOurs = thrown.code === -32600 || thrown.code === -32601 || thrown.code === -32602;
  // What nobody knows is left to `retry`: to wait for a bug of the agent would look like a hang.
  const fallback =
    thrown.code === AUTH_REQUIRED ? "auth" : isOurs ? "bad-request" : (updates.failure?.class ?? "crash");
  // Agents that say 500 and no more give that code to all that they have no other for.
  const said = thrown.code === 500 && data === undefined ? classOfWords(message) : undefined;
  const failure = failureOf(message, { code: thrown.code, data }, fallback);
  return said === undefined ? failure : { ...failure, class: said };
}

/** The sign of failure in or beside the answer to a prompt. */
function failureOfTurn(said: PromptResponse, updates: Updates, quirks: AcpQuirks): AgentFailure | undefined {
  if (!isJsonObject(said) || typeof said.stopReason !== "string")
    return { class: "protocol", message: "the agent ended its turn without a reason" };
  const meta = isJsonObject(said._meta) ? said._meta : {};
  const jetbrains = isJsonObject(meta["jetbrains"]) ? meta["jetbrains"] : {};
  const told = isJsonObject(jetbrains["air"]) ? jetbrains["air"]["sessionFailure"] : undefined;
  if (isJsonObject(told)) return failureOf(String(told["title"] ?? ""), told, "crash");
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
  const { text, refused } = updates;
  const lastLine = text.slice(text.lastIndexOf("\n") + 1);
  if (quirks.swallowed?.test(lastLine) === true) return failureOf(lastLine, undefined, "crash");
  // Some agents take a refusal for the end of the work: what comes after it in the prompt is not done.
  if (refused !== undefined)
    return { class: "permission", message: shortMessage(`the agent ended its turn where it was refused: ${refused}`) };
  return undefined;
}
