/**
 * Command line entry point: finds the command, parses its arguments, runs it and sets the exit code. Only the code of
 * the typed command is loaded; help and mistakes load none.
 */
import { systemClock } from "../base/clock.ts";
import { BugError } from "../base/assert.ts";
import { HeddleError, messageOf, systemCode, type Problem } from "../base/errors.ts";
import { isInForeground } from "./foreground.ts";
import { captureRest, printToStderr } from "../process/print-capture.ts";
import { suggest } from "../base/suggest.ts";
import { COMPLETE } from "./commands/completion.ts";
import { EXIT, type Context } from "./context.ts";
import { leaveNow, Output } from "./output.ts";
import type { Parsed } from "./parse.ts";
import type { CommandSpec } from "./spec.ts";
import { COMMANDS, commandCalled } from "./table/all.ts";

/** `words` are the arguments after the program's name. Ends the process with the command's exit code. */
export async function main(words: readonly string[]): Promise<void> {
  const { env } = process;
  const out = new Output({ env, debug: words.includes("--debug"), isInForeground });
  // What code of a plan prints must not get between our lines, nor move the cursor: a plan's module while it is loaded, and a
  // function after its end.
  captureRest({ print: printToStderr });
  process.on("uncaughtException", (thrown) => {
    out.problem(uncaught(thrown));
    leaveNow(EXIT.failed);
  });
  const code = await runWords(out, words);
  // What functions of a plan left open (timers, servers) would keep the process alive.
  leaveNow(code);
}

/** The command in `words` with its output to `out`; gives its exit code, and does not end the process. */
export async function runWords(out: Output, words: readonly string[]): Promise<number> {
  let code: number;
  // Of words that cannot be parsed, too.
  out.tellJson(words.slice(0, words.includes("--") ? words.indexOf("--") : undefined).includes("--json"));
  try {
    code = await dispatch(out, words);
  } catch (thrown) {
    out.problem(unexpected(thrown));
    code = EXIT.failed;
  }
  await out.drained();
  return code;
}

function unexpected(thrown: unknown): Problem {
  if (thrown instanceof HeddleError) return thrown;
  const system = systemCode(thrown);
  if (system === "EMFILE" || system === "ENFILE") {
    const hint = "Raise the limit, with `ulimit -n 1024` for one, and run the command again: nothing recorded is lost.";
    return {
      code: "TooManyOpenFiles",
      message: `the system opens no more files: ${messageOf(thrown)}`,
      hint,
      cause: thrown,
    };
  }
  return {
    code: "InternalError",
    message: messageOf(thrown),
    hint: "This is a bug in heddle. Run the command again with --debug and report what it prints.",
    cause: thrown,
  };
}

/** Code of a plan can leave promises and timers that fail long after its step has ended. */
function uncaught(thrown: unknown): Problem {
  if (thrown instanceof HeddleError || thrown instanceof BugError) return unexpected(thrown);
  return {
    code: "UncaughtError",
    message: `uncaught error: ${messageOf(thrown)}`,
    hint: "Code of the plan started something without awaiting it; --debug shows where the error was thrown. Nothing recorded is lost: continue with `heddle resume`.",
    cause: thrown,
  };
}

async function dispatch(out: Output, words: readonly string[]): Promise<number> {
  if (words[0] === COMPLETE) {
    out.tellJson(false);
    return (await import("./commands/complete.ts")).completeWords(out, words.slice(1));
  }
  const at = commandPlace(words);
  const name = at === -1 ? undefined : words[at];
  if (name === undefined) {
    if (VERSION_FLAGS.some((flag) => words.includes(flag))) return printVersion(out);
    if (words.includes("--help") || words.includes("-h")) return printHelp(out);
  }
  if (name === "help") return help(out, words[at + 1]);
  if (name === "version") return printVersion(out);
  const spec = name === undefined ? await bare() : commandCalled(name);
  if (spec === undefined) return unknownCommand(out, name ?? "");
  const rest = name === undefined ? words : [...words.slice(0, at), ...words.slice(at + 1)];
  return runCommand(out, spec, rest);
}

