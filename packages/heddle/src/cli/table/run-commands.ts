/** Commands that execute steps or speak to the engine that does. */
import type { CommandSpec, OptionSpec } from "../spec.ts";
import { duration, parameter, positiveInteger } from "../flag-values.ts";

export const CONCURRENCY: readonly OptionSpec[] = [
  {
    flags: "-j, --max-concurrency <n>",
    description: "steps at once (default: the plan's, else the number of cores)",
    parse: positiveInteger,
  },
  { flags: "--max-workers <n>", description: "the same as --max-concurrency", parse: positiveInteger, hidden: true },
];

const SHOWING: readonly OptionSpec[] = [
  {
    flags: "--output <mode>",
    description:
      "grouped: a step's output when it ends; stream: as it comes; errors: of failed steps only; quiet: nothing",
    choices: ["grouped", "stream", "errors", "quiet"],
  },
  { flags: "--wait", description: "wait for people's answers instead of ending with exit code 3" },
];

export const RUNNING: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "Run a plan, as parallel as its dependencies allow",
    args: "[file]",
    options: [
      ...CONCURRENCY,
      { flags: "--sequential", description: "one step at a time, in the order of the plan" },
      { flags: "--parallel", description: "in parallel (the default)" },
      {
        flags: "--schedule <mode>",
        description: "ready: a step starts when its deps ended; layers: layer by layer",
        choices: ["ready", "layers"],
      },
      { flags: "--fail-fast", description: "the first failure ends the run" },
      { flags: "--keep-going", description: "after a failure, run all that does not depend on it" },
      {
        flags: "--param <name=value>",
        description: "a parameter of the plan; may be given several times",
        parse: parameter,
      },
      {
        flags: "--only <ids...>",
        description: "only these steps; what they depend on is taken from the plan's latest runs",
      },
      {
        flags: "--from <id>",
        description: "this step and what comes behind it; the rest is taken from the plan's latest run",
      },
      { flags: "--dry-run", description: "show what would run, execute nothing" },
      { flags: "--interactive", description: "ask before each layer" },
      ...SHOWING,
      { flags: "--timeout <duration>", description: "end the run after so long", parse: duration },
      {
        flags: "--rollback <mode>",
        description: "after a failure, undo what succeeded",
        choices: ["none", "dependents", "all"],
      },
    ],
    examples: [
      ["heddle run", "runs heddle.yaml of this folder"],
      ["heddle run release.yaml -j 8 --param env=production", "another plan, eight steps at once, with a parameter"],
      ["heddle run --keep-going --output errors", "goes on after failures, shows the output of failed steps only"],
      ["heddle run --only lint test", "two steps, on what the latest run recorded of their deps"],
      ["heddle run --json > events.jsonl", "one event a line, as they happen"],
    ],
    load: async () => (await import("../commands/run.ts")).run,
  },
  {
    name: "resume",
    summary: "Go on with a run that failed, was cancelled or interrupted",
    args: "[run]",
    options: [
      ...CONCURRENCY,
      { flags: "--accept-changes", description: "run again what succeeded and has another definition now" },
      ...SHOWING,
    ],
    examples: [
      ["heddle resume", "goes on with the latest run"],
      ["heddle resume 7k3m --accept-changes", "by the beginning of its id, with the plan as it is now"],
    ],
    load: async () => (await import("../commands/resume.ts")).resume,
  },
  {
    name: "retry",
    summary: "Run the failed parts of a run again",
    args: "[run]",
    options: [
      ...CONCURRENCY,
      { flags: "--accept-changes", description: "run again what has another definition now" },
      ...SHOWING,
    ],
    examples: [["heddle retry", "the failed parts of the latest run"]],
    load: async () => (await import("../commands/resume.ts")).retry,
  },
  {
    name: "rerun",
    summary: "Run a step and what comes behind it again, in a new run that reuses the rest",
    args: "[run]",
    options: [{ flags: "--from <id>", description: "the step to begin with (required)" }, ...CONCURRENCY, ...SHOWING],
    examples: [
      ["heddle rerun 7k3m --from build", "build and what depends on it; other successes of run 7k3m are reused"],
    ],
    load: async () => (await import("../commands/rerun.ts")).rerun,
  },
  {
    name: "rollback",
    summary: "Undo the succeeded steps of a run that has ended",
    args: "[run]",
    options: SHOWING.slice(0, 1),
    examples: [["heddle rollback", "runs the `undo` commands of the latest run, newest success first"]],
    load: async () => (await import("../commands/resume.ts")).rollback,
  },
  {
    name: "cancel",
    summary: "End a run that goes on in another process; it can be resumed",
    args: "[run]",
    examples: [["heddle cancel", "the latest run"]],
    load: async () => (await import("../commands/control.ts")).cancel,
  },
  {
    name: "pause",
    summary: "Let no further step of a run start",
    args: "[run]",
    options: [{ flags: "--reason <text>", description: "shown to whoever looks at the run" }],
    examples: [["heddle pause --reason 'database is busy'", "running steps go on, no new one starts"]],
    load: async () => (await import("../commands/control.ts")).pause,
  },
  {
    name: "unpause",
    summary: "Let steps of a paused run start again",
    args: "[run]",
    examples: [["heddle unpause", "the latest run"]],
    load: async () => (await import("../commands/control.ts")).unpause,
  },
  {
    name: "approve",
    summary: "Answer yes to a step that waits for a person",
    args: "[run] [step]",
    options: [{ flags: "--comment <text>", description: "kept with the answer" }],
    examples: [["heddle approve 7k3m sign-off --comment 'looks good'", "the step sign-off of run 7k3m"]],
    load: async () => (await import("../commands/control.ts")).approve,
  },
  {
    name: "reject",
    summary: "Answer no to a step that waits for a person",
    args: "[run] [step]",
    options: [{ flags: "--comment <text>", description: "kept with the answer" }],
    examples: [["heddle reject 7k3m sign-off --comment 'tests are missing'", "the step fails"]],
    load: async () => (await import("../commands/control.ts")).reject,
  },
  {
    name: "resolve",
    summary: "Settle an agent's work that conflicts with what was merged",
    args: "[run] [step]",
    options: [
      { flags: "--ours", description: "where they conflict, what was merged stays" },
      { flags: "--theirs", description: "where they conflict, the step's work counts" },
      { flags: "--continue", description: "take the step's worktree as it is now: you mended it" },
      { flags: "--comment <text>", description: "kept with the answer" },
    ],
    examples: [
      ["heddle resolve 7k3m api", "which files conflict, and where"],
      ["heddle resolve 7k3m api --continue", "after the files were edited in that worktree"],
    ],
    load: async () => (await import("../commands/resolve.ts")).resolve,
  },
  {
    name: "merge",
    summary: "Bring what agents of a run merged to your branch",
    args: "[run]",
    options: [
      { flags: "--ff", description: "only by moving your branch forward" },
      { flags: "--branch <name>", description: "as a branch of this name; your checkout is not touched" },
      { flags: "--partial", description: "what is merged so far, of a run that goes on" },
      {
        flags: "--revert <step>",
        description: "bring nothing: take that step's work back out of the run's own branch",
      },
    ],
    examples: [
      ["heddle merge", "the latest run, into the branch that it began on; nothing is pushed"],
      ["heddle merge 7k3m --branch feature", "as the branch feature"],
      ["heddle merge 7k3m --revert api", "undo what api did; `heddle merge 7k3m` then brings that to your branch too"],
    ],
    load: async () => (await import("../commands/merge.ts")).merge,
  },
];
