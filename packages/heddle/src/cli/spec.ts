/**
 * Command declarations: their types. Commands are data, so that help and completion can be built without loading any
 * command.
 */
import type { Context } from "./context.ts";

export interface OptionSpec {
  /** As commander writes them: `-j, --max-concurrency <n>`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Converts and checks the text; throws {@link UsageError} with what is wrong with it. */
  readonly parse?: (text: string, previous: unknown) => unknown;
  /** Accepted, not shown. */
  readonly hidden?: true;
}

export type Flags = Readonly<Record<string, unknown>>;

/** Gives the exit code. */
export type CommandAction = (context: Context, args: readonly (string | undefined)[], flags: Flags) => Promise<number>;

export interface CommandSpec {
  readonly name: string;
  /** Words of other tools for the same. */
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** As commander writes them: `[run]`, `<run> <step>`. */
  readonly args?: string;
  readonly options?: readonly OptionSpec[];
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  readonly load: () => Promise<CommandAction>;
}

/** What is wrong with a value on the command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
