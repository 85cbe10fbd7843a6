/**
 * Completion candidates: what the last of the words typed so far can become, for the scripts of `heddle completion`. Says nothing
 * where it knows nothing: a shell then completes names of files.
 *
 * Invariant: it runs nothing of the folder, makes nothing there, and never fails: what cannot be read has no candidates.
 */
import { resolve } from "node:path";
import { safeLine } from "../../base/safe-text.ts";
import { findPlanFile, isPlanModule } from "../../project/find-plan.ts";
import type { Project } from "../../project/port.ts";
import type { RunStatus } from "../../view/status.ts";
import { EXIT } from "../context.ts";
import type { Output } from "../output.ts";
import { GLOBAL_OPTIONS } from "../parse.ts";
import type { CommandSpec, OptionSpec } from "../spec.ts";
import { COMMANDS, commandCalled } from "../table/all.ts";

interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** Prints one candidate a line, with a tab before what it is. `typed`: after the program's name; the last is to be completed. */
export async function completeWords(out: Output, typed: readonly string[]): Promise<number> {
  const words = typed.flatMap((word, at) => apart(word, at === typed.length - 1));
  const current = words.at(-1) ?? "";
  const found = await candidatesFor(words.slice(0, -1), current).catch(() => []);
  const fitting = found.filter(({ word }) => word.startsWith(current) && word !== "" && !/\s/.test(word));
  const [name = ""] = NAME_AND_VALUE.exec(typed.at(-1) ?? "") ?? [];
  out.lines(fitting.map(({ word, about = "" }) => `${name}${word}\t${safeLine(about)}`));
  return EXIT.ok;
}

const NAME_AND_VALUE = /^--[\w-]+=/;

/** `--name=value` as two words. bash breaks it by itself, and hands in the `=` too: of the last word, there is no value yet. */
function apart(word: string, isLast: boolean): readonly string[] {
  if (word === "=") return isLast ? [""] : [];
  const [name] = NAME_AND_VALUE.exec(word) ?? [];
  return name === undefined ? [word] : [name.slice(0, -1), word.slice(name.length)];
}

async function candidatesFor(before: readonly string[], current: string): Promise<readonly Candidate[]> {
  const typed = readWords(before);
  const { spec, option } = typed;
  if (option !== undefined) return await valuesOf(option, typed);
  if (current.startsWith("-")) return optionsOf(spec).flatMap(asCandidate);
  if (spec === undefined) return typed.hasCommand ? [] : commandNames();
  return await argumentsFor(spec, typed);
}

interface Typed {
  /** Absent: none was typed, or no such command. */
  readonly spec: CommandSpec | undefined;
  readonly hasCommand: boolean;
  /** What stands behind the command, without options and their values. */
  readonly args: readonly string[];
  /** The option whose value is typed now. */
  readonly option: OptionSpec | undefined;
  /** Absolute: where the command is to work. */
  readonly dir: string;
}

function readWords(before: readonly string[]): Typed {
  let spec: CommandSpec | undefined;
  let hasCommand = false;
  let option: OptionSpec | undefined;
  let dir = process.cwd();
  const args: string[] = [];
  for (const word of before) {
    if (word.startsWith("-")) {
      const named = optionsOf(spec).find(({ flags }) => namesOf(flags).includes(word));
      option = named !== undefined && named.flags.includes("<") ? named : undefined;
    } else if (option !== undefined) {
      if (namesOf(option.flags).includes("--dir")) dir = resolve(dir, word);
      // One that takes several goes on.
      if (!option.flags.includes("...")) option = undefined;
    } else if (!hasCommand) {
      hasCommand = true;
      spec = word === "help" ? HELP : commandCalled(word);
    } else args.push(word);
  }
  return { spec, hasCommand, args, option, dir };
}

/** Not a row of the table: its argument is a command. */
const HELP: CommandSpec = {
  name: "help",
  summary: "Show the help of a command",
  args: "[command]",
  examples: [],
  load: () => Promise.reject(new Error("never carried out")),
};

function commandNames(): readonly Candidate[] {
  return [...COMMANDS, HELP].map(({ name, summary }) => ({ word: name, about: summary }));
}

function optionsOf(spec: CommandSpec | undefined): readonly OptionSpec[] {
  const own = spec?.options ?? [{ flags: "--version", description: "print the version" }];
  const all = [...own, ...GLOBAL_OPTIONS, { flags: "-h, --help", description: "show help" }];
  return all.filter((option) => option.hidden !== true);
}

function namesOf(flags: string): readonly string[] {
  return flags.match(/(?<![\w-])--?[A-Za-z][\w-]*/g) ?? [];
}

function asCandidate({ flags, description }: OptionSpec): readonly Candidate[] {
  const word = namesOf(flags).find((name) => name.startsWith("--"));
  return word === undefined ? [] : [{ word, about: description }];
}

/** Options that take ids of steps. */
const STEP_OPTIONS = ["--from", "--only", "--step", "--revert"];

