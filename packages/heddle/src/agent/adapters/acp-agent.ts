/** ACP agent: what the ACP adapter needs to know of one agent: its program, its settings, and how it deviates. Plain data. */
import type { JsonObject } from "../../base/json.ts";
import type { Reach } from "./permissions.ts";
import type { AgentContext } from "./port.ts";
import type { Program } from "./program.ts";
import type { UsageQuirks } from "./usage.ts";

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
  /** A total cost of 0 is that of a model whose price it does not know. */
  readonly zeroIsUnknown?: true;
  /** Text that arrives as a message but is not one. */
  readonly noise?: RegExp;
  /** `_meta` of the request for a new session. */
  readonly sessionMeta?: JsonObject;
  /** Modes that bind it to what it may reach; the first that it offers is set. */
  readonly modes?: Readonly<Record<Reach, readonly string[]>>;
  /** Ways to log in that take a key from the environment, beside those that say so themselves. */
  readonly keyMethods?: readonly string[];
  /** Lines of its error output that say nothing; they are counted, not logged. */
  readonly errorNoise?: RegExp;
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
  readonly homeFiles?: readonly string[];
  readonly nestsSandbox?: boolean;
  /** Names of variables that hold its keys. */
  readonly keys?: readonly string[];
}
