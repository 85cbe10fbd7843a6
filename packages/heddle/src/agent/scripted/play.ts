/**
 * Script player: plays one turn of a script on a folder and reports it as an agent would. Knows actions and a folder,
 * not how the report is delivered.
 *
 * Invariant: the same script and the same answers give the same actions in the same order.
 */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ScriptAction, ScriptUsage } from "./script.ts";

export interface Stage {
  readonly cwd: string;
  readonly clock: Clock;
  readonly cancelled: AbortSignal;
  /** One `session/update`. */
  readonly update: (update: JsonObject) => Promise<void>;
  /** Asks for permission; `undefined`: the turn was cancelled. */
  readonly ask: (call: JsonObject) => Promise<boolean | undefined>;
  /** Calls a tool that was handed over; what it answers. Rejects with its refusal. */
  readonly call: (tool: string, input: JsonObject) => Promise<string>;
  readonly out: (text: string) => Promise<void>;
  readonly err: (text: string) => Promise<void>;
  /** Running cost of the session. */
  readonly spend: (usd: number) => number;
  readonly exit: (code: number, signal: NodeJS.Signals | undefined) => void;
}

export type ScriptedTurnEnd =
  | { readonly kind: "stop"; readonly reason: string; readonly usage: ScriptUsage | undefined }
  | { readonly kind: "error"; readonly code: number; readonly message: string; readonly data: JsonObject };

const RATE_LIMITED = "Too many requests";
const CHUNK = 64 * 1024;

export async function play(actions: readonly ScriptAction[], stage: Stage): Promise<ScriptedTurnEnd> {
  return await new Turn(stage).play(actions);
}

