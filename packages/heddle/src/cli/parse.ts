/**
 * Argument parser: converts words to a command, its arguments and flags. The parser knows only the command that was
 * typed.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { UsageError, type CommandSpec, type Flags, type OptionSpec } from "./spec.ts";

export type Parsed =
  | { readonly kind: "run"; readonly args: readonly (string | undefined)[]; readonly flags: Flags }
  /** `text` goes to standard output. */
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string; readonly hint: string };

/** Accepted by every command, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: "--json", description: "print JSON" },
  { flags: "-C, --dir <folder>", description: "work in this folder instead of the current one" },
  { flags: "--debug", description: "show causes and stack traces of errors" },
];

export function parseCommand(spec: CommandSpec, words: readonly string[]): Parsed {
  let help = "";
  let complaint = "";
  let parsed: Parsed | undefined;
  const command = new Command(`heddle ${spec.name}`)
    .description(`${spec.summary}.`)
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption("-h, --help", "show this help")
    .configureOutput({ writeOut: (text) => (help += text), writeErr: (text) => (complaint += text) })
    .addHelpText("after", examplesOf(spec));
  if (spec.args !== undefined) command.arguments(spec.args);
  for (const option of [...(spec.options ?? []), ...GLOBAL_OPTIONS]) command.addOption(optionOf(option));
  const count = spec.args?.split(" ").length ?? 0;
  command.action((...given: unknown[]) => {
    const args = given.slice(0, count).flatMap((arg) => (Array.isArray(arg) ? arg.map(String) : [textOf(arg)]));
    parsed = { kind: "run", args, flags: command.opts<Flags>() };
  });
  try {
    command.parse([...words], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return { kind: "help", text: help };
    const lines = complaint.trim().split("\n");
    const message = (lines[0] ?? thrown.message).replace(/^error: /, "");
    const hint = lines
      .slice(1)
      .join(" ")
      .replace(/^\((.*)\)$/, "$1");
    // One run at a time: who names several has a command line for each.
    const each = excess(spec, command.args);
    if (each !== undefined) return { kind: "error", message, hint: each };
    if (thrown.code === "commander.missingArgument")
      return {
        kind: "error",
        message,
        hint: `Write \`heddle ${spec.name} ${spec.args ?? ""}\`; \`heddle ${spec.name} --help\` shows examples.`,
      };
    return {
      kind: "error",
      message,
      hint: `${hint === "" ? "" : `${hint} `}\`${`heddle ${spec.name}`.trim()} --help\` shows its options.`,
    };
  }
  return parsed ?? { kind: "help", text: help };
}

function textOf(arg: unknown): string | undefined {
  return typeof arg === "string" ? arg : undefined;
}

/** Where the command takes one run, and several words were given. */
function excess({ name, args }: CommandSpec, words: readonly string[]): string | undefined {
  if (args !== "[run]" || words.length < 2) return undefined;
  return `One run at a time: ${words.map((word) => `\`heddle ${name} ${word}\``).join(", ")}.`;
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices !== undefined) option.choices([...spec.choices]);
  if (spec.hidden === true) option.hideHelp();
  const { parse } = spec;
  if (parse !== undefined) {
    option.argParser((text: string, previous: unknown) => {
      try {
        return parse(text, previous);
      } catch (thrown) {
        if (thrown instanceof UsageError) throw new InvalidArgumentError(thrown.message);
        throw thrown;
      }
    });
  }
  return option;
}

function examplesOf(spec: CommandSpec): string {
  const lines = spec.examples.map(([command, meaning]) => `  $ ${command}\n      ${meaning}`);
  return `\nExamples:\n${lines.join("\n")}`;
}