const VERSION_FLAGS = ["--version", "-V", "-v"] as const;

/** Index of the command's name: the first word that is neither a flag nor a flag's value. */
function commandPlace(words: readonly string[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "-C" || word === "--dir") at++;
    else if (!word.startsWith("-")) return at;
  }
  return -1;
}

async function runCommand(out: Output, spec: CommandSpec, words: readonly string[]): Promise<number> {
  const parsed = plainWords(spec, words) ?? (await import("./parse.ts")).parseCommand(spec, words);
  if (parsed.kind === "help") {
    if (out.tellsJson) out.json({ help: parsed.text });
    else out.write(parsed.text);
    return EXIT.ok;
  }
  if (parsed.kind === "error") {
    out.problem({ code: "Usage", message: parsed.message, hint: parsed.hint });
    return EXIT.usage;
  }
  const { flags } = parsed;
  out.tellJson(flags["json"] === true);
  const moved = typeof flags["dir"] === "string" ? enter(flags["dir"]) : undefined;
  if (moved !== undefined) {
    out.problem(moved);
    return EXIT.usage;
  }
  const dir = currentFolder();
  if (dir === undefined) {
    const hint = "Go to an existing folder, or name one with --dir.";
    out.problem({ code: "Usage", message: "the current folder was removed", hint });
    return EXIT.usage;
  }
  const context: Context = {
    out,
    clock: systemClock(),
    dir,
    env: process.env,
    json: flags["json"] === true,
    command: spec.name,
  };
  const action = await spec.load();
  return action(context, parsed.args, flags);
}

/** Words without a flag, no more of them than the command takes, need no parser: the usual case starts faster. */
function plainWords(spec: CommandSpec, words: readonly string[]): Parsed | undefined {
  const args = spec.args?.split(" ") ?? [];
  const required = args.filter((arg) => arg.startsWith("<")).length;
  const fits = words.length >= required && words.length <= args.length && !words.some((word) => word.startsWith("-"));
  return fits ? { kind: "run", args: words, flags: {} } : undefined;
}

/** Paths on the command line and in messages are then relative to `folder`. */
function enter(folder: string): Problem | undefined {
  try {
    process.chdir(folder);
    return undefined;
  } catch (thrown) {
    const hint = "Name an existing folder with --dir.";
    return {
      code: "Usage",
      message: `cannot work in ${JSON.stringify(folder)}: ${messageOf(thrown)}`,
      hint,
      cause: thrown,
    };
  }
}

/** `undefined`: it was removed while this process, or the shell before it, was in it. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

async function bare(): Promise<CommandSpec> {
  const { DEFAULT_COMMAND } = await import("./table/default-command.ts");
  return DEFAULT_COMMAND;
}

function unknownCommand(out: Output, name: string): number {
  const near = suggest(
    name,
    COMMANDS.map((command) => command.name),
  );
  const command = /\.(ya?ml|json|ts)$/.test(name) ? `run ${name}` : near;
  const meant = command === undefined ? "" : `Did you mean \`heddle ${command}\`? `;
  const hint = `${meant}\`heddle --help\` lists the commands.`;
  out.problem({ code: "UnknownCommand", message: `there is no command ${JSON.stringify(name)}`, hint });
  return EXIT.usage;
}

async function help(out: Output, name: string | undefined): Promise<number> {
  if (name === undefined || name.startsWith("-")) return printHelp(out);
  const spec = commandCalled(name);
  return spec === undefined ? unknownCommand(out, name) : runCommand(out, spec, ["--help"]);
}

async function printHelp(out: Output): Promise<number> {
  const { overallHelp } = await import("./help.ts");
  if (out.tellsJson) out.json({ help: [...overallHelp(out)].join("\n") });
  else out.lines(overallHelp(out));
  return EXIT.ok;
}

async function printVersion(out: Output): Promise<number> {
  const { VERSION } = await import("../version.ts");
  if (out.tellsJson) out.json({ version: VERSION });
  else out.line(VERSION);
  return EXIT.ok;
}
