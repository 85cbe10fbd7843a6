/**
 * Session updates: converts ACP session updates into agent events. Tolerant: a field of the wrong type counts as absent,
 * an update of an unknown kind is ignored. Does not know how updates arrive.
 */
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import { type AgentFailure, failureOf, shortMessage } from "./failure-class.ts";
import { TextTail } from "./line-reader.ts";
import { isToolKind, type ToolKind } from "../../plan/agents-config.ts";
import { type AgentEvent, TEXT_LIMIT } from "./port.ts";
import type { AgentClass } from "../../run/attempt.ts";
import { usdOf } from "./usage.ts";

const STATUSES = { pending: "pending", in_progress: "running", completed: "done", failed: "failed" } as const;

/** Tools that are remembered at once; older ones are forgotten. */
const MAX_TOOLS = 1000;
const MAX_TITLE = 300;
const MAX_PATHS = 50;

interface Tool {
  title: string;
  kind: ToolKind;
  status: (typeof STATUSES)[keyof typeof STATUSES];
  paths: readonly string[];
  command?: string;
  /** What it is called with is there: before that the model still writes it, and no tool works. */
  hasInput: boolean;
}

export interface UpdateEvents {
  readonly emit: (event: AgentEvent) => void;
  readonly log: (line: string) => void;
  /** How many tools are running. */
  readonly tools: (count: number) => void;
  /** A cost of 0 says nothing. */
  readonly zeroIsUnknown?: boolean;
  /** Chunks of a message to pass over. */
  readonly noise?: RegExp;
}

export class Updates {
  readonly #events: UpdateEvents;
  readonly #tools = new Map<string, Tool>();
  readonly #text = new TextTail(TEXT_LIMIT);
  #line = "";
  /** A tool ran since the last text: what follows is a new message. */
  #isNewMessage = false;
  /** The session's running total. */
  usd: number | undefined;
  /** The tool that was refused, if nothing came after it: not even a word on it. */
  refused: string | undefined;
  /** The agent's report that it is broken, although its turn may end as a success. */
  failure: AgentFailure | undefined;

  constructor(events: UpdateEvents) {
    this.#events = events;
  }

  /** The last message. */
  get text(): string {
    return this.#text.text.trim();
  }

  tool(id: string): Readonly<Tool> | undefined {
    return this.#tools.get(id);
  }

