/**
 * Wire formats of model providers: reads a request of an agent's into what a script decides on, and writes its answer as the
 * stream that the agent expects. Pure. Only what agents were seen to need; knows no agent by name.
 */
import { defined } from "../../packages/heddle/src/base/defined.ts";
import { type JsonObject, isJsonObject } from "../../packages/heddle/src/base/json.ts";

export type WireFormat = "messages" | "responses" | "chat" | "gemini";

/** What a scripted model does at one point of the conversation. */
export type ModelAct =
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "run"; readonly command: string }
  /** Calls heddle's own tool for the end of a task. */
  | { readonly kind: "report"; readonly summary: string };

export interface ModelRequest {
  readonly format: WireFormat;
  readonly model: string;
  readonly tools: readonly string[];
  /** Results of tools in the conversation so far. */
  readonly results: number;
  readonly isStream: boolean;
  readonly body: JsonObject;
}

/** Tokens of one answer, as each format counts them: `input` without the cached ones. */
export const TOKENS = { input: 800, cached: 200, output: 100 } as const;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const objects = (value: unknown): readonly JsonObject[] => list(value).filter(isJsonObject);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The request for a path of the server; undefined: no model is asked. */
export function readRequest(path: string, body: JsonObject): ModelRequest | undefined {
  const isStream = body["stream"] === true;
  if (path.endsWith("/messages")) {
    const content = objects(body["messages"]).flatMap((message) => objects(message["content"]));
    return {
      format: "messages",
      model: text(body["model"]),
      tools: objects(body["tools"]).map((tool) => text(tool["name"])),
      results: content.filter(({ type }) => type === "tool_result").length,
      isStream,
      body,
    };
  }
  if (path.endsWith("/responses"))
    return {
      format: "responses",
      model: text(body["model"]),
      tools: objects(body["tools"]).map((tool) => text(tool["name"])),
      results: objects(body["input"]).filter(({ type }) => text(type).endsWith("_call_output")).length,
      isStream,
      body,
    };
  if (path.endsWith("/chat/completions"))
    return {
      format: "chat",
      model: text(body["model"]),
      tools: objects(body["tools"]).map((tool) =>
        isJsonObject(tool["function"]) ? text(tool["function"]["name"]) : "",
      ),
      results: objects(body["messages"]).filter(({ role }) => role === "tool").length,
      isStream,
      body,
    };
  const gemini = /\/models\/([^/:]+):(stream)?[gG]enerateContent$/.exec(path);
  if (gemini === null) return undefined;
  const parts = objects(body["contents"]).flatMap((content) => objects(content["parts"]));
  const declared = objects(body["tools"]).flatMap((tool) => objects(tool["functionDeclarations"]));
  return {
    format: "gemini",
    model: gemini[1] ?? "",
    tools: declared.map((tool) => text(tool["name"])),
    results: parts.filter((part) => isJsonObject(part["functionResponse"])).length,
    isStream: gemini[2] !== undefined,
    body,
  };
}

interface Call {
  readonly name: string;
  readonly input: JsonObject;
  /** Of tools that are offered as a group. */
  readonly namespace?: string;
}

/** The tools that agents offer for an act, with their arguments; the first that is offered is called. */
function callOf(act: ModelAct, tools: readonly string[]): Call | undefined {
  return candidates(act).find(({ name, namespace }) => tools.includes(namespace ?? name));
}

function candidates(act: ModelAct): readonly Call[] {
  switch (act.kind) {
    case "say":
      return [];
    case "run":
      return shellCalls(act.command);
    case "write":
      return [
        { name: "Write", input: { file_path: act.path, content: act.text } },
        { name: "write_file", input: { file_path: act.path, content: act.text } },
        { name: "write", input: { filePath: act.path, content: act.text } },
        ...shellCalls(`mkdir -p "$(dirname '${act.path}')" && printf '%s' '${act.text}' > '${act.path}'`),
      ];
    case "report": {
      const input = { summary: act.summary, files: ["hello.txt"] };
      const names = ["mcp__heddle__task_complete", "mcp_heddle_task_complete", "heddle_task_complete"];
      return [...names.map((name) => ({ name, input })), { name: "task_complete", namespace: "mcp__heddle", input }];
    }
  }
}

