/** Commands that look at plans and recorded runs, and execute nothing. */
import type { CommandSpec } from "../spec.ts";
import { parameter, wholeNumber } from "../flag-values.ts";
import { CONCURRENCY } from "./run-commands.ts";

export const LOOKING: readonly CommandSpec[] = [
  {
    name: "plan",
    summary: "Show what a plan would do: layers, parallelism, critical path",
    args: "[file]",
    options: [
      ...CONCURRENCY,
      { flags: "--tree", description: "as a tree of dependencies" },
      { flags: "--mermaid", description: "as a Mermaid flowchart" },
      { flags: "--dot", description: "as a Graphviz graph" },
      { flags: "--to <format>", description: "the plan itself in its canonical form", choices: ["yaml"] },
      {
        flags: "--param <name=value>",
        description: "a parameter of the plan; may be given several times",
        parse: parameter,
      },
    ],
    examples: [
      ["heddle plan", "layers, max parallelism and critical path of heddle.yaml"],
      ["heddle plan -j 4", "with the time expected on four workers"],
      ["heddle plan release.yaml --tree", "the dependency tree of another plan"],
      ["heddle plan old.yaml --to yaml > heddle.yaml", "rewrites a plan in its canonical form"],
    ],
    load: async () => (await import("../commands/plan.ts")).plan,
  },
  {
    name: "runs",
    summary: "List the runs of this project, newest first",
    options: [
      { flags: "--limit <n>", description: "at most so many (default: 20; with --json: all)", parse: wholeNumber },
    ],
    examples: [["heddle runs --json", "all of them, for programs"]],
    load: async () => (await import("../commands/runs.ts")).runs,
  },
  {
    name: "show",
    summary: "Show one run with every step's status, time, attempts and reason, or one step with what it tells to mind",
    args: "[run] [step]",
    options: [{ flags: "--prompt", description: "what the step's agent was told, word for word" }],
    examples: [
      ["heddle show", "the latest run"],
      ["heddle show 7k3m --json", "as one JSON document"],
      ["heddle show 7k3m api", "one step: what its attempts left, and what was left out of it"],
      ["heddle show 7k3m api --prompt", "the prompts of the latest attempt of an agent's step"],
    ],
    load: async () => (await import("../commands/show.ts")).show,
  },
  {
    name: "watch",
    summary: "Follow a run that goes on in another process",
    args: "[run]",
    options: [
      {
        flags: "--output <mode>",
        description: "as for run",
        choices: ["grouped", "stream", "errors", "quiet"],
      },
    ],
    examples: [["heddle watch", "the latest run, until it ends"]],
    load: async () => (await import("../commands/watch.ts")).watch,
  },
  {
    name: "logs",
    summary: "Show the log of a step, or of all steps of a run",
    args: "[run] [step]",
    options: [
      { flags: "-f, --follow", description: "go on as the log grows, until the step ends" },
      { flags: "--attempt <n>", description: "of this attempt (default: the latest)", parse: wholeNumber },
    ],
    examples: [
      ["heddle logs build", "the step build of the latest run"],
      ["heddle logs 7k3m build --attempt 1", "its first attempt in run 7k3m"],
      ["heddle logs build -f", "follows it"],
    ],
    load: async () => (await import("../commands/logs.ts")).logs,
  },
  {
    name: "history",
    summary: "Show the recorded events of a run",
    args: "[run]",
    options: [
      { flags: "--canonical", description: "ordered by the plan, without times: equal for runs that end alike" },
      { flags: "--since <seq>", description: "only events after this number", parse: wholeNumber },
      { flags: "--step <id>", description: "only events of this step" },
    ],
    examples: [
      ["heddle history --step build", "what happened to one step"],
      ["heddle history --canonical > before.txt", "to compare two runs of one plan"],
    ],
    load: async () => (await import("../commands/history.ts")).history,
  },
  {
    name: "replay",
    summary: "Rebuild a run from its history and check every rule",
    args: "[run]",
    options: [{ flags: "--at <seq>", description: "the state after this event", parse: wholeNumber }],
    examples: [
      ["heddle replay", "checks the latest run"],
      ["heddle replay 7k3m --at 12", "the state after event 12"],
    ],
    load: async () => (await import("../commands/replay.ts")).replay,
  },
  {
    name: "report",
    summary: "Sum a run up: speed-up, critical path, utilisation",
    args: "[run]",
    options: [
      { flags: "--html", description: "one self-contained page with graph and timeline" },
      { flags: "--trace", description: "a trace for chrome://tracing or Perfetto" },
      { flags: "--mermaid", description: "a Mermaid flowchart coloured by status" },
      { flags: "-o, --out <file>", description: "write to a file instead of standard output" },
    ],
    examples: [
      ["heddle report", "the latest run, as text"],
      ["heddle report --html -o report.html", "a page to keep or to send"],
      ["heddle report --trace > trace.json", "for Perfetto"],
    ],
    load: async () => (await import("../commands/report.ts")).report,
  },
];