async function valuesOf(option: OptionSpec, typed: Typed): Promise<readonly Candidate[]> {
  if (option.choices !== undefined) return option.choices.map((word) => ({ word }));
  if (!namesOf(option.flags).some((name) => STEP_OPTIONS.includes(name))) return [];
  return typed.spec?.name === "run"
    ? await stepsOfPlan(typed)
    : await inProject(typed, (of) => stepsOf(of, typed.args[0]));
}

/** By the names of the command's arguments: `[run] [step]`, `<shell>`. */
async function argumentsFor(spec: CommandSpec, typed: Typed): Promise<readonly Candidate[]> {
  const names = (spec.args ?? "").split(" ").map((name) => name.replaceAll(/[^a-z]/g, ""));
  const at = typed.args.length;
  switch (names[at] ?? (spec.args?.endsWith("...]") === true ? names.at(-1) : "")) {
    case "command":
      return commandNames();
    case "shell":
      return ["bash", "zsh", "fish"].map((word) => ({ word }));
    case "action":
      return ["list", "clean", "open"].map((word) => ({ word }));
    case "run":
      return await inProject(typed, async (project) => {
        if (spec.name === "worktrees") return await treesOf(project, undefined);
        const runs = await runsFor(project, spec.name);
        // One word alone may be a step of the latest run.
        return names[at + 1] === "step" ? [...(await stepsOf(project, undefined, spec.name)), ...runs] : runs;
      });
    case "step":
      if (spec.name === "run" || spec.name === "plan") return await stepsOfPlan(typed);
      return await inProject(typed, async (project) =>
        spec.name === "worktrees"
          ? await treesOf(project, typed.args[1])
          : await stepsOf(project, typed.args[at - 1], spec.name),
      );
    default:
      return [];
  }
}

async function inProject(
  { dir }: Typed,
  find: (project: Project) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  const { openProject } = await import("../../host/open.ts");
  const opened = await openProject(dir, { title: "heddle completion", access: "read" });
  if (!opened.ok) return [];
  await using project = opened.value;
  return await find(project);
}

/** Runs looked at. */
const MOST_RUNS = 50;

/** Runs that a command can do something with; of the others, all. */
const RUNS_FOR: Readonly<Record<string, readonly RunStatus[]>> = {
  cancel: ["running", "paused", "waiting"],
  pause: ["running"],
  unpause: ["paused"],
  concurrency: ["running", "paused"],
  resume: ["failed", "cancelled", "interrupted", "waiting"],
  retry: ["failed", "cancelled", "interrupted", "waiting"],
  approve: ["waiting", "running", "paused"],
  reject: ["waiting", "running", "paused"],
  resolve: ["waiting", "running", "paused"],
  signal: ["waiting", "running", "paused"],
};

async function runsFor(project: Project, command: string): Promise<readonly Candidate[]> {
  const wanted = RUNS_FOR[command];
  const lines = await project.runs.list({ limit: MOST_RUNS });
  return lines
    .filter(({ status }) => wanted === undefined || wanted.includes(status))
    .map(({ run, plan, status }) => ({ word: run, about: `${status}: ${plan}` }));
}

/** Those that ask, for commands that answer. */
async function stepsOf(project: Project, word: string | undefined, command = ""): Promise<readonly Candidate[]> {
  const run = await project.runs.find(word);
  const read = run.ok ? await project.runs.read(run.value) : run;
  if (!read.ok) return [];
  const { state, live } = read.value;
  const { stepStatus } = await import("../../view/status.ts");
  const steps = state.steps.map(({ id }, at) => ({ word: id, about: stepStatus(state, at, live) }));
  const asking = ["needs-approval", "needs-resolution"];
  return ["approve", "reject", "resolve"].includes(command)
    ? steps.filter(({ about }) => asking.includes(about))
    : steps;
}

/** As the plan's file says now; of a program, which is not run to find out, those of its latest run. */
async function stepsOfPlan(typed: Typed): Promise<readonly Candidate[]> {
  const file = typed.args[0] ?? findPlanFile(typed.dir);
  if (file === undefined || isPlanModule(file)) return await inProject(typed, (project) => stepsOf(project, undefined));
  const { loadPlanFile } = await import("../../project/load-plan.ts");
  const loaded = await loadPlanFile(file, {}, { allowMissingParams: true, folder: typed.dir });
  if (!loaded.ok) return [];
  return loaded.value.plan.steps.map(({ id, description = "" }) => ({ word: id, about: description }));
}

/** Worktrees by name, and the runs that have some; of one run its own. */
async function treesOf(project: Project, run: string | undefined): Promise<readonly Candidate[]> {
  const listed = await project.worktrees.list(run);
  if (!listed.ok) return [];
  const trees = listed.value.map((tree) => ({ word: tree.name, about: `${tree.state}: ${tree.path}` }));
  if (run !== undefined) return trees;
  const runs = [...new Set(listed.value.map((tree) => tree.run))];
  return [...trees, ...runs.map((word) => ({ word, about: "run" }))];
}