class Turn {
  readonly #stage: Stage;
  #usage: { [name: string]: number } | undefined;
  #calls = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async play(actions: readonly ScriptAction[]): Promise<ScriptedTurnEnd> {
    const end = await this.#all(actions);
    if (end !== undefined) return end;
    return this.#stop(this.#stage.cancelled.aborted ? "cancelled" : "end_turn");
  }

  #stop(reason: string): ScriptedTurnEnd {
    return { kind: "stop", reason, usage: this.#usage };
  }

  async #all(actions: readonly ScriptAction[]): Promise<ScriptedTurnEnd | undefined> {
    for (const action of actions) {
      if (this.#stage.cancelled.aborted) return this.#stop("cancelled");
      const end = await this.#act(action);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  async #act(action: ScriptAction): Promise<ScriptedTurnEnd | undefined> {
    const stage = this.#stage;
    switch (action.do) {
      case "say":
        return void (await stage.update(chunk("agent_message_chunk", action.text)));
      case "think":
        return void (await stage.update(chunk("agent_thought_chunk", action.text)));
      case "wait":
        return void (await this.#wait(action.ms));
      case "write":
        return await this.#tool("edit", `Write ${action.path}`, { path: action.path }, () => {
          const file = path.resolve(stage.cwd, action.path);
          mkdirSync(path.dirname(file), { recursive: true });
          (action.append ? appendFileSync : writeFileSync)(file, action.text);
        });
      case "replace":
        return await this.#tool("edit", `Edit ${action.path}`, { path: action.path }, () => {
          const file = path.resolve(stage.cwd, action.path);
          const before = readFileSync(file, "utf8");
          if (!before.includes(action.find)) throw new Error(`${action.path} does not contain the text to replace`);
          writeFileSync(
            file,
            before.replace(action.find, () => action.with),
          );
        });
      case "delete":
        return await this.#tool("delete", `Delete ${action.path}`, { path: action.path }, () =>
          rmSync(path.resolve(stage.cwd, action.path), { recursive: true, force: true }),
        );
      case "run":
        return await this.#tool("execute", action.command, { command: action.command }, () =>
          this.#shell(action.command),
        );
      case "commit":
        return await this.#tool("execute", "git commit", { command: "git commit" }, () =>
          this.#shell(
            "git add -A && git -c user.name=agent -c user.email=agent@localhost commit -q -F -",
            action.message,
          ),
        );
      case "ask":
        return await this.#ask(action);
      case "tool":
        return await this.#tool("other", `heddle/${action.name}`, {}, async () => {
          await stage.err(`${await stage.call(action.name, action.input)}\n`);
        });
      case "usage":
        return await this.#spend(action);
      case "print":
        return void (await this.#print(action));
      case "raw":
        return void (await stage.out(action.text));
      case "daemon":
        return void this.#daemon(action);
      case "error":
        return { kind: "error", code: action.code, message: action.message, data: action.data };
      case "rate-limit": {
        const { retryAfterMs } = action;
        const data: JsonObject = defined({ errorKind: "rate_limit", status: 429, retryAfterMs });
        return { kind: "error", code: -32603, message: RATE_LIMITED, data };
      }
      case "stall":
        await this.#cancelled(action.deaf);
        return this.#stop("cancelled");
      case "exit":
        stage.exit(action.code, action.signal);
        // Nothing comes after a death.
        return await new Promise<never>(() => {});
      case "stop":
        return this.#stop(action.reason);
    }
  }

  async #tool(
    kind: string,
    title: string,
    input: { readonly path?: string; readonly command?: string },
    work: () => void | Promise<void>,
  ): Promise<undefined> {
    const { stage, id } = this.#call();
    const locations = input.path === undefined ? [] : [{ path: path.resolve(stage.cwd, input.path) }];
    await stage.update({
      sessionUpdate: "tool_call",
      toolCallId: id,
      title,
      kind,
      status: "in_progress",
      locations,
      rawInput: input,
    });
    let status = "completed";
    try {
      await work();
    } catch (thrown) {
      status = "failed";
      await stage.err(`${title}: ${messageOf(thrown)}\n`);
    }
    await stage.update({ sessionUpdate: "tool_call_update", toolCallId: id, status });
  }

  #call(): { readonly stage: Stage; readonly id: string } {
    return { stage: this.#stage, id: `call-${++this.#calls}` };
  }

  async #ask(action: Extract<ScriptAction, { do: "ask" }>): Promise<ScriptedTurnEnd | undefined> {
    const { stage, id } = this.#call();
    const { kind, title, path: file, command } = action;
    const isAllowed = await stage.ask(
      defined({
        toolCallId: id,
        title,
        kind,
        status: "pending",
        locations: file === undefined ? undefined : [{ path: path.resolve(stage.cwd, file) }],
        rawInput: defined({ path: file, command }),
      }),
    );
    if (isAllowed === undefined) return this.#stop("cancelled");
    return await this.#all(isAllowed ? action.allowed : action.denied);
  }

  async #spend(action: Extract<ScriptAction, { do: "usage" }>): Promise<undefined> {
    this.#usage ??= {};
    for (const [name, count] of Object.entries(action.usage)) this.#usage[name] = (this.#usage[name] ?? 0) + count;
    if (action.usd === undefined) return;
    const amount = this.#stage.spend(action.usd);
    await this.#stage.update({ sessionUpdate: "usage_update", used: 0, size: 0, cost: { amount, currency: "USD" } });
  }

  async #print({ bytes, as }: Extract<ScriptAction, { do: "print" }>): Promise<void> {
    const { stage } = this;
    if (as === "line") return await stage.out(`"${"x".repeat(Math.max(0, bytes - 3))}"\n`);
    for (let left = bytes; left > 0 && !stage.cancelled.aborted; left -= CHUNK) {
      const text = `${"x".repeat(Math.min(left, CHUNK) - 1)}\n`;
      if (as === "stderr") await stage.err(text);
      else await stage.update(chunk("agent_message_chunk", text));
    }
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Leaves the session and its parent: what agents' tools do by accident. */
  #daemon({ seconds, stubborn }: Extract<ScriptAction, { do: "daemon" }>): void {
    const trap = stubborn ? "trap '' TERM HUP INT; " : "";
    const command = `${trap}sleep ${seconds}; :`;
    spawn("sh", ["-c", command], { cwd: this.#stage.cwd, detached: true, stdio: "ignore" }).unref();
  }

  async #shell(command: string, input = ""): Promise<void> {
    const child = spawn("sh", ["-c", command], { cwd: this.#stage.cwd, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const put = (data: Buffer): void => void this.#stage.err(data.toString("utf8"));
    child.stdout.on("data", put);
    child.stderr.on("data", put);
    const stop = (): void => void child.kill("SIGTERM");
    this.#stage.cancelled.addEventListener("abort", stop, { once: true });
    const code = await new Promise<number>((resolve) => {
      child.once("error", () => resolve(127));
      child.once("close", (status) => resolve(status ?? 1));
    });
    this.#stage.cancelled.removeEventListener("abort", stop);
    if (code !== 0) throw new Error(`exit code ${code}`);
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#stage.clock.after(ms, resolve);
    await Promise.race([promise, this.#cancelled(false)]);
    cancel();
  }

  async #cancelled(deaf: boolean): Promise<void> {
    const { cancelled } = this.#stage;
    // A deaf agent ignores everything and keeps itself alive.
    if (deaf) return await new Promise<never>(() => void this.#stage.clock.after(2 ** 40, () => {}));
    if (!cancelled.aborted)
      await new Promise<void>((resolve) => cancelled.addEventListener("abort", () => resolve(), { once: true }));
  }
}

function chunk(sessionUpdate: string, text: string): JsonObject {
  return { sessionUpdate, content: { type: "text", text } };
}
