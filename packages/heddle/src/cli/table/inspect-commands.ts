/** Declarations of the commands that inspect plans and recorded runs. They run nothing. */
import type { CommandSpec } from "../spec.ts";
import { parseOrdinal, parseParameter, parseTextList, parseWholeNumber } from "../flag-values.ts";
import { BELL_OPTION, CONCURRENCY_OPTIONS } from "./run-commands.ts";

export const INSPECT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "plan",
    aliases: ["graph", "validate"],
    summary: "Show what a plan would do: layers, parallelism, critical path",
    args: "[file]",
    options: [
      ...CONCURRENCY_OPTIONS,
      { flags: "--tree", description: "print a tree of dependencies" },
      { flags: "--mermaid", description: "print a Mermaid flowchart" },
      { flags: "--dot", description: "print a Graphviz graph" },
      { flags: "--to <format>", description: "print the plan in its canonical form", choices: ["yaml"] },
      {
        flags: "--param <name=value>",
        description: "set a parameter of the plan; can be repeated",
        parse: parseParameter,
      },
    ],
    examples: [
      ["heddle plan", "shows layers, max parallelism and critical path of heddle.yaml"],
      ["heddle plan -j 4", "adds the expected time with four steps at once"],
      ["heddle plan release.yaml --tree", "shows the dependency tree of another plan"],
      ["heddle plan old.yaml --to yaml > heddle.yaml", "converts a plan to its canonical form"],
    ],
    load: async () => (await import("../commands/plan.ts")).planCommand,
  },
  {
    name: "runs",
    aliases: ["ls", "list", "ps"],
    summary: "List the runs of this project, newest first",
    options: [
      {
        flags: "--limit <n>",
        description: "show at most this many (default: 20; with --json: all)",
        parse: parseOrdinal,
      },
      {
        flags: "--status <list>",
        description: "only runs with one of these statuses, such as failed,interrupted",
        parse: parseTextList,
      },
      { flags: "--plan <name>", description: "only runs of plans with this name" },
    ],
    examples: [
      ["heddle runs --json", "lists all runs, for programs"],
      ["heddle runs --status failed,interrupted", "lists those that want attention"],
    ],
    load: async () => (await import("../commands/runs.ts")).runsCommand,
  },
  {
    name: "show",
    aliases: ["status"],
    summary: "Show the steps of a run with status, time, attempts and reason, or details and warnings for one step",
    args: "[run] [step]",
    options: [{ flags: "--prompt", description: "print the prompt that the step's agent got" }],
    examples: [
      ["heddle show", "shows the latest run"],
      ["heddle show 7k3m --json", "prints one JSON document"],
      ["heddle show 7k3m api", "shows one step: its captures and warnings"],
      ["heddle show 7k3m api --prompt", "prints the prompts of the latest attempt of an agent step"],
    ],
    load: async () => (await import("../commands/show.ts")).showCommand,
  },
  {
    name: "watch",
    summary: "Follow a run in another process",
    args: "[run]",
    options: [
      {
        flags: "--output <mode>",
        description: "as in heddle run",
        choices: ["grouped", "stream", "errors", "quiet", "github"],
      },
      BELL_OPTION,
    ],
    examples: [["heddle watch", "follows the latest run until it ends"]],
    load: async () => (await import("../commands/watch.ts")).watchCommand,
  },
  {
    name: "logs",
    summary: "Show the log of a step, or of all steps of a run",
    args: "[run] [step]",
    options: [
      { flags: "-f, --follow", description: "follow the log until the step ends; it may start later" },
      { flags: "--attempt <n>", description: "the attempt (default: the latest)", parse: parseOrdinal },
    ],
    examples: [
      ["heddle logs build", "shows the log of the step build in the latest run"],
      ["heddle logs 7k3m build --attempt 1", "shows its first attempt in run 7k3m"],
      ["heddle logs build -f", "follows the log"],
    ],
    load: async () => (await import("../commands/logs.ts")).logsCommand,
  },
  {
    name: "diff",
    summary: "Show what the agents of a run changed, or one of its steps",
    args: "[run] [step]",
    options: [{ flags: "--stat", description: "show the files with counts of lines instead of the lines" }],
    examples: [
      ["heddle diff", "shows all that the latest run has merged, as one diff"],
      ["heddle diff 7k3m api --stat", "shows which files the step api of run 7k3m changed"],
      ["heddle diff api > api.patch", "writes a patch for `git apply`"],
      ["heddle diff --json", "prints the files as one JSON document"],
    ],
    load: async () => (await import("../commands/diff.ts")).diffCommand,
  },
  {
    name: "history",
    summary: "Show the recorded events of a run",
    args: "[run]",
    options: [
      { flags: "--canonical", description: "in a form without times, to compare runs" },
      { flags: "--since <seq>", description: "only events after this number", parse: parseWholeNumber },
      { flags: "--step <id>", description: "only events of this step" },
    ],
    examples: [
      ["heddle history --step build", "shows the events of one step"],
      ["heddle history --canonical > before.txt", "saves a form that can be compared with another run"],
    ],
    load: async () => (await import("../commands/history.ts")).historyCommand,
  },
  {
    name: "replay",
    summary: "Rebuild a run from its history and check every rule",
    args: "[run]",
    options: [{ flags: "--at <seq>", description: "show the state after this event", parse: parseOrdinal }],
    examples: [
      ["heddle replay", "checks the latest run"],
      ["heddle replay 7k3m --at 12", "shows the state after event 12"],
    ],
    load: async () => (await import("../commands/replay.ts")).replayCommand,
  },
  {
    name: "report",
    summary: "Summarise a run: speed-up, critical path, utilisation",
    args: "[run]",
    options: [
      { flags: "--html", description: "print one self-contained HTML page with graph and timeline" },
      { flags: "--trace", description: "print a trace for chrome://tracing or Perfetto" },
      { flags: "--mermaid", description: "print a Mermaid flowchart coloured by status" },
      { flags: "--junit", description: "print JUnit XML for CI: a test case per step" },
      { flags: "-o, --out <file>", description: "write to a file instead of standard output" },
    ],
    examples: [
      ["heddle report", "prints a summary of the latest run"],
      ["heddle report --html -o report.html", "writes an HTML page"],
      ["heddle report --trace > trace.json", "writes a trace for Perfetto"],
      ["heddle report --junit -o heddle.xml", "writes a file that CI systems show as test results"],
    ],
    load: async () => (await import("../commands/report.ts")).reportCommand,
  },
];
