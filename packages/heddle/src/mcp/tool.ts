/**
 * Tools: what the server offers, as data, and what a call of one gets. One list of them makes the protocol's server and the reference. Knows
 * no tool by name.
 */
import type { z } from "zod";
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { Result } from "../base/result.ts";
import type { McpAccess } from "./mcp-project.ts";
import type { StartedRuns } from "./started-runs.ts";

/** What every call finds. */
export interface McpWorld {
  /** Absolute: the project's folder. */
  readonly dir: string;
  readonly clock: Clock;
  /** Who is said to have asked for what clients ask for. */
  readonly actor: string;
  readonly project: McpAccess;
  /** Those that this process carries out. */
  readonly runs: Pick<StartedRuns, "add">;
}

export interface ToolContext extends McpWorld {
  /** Given when the client goes away, or takes the call back. */
  readonly signal: AbortSignal;
  /** Tells the client how far the call is; absent: it did not ask. */
  readonly tell?: (progress: ToolProgress) => void;
}

export interface ToolProgress {
  readonly progress: number;
  readonly total: number;
  readonly message: string;
}

/** `acts`: absent, it only reads. */
export interface ToolActs {
  /** May undo or overwrite something, or run commands that do. */
  readonly destructive: boolean;
  /** Called again with the same input, it changes nothing more. */
  readonly idempotent: boolean;
  /** Has steps run, which may reach anything. */
  readonly openWorld: boolean;
}

export interface McpTool {
  readonly name: string;
  readonly title: string;
  /** A prompt: short, and it says what to do next. */
  readonly description: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly acts?: ToolActs;
  /** May throw a `HeddleError`, which is answered as its problem. */
  readonly handle: (input: never, context: ToolContext) => Promise<Result<JsonObject, Problem>>;
}

/** A tool whose handler gets what its own schema gives. */
export function mcpTool<Input extends z.ZodObject>(
  tool: Omit<McpTool, "input" | "handle"> & {
    readonly input: Input;
    readonly handle: (input: z.output<Input>, context: ToolContext) => Promise<Result<JsonObject, Problem>>;
  },
): McpTool {
  return tool;
}