  take(update: JsonObject): void {
    switch (update["sessionUpdate"]) {
      case "agent_message_chunk":
        return this.#message(textOf(update["content"]));
      case "agent_thought_chunk": {
        const text = textOf(update["content"]);
        if (text !== "") this.#events.emit({ type: "thought", text });
        return;
      }
      case "tool_call":
      case "tool_call_update":
        return this.#tool(update);
      case "plan":
        return this.#plan(update["entries"]);
      case "usage_update": {
        const usd = usdOf(update["cost"]);
        if (usd === undefined || (usd === 0 && this.#events.zeroIsUnknown === true)) return;
        this.usd = usd;
        return;
      }
      case "session_info_update":
        return this.#info(update["_meta"]);
      default:
        return;
    }
  }

  /** Writes what is left of the last line. */
  end(): void {
    if (this.#line !== "") this.#events.log(this.#line);
    this.#line = "";
  }

  #message(text: string): void {
    if (text === "" || this.#events.noise?.test(text) === true) return;
    if (this.#isNewMessage) {
      this.#isNewMessage = false;
      this.#text.clear();
    }
    if (text.trim() !== "") this.refused = undefined;
    this.#text.push(text);
    this.#events.emit({ type: "text", text: text.length > TEXT_LIMIT ? text.slice(-TEXT_LIMIT) : text });
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#events.log(line);
    // An agent that never ends a line must not fill the memory.
    if (this.#line.length > TEXT_LIMIT) this.end();
  }

  #tool(update: JsonObject): void {
    const id = update["toolCallId"];
    if (typeof id !== "string") return;
    const known = this.#tools.get(id);
    const tool: Tool = known ?? { title: "", kind: "other", status: "pending", paths: [], hasInput: false };
    const before = { ...tool };
    const { title, kind, status, rawInput } = update;
    if (typeof title === "string" && title !== "") tool.title = title.slice(0, MAX_TITLE);
    if (isToolKind(kind)) tool.kind = kind;
    if (typeof status === "string" && status in STATUSES) tool.status = STATUSES[status as keyof typeof STATUSES];
    const paths = pathsOf(update);
    if (paths.length > 0) tool.paths = paths;
    const command = commandOf(rawInput);
    if (command !== undefined) tool.command = command;
    if (isJsonObject(rawInput) && Object.keys(rawInput).length > 0) tool.hasInput = true;
    if (known === undefined) {
      const [oldest] = this.#tools.size >= MAX_TOOLS ? this.#tools.keys() : [];
      if (oldest !== undefined) this.#tools.delete(oldest);
      this.#tools.set(id, tool);
      this.refused = undefined;
    }
    this.#isNewMessage = true;
    if (known === undefined || before.status !== tool.status || before.title !== tool.title) {
      this.end();
      this.#events.log(`[${tool.kind} ${tool.status}] ${tool.title.replaceAll("\n", " ")}`);
      this.#events.emit({
        type: "tool",
        id,
        title: tool.title,
        kind: tool.kind,
        status: tool.status,
        paths: tool.paths,
      });
    }
    let atWork = 0;
    for (const other of this.#tools.values())
      if (other.status === "running" || (other.status === "pending" && other.hasInput)) atWork++;
    this.#events.tools(atWork);
  }

  #plan(entries: unknown): void {
    if (!Array.isArray(entries)) return;
    const read = entries
      .slice(0, 100)
      .flatMap((entry: unknown) =>
        isJsonObject(entry) && typeof entry["content"] === "string"
          ? [{ text: entry["content"].slice(0, MAX_TITLE), status: String(entry["status"] ?? "pending") }]
          : [],
      );
    this.#events.emit({ type: "plan", entries: read });
  }

  /** Some agents report a failure only here and end the turn as a success, and what they do about one that may pass. */
  #info(meta: unknown): void {
    if (!isJsonObject(meta)) return;
    const { jetbrains } = meta;
    const air = isJsonObject(jetbrains) && isJsonObject(jetbrains["air"]) ? jetbrains["air"] : {};
    if (isJsonObject(air["sessionFailure"])) this.#warning(air["sessionFailure"]);
    const codex = isJsonObject(meta["codex"]) ? meta["codex"] : {};
    const status = isJsonObject(codex["threadStatus"]) ? codex["threadStatus"]["type"] : undefined;
    if (status === "systemError") this.failure ??= failureOf(this.text, codex["threadStatus"], "crash");
  }

  #warning(warning: JsonObject): void {
    const { title, severity, category } = warning;
    if (severity !== "warning" || typeof title !== "string" || title === "") return;
    const message = shortMessage(title);
    if (category === "unknown") this.#events.log(`[notice] ${message}`);
    else this.#events.emit({ type: "retrying", class: retriedAs(title, warning), message });
  }
}

/** A refusal that the agent tries again after is no used-up quota, whatever it is called. */
function retriedAs(title: string, warning: JsonObject): AgentClass {
  const { class: name } = failureOf(title, warning, "network");
  return name === "quota" ? "rate-limit" : name;
}

function textOf(content: unknown): string {
  return isJsonObject(content) && content["type"] === "text" && typeof content["text"] === "string"
    ? content["text"]
    : "";
}

/** Paths that a tool call names: its locations, its diffs, and the usual members of its input. */
export function pathsOf(call: JsonObject): readonly string[] {
  const found = new Set<string>();
  const add = (path: unknown): void => {
    if (typeof path === "string" && path !== "" && path.length < 4096 && found.size < MAX_PATHS) found.add(path);
  };
  for (const list of [call["locations"], call["content"]]) {
    if (Array.isArray(list))
      for (const member of list.slice(0, MAX_PATHS)) if (isJsonObject(member)) add(member["path"]);
  }
  const input = call["rawInput"];
  if (isJsonObject(input)) for (const key of ["path", "file_path", "filePath", "abs_path"]) add(input[key]);
  return [...found];
}

/** The shell command that a tool call names. */
export function commandOf(input: unknown): string | undefined {
  if (!isJsonObject(input)) return undefined;
  const command = input["command"] ?? input["cmd"];
  if (typeof command === "string") return command;
  if (Array.isArray(command) && command.every((word) => typeof word === "string")) return command.join(" ");
  return undefined;
}
