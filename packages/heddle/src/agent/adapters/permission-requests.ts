/**
 * Permission request handler: answers an agent's permission requests by the policy, by a person if the policy says so,
 * and with a rejection if nobody answers in time. Knows the protocol's answer options, not how the request came.
 */
import { realpathSync } from "node:fs";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import { decidePermission } from "./permissions.ts";
import type { AgentContext, PermissionRequest } from "./port.ts";
import { isToolKind, type ToolKind } from "../../plan/agents-config.ts";
import type { Deadlines } from "./timers.ts";
import { commandOf, pathsOf } from "./updates.ts";

export interface PermissionQuestion {
  readonly call: JsonObject;
  /** What earlier updates said about the tool. */
  readonly known:
    | { readonly title: string; readonly kind: ToolKind; readonly paths: readonly string[]; readonly command?: string }
    | undefined;
  readonly options: readonly { readonly optionId: string; readonly kind: string }[];
  readonly signal: AbortSignal;
}

export interface PermissionAnswer {
  /** The option to choose; absent: none fits, the request is to be cancelled. */
  readonly optionId?: string;
  readonly verdict: "allow" | "deny";
  /** What was asked for, for people. */
  readonly what: string;
}

export type Answerer = (question: PermissionQuestion) => Promise<PermissionAnswer>;

export function permissionAnswerer(
  clock: Clock,
  context: AgentContext,
  deadlines: Pick<Deadlines, "asking">,
): Answerer {
  const servers = context.mcp.map((server) => server.name);
  return async (question) => {
    const request = requestOf(question, context.cwd, servers);
    const decision = decidePermission(context.policy, request, context.cwd);
    let verdict: "allow" | "deny" = decision === "allow" ? "allow" : "deny";
    let by: "rule" | "person" | "deadline" | "agent" = "rule";
    if (decision === "ask" && context.ask !== undefined) {
      deadlines.asking(true);
      const answer = await answerOf(clock, context.limits.askMs, context.ask(request), question.signal);
      deadlines.asking(false);
      verdict = answer ?? "deny";
      by = answer === undefined ? "deadline" : "person";
    }
    const optionId = choose(question.options, verdict);
    if (optionId === undefined) by = "agent";
    if (optionId === undefined) verdict = "deny";
    context.emit({ type: "permission", request, decision: verdict, by });
    const what = `${request.kind} ${request.command ?? request.paths.join(" ")} (${request.title})`;
    context.log(`[permission] ${verdict} by ${by}: ${what}`);
    return defined({ optionId, verdict, what });
  };
}

async function answerOf(
  clock: Clock,
  ms: number,
  asked: Promise<"allow" | "deny">,
  signal: AbortSignal,
): Promise<"allow" | "deny" | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.after(ms, () => resolve(undefined));
  const giveUp = (): void => resolve(undefined);
  signal.addEventListener("abort", giveUp, { once: true });
  const answer = await Promise.race([asked.catch(() => "deny" as const), late]);
  cancel();
  signal.removeEventListener("abort", giveUp);
  return answer;
}

/** Only this time: an "always" would outlive the rule that allowed it. */
function choose(options: PermissionQuestion["options"], verdict: "allow" | "deny"): string | undefined {
  const kinds = verdict === "allow" ? ["allow_once"] : ["reject_once", "reject_always"];
  for (const kind of kinds) {
    const option = options.find((one) => one.kind === kind);
    if (option !== undefined) return option.optionId;
  }
  return undefined;
}

function requestOf({ call, known }: PermissionQuestion, cwd: string, servers: readonly string[]): PermissionRequest {
  const title = typeof call["title"] === "string" && call["title"] !== "" ? call["title"] : (known?.title ?? "");
  const named = pathsOf(call);
  const files = (named.length > 0 ? named : (known?.paths ?? [])).map((file) => follow(path.resolve(cwd, file)));
  const paths = [...new Set(files)];
  const written = commandOf(call["rawInput"]) ?? known?.command;
  const kind = kindOf(call["kind"], { known: known?.kind, command: written, paths });
  // Some agents name the command of a shell in the title alone.
  const command = written ?? (kind === "execute" ? commandOfTitle(title) : undefined);
  // What touches files or a shell is judged by these, whatever it calls itself.
  const isPlain = command === undefined && paths.length === 0 && kind === "other";
  const tool = isPlain ? (toolOf(String(call["name"] ?? ""), servers) ?? toolOf(title, servers)) : undefined;
  return defined({ kind, title: title.slice(0, 300), paths, command, tool });
}

/** Without the marks of code that some put around it; `undefined`: there is none. */
function commandOfTitle(title: string): string | undefined {
  const plain = /^(`+)([^]*)\1$/.exec(title.trim())?.[2]?.trim() ?? title.trim();
  return plain === "" ? undefined : plain;
}

/** Of a kind that nobody knows it is judged by what it touches, as strictly as that can be. */
function kindOf(
  named: unknown,
  touched: {
    readonly known: ToolKind | undefined;
    readonly command: string | undefined;
    readonly paths: readonly string[];
  },
): ToolKind {
  if (isToolKind(named)) return named;
  if (typeof named !== "string") return touched.known ?? "other";
  if (touched.command !== undefined) return "execute";
  return touched.paths.length > 0 ? "edit" : "other";
}

/** `SERVER/TOOL`, if the whole text names a tool of a configured server, in one of the forms that agents use. */
export function toolOf(text: string, servers: readonly string[]): string | undefined {
  const plain = text.replace(/^Tool: /, "").slice(0, 200);
  for (const server of servers) {
    for (const opening of [
      `mcp__${server}__`,
      `mcp__${server}/`,
      `mcp_${server}_`,
      `${server}__`,
      `${server}/`,
      `${server}_`,
    ]) {
      const tool = plain.slice(opening.length);
      if (plain.startsWith(opening) && /^[\w-]+$/.test(tool)) return `${server}/${tool}`;
    }
    const closing = ` (${server} MCP Server)`;
    if (plain.endsWith(closing) && /^[\w-]+$/.test(plain.slice(0, -closing.length)))
      return `${server}/${plain.slice(0, -closing.length)}`;
  }
  return undefined;
}

/** The real place of a path, as far as it exists: a link inside the folder may lead out of it. */
function follow(file: string): string {
  let rest = "";
  for (let at = file; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync(at), rest);
    } catch {
      if (path.dirname(at) === at) return file;
      rest = path.join(path.basename(at), rest);
    }
  }
}