function shellCalls(command: string): readonly Call[] {
  const described = { command, description: "Run it" };
  return [
    { name: "Bash", input: described },
    { name: "run_shell_command", input: described },
    { name: "bash", input: described },
    { name: "exec_command", input: { cmd: command } },
    { name: "shell_command", input: { command } },
    { name: "shell", input: { command: ["sh", "-c", command] } },
  ];
}

/** Whether the request is one of the conversation itself: agents also ask for titles and the like, without tools. */
export function canAct({ tools }: ModelRequest): boolean {
  return callOf({ kind: "run", command: "" }, tools) !== undefined;
}

export interface WireAnswer {
  readonly type: string;
  readonly body: string;
}

const event = (name: string, data: JsonObject): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
const data = (value: JsonObject): string => `data: ${JSON.stringify(value)}\n\n`;
const SSE = "text/event-stream";

/** The answer to a request: a text or the call of a tool. `id` is of this call alone. */
export function writeAnswer(request: ModelRequest, act: ModelAct, id: string): WireAnswer {
  const call = callOf(act, request.tools);
  const said = act.kind === "say" ? act.text : call === undefined ? `No tool for ${act.kind}.` : "";
  switch (request.format) {
    case "messages":
      return messagesAnswer(request, call, said, id);
    case "responses":
      return responsesAnswer(request, call, said, id);
    case "chat":
      return chatAnswer(request, call, said, id);
    case "gemini":
      return geminiAnswer(request, call, said, id);
  }
}

function messagesAnswer(
  { model, isStream }: ModelRequest,
  call: Call | undefined,
  said: string,
  id: string,
): WireAnswer {
  const usage = {
    input_tokens: TOKENS.input,
    cache_read_input_tokens: TOKENS.cached,
    cache_creation_input_tokens: 0,
    output_tokens: TOKENS.output,
  };
  const block =
    call === undefined
      ? { type: "text", text: said }
      : { type: "tool_use", id: `toolu_${id}`, name: call.name, input: call.input };
  const reason = call === undefined ? "end_turn" : "tool_use";
  const message = { id: `msg_${id}`, type: "message", role: "assistant", model, stop_sequence: null };
  if (!isStream)
    return {
      type: "application/json",
      body: JSON.stringify({ ...message, content: [block], stop_reason: reason, usage }),
    };
  const empty = call === undefined ? { type: "text", text: "" } : { ...block, input: {} };
  const delta =
    call === undefined
      ? { type: "text_delta", text: said }
      : { type: "input_json_delta", partial_json: JSON.stringify(call.input) };
  return {
    type: SSE,
    body: [
      event("message_start", {
        message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
      }),
      event("content_block_start", { index: 0, content_block: empty }),
      event("content_block_delta", { index: 0, delta }),
      event("content_block_stop", { index: 0 }),
      event("message_delta", {
        delta: { stop_reason: reason, stop_sequence: null },
        usage: { output_tokens: TOKENS.output },
      }),
      event("message_stop", {}),
    ].join(""),
  };
}

function responsesAnswer({ model }: ModelRequest, call: Call | undefined, said: string, id: string): WireAnswer {
  const item: JsonObject =
    call === undefined
      ? {
          type: "message",
          id: `msg_${id}`,
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: said, annotations: [] }],
        }
      : {
          type: "function_call",
          id: `fc_${id}`,
          call_id: `call_${id}`,
          name: call.name,
          arguments: JSON.stringify(call.input),
          status: "completed",
          ...defined({ namespace: call.namespace }),
        };
  const response = { id: `resp_${id}`, object: "response", model, created_at: 0 };
  const usage = {
    input_tokens: TOKENS.input + TOKENS.cached,
    input_tokens_details: { cached_tokens: TOKENS.cached },
    output_tokens: TOKENS.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: TOKENS.input + TOKENS.cached + TOKENS.output,
  };
  const delta =
    call === undefined
      ? event("response.output_text.delta", { item_id: `msg_${id}`, output_index: 0, content_index: 0, delta: said })
      : "";
  const begun = call === undefined ? { ...item, status: "in_progress", content: [] } : { ...item, arguments: "" };
  return {
    type: SSE,
    body: [
      event("response.created", { response: { ...response, status: "in_progress", output: [] } }),
      event("response.output_item.added", { output_index: 0, item: begun }),
      delta,
      event("response.output_item.done", { output_index: 0, item }),
      event("response.completed", { response: { ...response, status: "completed", output: [item], usage } }),
    ].join(""),
  };
}

function chatAnswer({ model, isStream }: ModelRequest, call: Call | undefined, said: string, id: string): WireAnswer {
  const base = { id: `chat_${id}`, object: "chat.completion.chunk", created: 0, model };
  const usage = {
    prompt_tokens: TOKENS.input + TOKENS.cached,
    completion_tokens: TOKENS.output,
    total_tokens: TOKENS.input + TOKENS.cached + TOKENS.output,
    prompt_tokens_details: { cached_tokens: TOKENS.cached },
  };
  const made = call === undefined ? undefined : { name: call.name, arguments: JSON.stringify(call.input) };
  const reason = call === undefined ? "stop" : "tool_calls";
  if (!isStream) {
    const message = defined<JsonObject>({
      role: "assistant",
      content: said,
      tool_calls: made === undefined ? undefined : [{ id: `call_${id}`, type: "function", function: made }],
    });
    const choices = [{ index: 0, message, finish_reason: reason }];
    return {
      type: "application/json",
      body: JSON.stringify({ ...base, object: "chat.completion", choices, usage }),
    };
  }
  const delta =
    made === undefined
      ? { role: "assistant", content: said }
      : { role: "assistant", tool_calls: [{ index: 0, id: `call_${id}`, type: "function", function: made }] };
  return {
    type: SSE,
    body: [
      data({ ...base, choices: [{ index: 0, delta, finish_reason: null }] }),
      data({ ...base, choices: [{ index: 0, delta: {}, finish_reason: reason }] }),
      data({ ...base, choices: [], usage }),
      "data: [DONE]\n\n",
    ].join(""),
  };
}

function geminiAnswer({ model, isStream }: ModelRequest, call: Call | undefined, said: string, id: string): WireAnswer {
  const part =
    call === undefined ? { text: said } : { functionCall: { id: `call_${id}`, name: call.name, args: call.input } };
  const body = {
    candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: TOKENS.input + TOKENS.cached,
      cachedContentTokenCount: TOKENS.cached,
      candidatesTokenCount: TOKENS.output,
      totalTokenCount: TOKENS.input + TOKENS.cached + TOKENS.output,
    },
    modelVersion: model,
    responseId: `resp_${id}`,
  };
  return isStream ? { type: SSE, body: data(body) } : { type: "application/json", body: JSON.stringify(body) };
}

/** A refusal, with the error in the words of the provider whose format it is. */
export function writeRefusal(format: WireFormat, status: number, message: string): string {
  const kind = KINDS[status] ?? KINDS[500];
  switch (format) {
    case "messages":
      return JSON.stringify({ type: "error", error: { type: kind?.messages, message }, request_id: "req_1" });
    case "responses":
    case "chat":
      return JSON.stringify({ error: { message, type: kind?.openai, code: kind?.openai, param: null } });
    case "gemini":
      return JSON.stringify({ error: { code: status, message, status: kind?.gemini } });
  }
}

const KINDS: Readonly<Record<number, { readonly messages: string; readonly openai: string; readonly gemini: string }>> =
  {
    400: { messages: "invalid_request_error", openai: "invalid_request_error", gemini: "INVALID_ARGUMENT" },
    401: { messages: "authentication_error", openai: "invalid_api_key", gemini: "UNAUTHENTICATED" },
    404: { messages: "not_found_error", openai: "model_not_found", gemini: "NOT_FOUND" },
    429: { messages: "rate_limit_error", openai: "rate_limit_exceeded", gemini: "RESOURCE_EXHAUSTED" },
    500: { messages: "api_error", openai: "server_error", gemini: "INTERNAL" },
  };
