/** Declarations of the commands that run steps, or send requests to the process that does. */
import type { CommandSpec, OptionSpec } from "../spec.ts";
import { parseDurationFlag, parseOneStep, parseParameter, parsePositiveInteger } from "../flag-values.ts";

export const CONCURRENCY_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "-j, --max-concurrency <n>",
    description: "steps at once (default: the plan's, else the number of cores)",
    parse: parsePositiveInteger,
  },
  { flags: "--max-workers <n>", description: "same as --max-concurrency", parse: parsePositiveInteger, hidden: true },
];

export const BELL_OPTION: OptionSpec = {
  flags: "--bell",
  description: "ring the terminal's bell when a person is asked",
};

const OUTPUT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--output <mode>",
    description:
      "output of steps. grouped: when a step ends; stream: at once; errors: only of failed steps; quiet: none; github: grouped, with workflow commands and a job summary (the default in GitHub Actions)",
    choices: ["grouped", "stream", "errors", "quiet", "github"],
  },
  { flags: "--wait", description: "wait for answers of people and for signals instead of ending with exit code 3" },
  BELL_OPTION,
];

export const RUN_COMMANDS: readonly CommandSpec[] = [
  {
    name: "run",
    summary: "Run a plan: its steps in parallel, as their dependencies allow",
    args: "[file]",
    options: [
      ...CONCURRENCY_OPTIONS,
      { flags: "--sequential", description: "run one step at a time, in the order of the plan" },
      { flags: "--parallel", description: "run steps in parallel (the default)" },
      {
        flags: "--schedule <mode>",
        description: "ready: a step starts when its deps have succeeded; layers: layer by layer",
        choices: ["ready", "layers"],
      },
      { flags: "--fail-fast", description: "end the run at the first failure" },
      { flags: "--keep-going", description: "after a failure, run everything that does not depend on it" },
      {
        flags: "--param <name=value>",
        description: "set a parameter of the plan; can be repeated",
        parse: parseParameter,
      },
      {
        flags: "--only <ids...>",
        description: "run only these steps; results of their dependencies are reused from the plan's latest runs",
      },
      {
        flags: "--from <id>",
        description:
          "run this step and everything that depends on it; other results are reused from the plan's latest run",
        parse: parseOneStep,
      },
      { flags: "--dry-run", description: "show what would run; run nothing" },
      { flags: "--interactive", description: "ask before each layer" },
      ...OUTPUT_OPTIONS,
      { flags: "--timeout <duration>", description: "end the run after this time", parse: parseDurationFlag },
      {
        flags: "--rollback <mode>",
        description: "after a failure, undo succeeded steps",
        choices: ["none", "dependents", "all"],
      },
    ],
    examples: [
      ["heddle run", "runs heddle.yaml in this folder"],
      [
        "heddle run release.yaml -j 8 --param env=production",
        "runs another plan, eight steps at once, with a parameter",
      ],
      ["heddle run --keep-going --output errors", "continues after failures and shows only the output of failed steps"],
      ["heddle run --only lint test", "runs two steps with the recorded results of their deps"],
      ["heddle run --json > events.jsonl", "prints each event as one line of JSON"],
    ],
    load: async () => (await import("../commands/run.ts")).runCommand,
  },
  {
    name: "resume",
    summary: "Continue a run that failed, was cancelled or interrupted",
    args: "[run]",
    options: [
      ...CONCURRENCY_OPTIONS,
      { flags: "--accept-changes", description: "also run succeeded steps again whose definition has changed" },
      ...OUTPUT_OPTIONS,
    ],
    examples: [
      [
        "heddle resume -j 4",
        "continues the latest run with four steps at once, also where it began with `--sequential`",
      ],
      ["heddle resume", "continues the latest run"],
      ["heddle resume 7k3m --accept-changes", "continues run 7k3m... with the changed plan"],
    ],
    load: async () => (await import("../commands/resume.ts")).resumeCommand,
  },
  {
    name: "retry",
    summary: "Run the failed steps of a run again, and steps that are named",
    args: "[run] [step...]",
    options: [
      { flags: "--alone", description: "not what depends on the named steps and has succeeded" },
      {
        flags: "--param <name=value>",
        description: "another value for a parameter of the plan; can be repeated",
        parse: parseParameter,
      },
      ...CONCURRENCY_OPTIONS,
      { flags: "--accept-changes", description: "also run succeeded steps again whose definition has changed" },
      ...OUTPUT_OPTIONS,
    ],
    examples: [
      ["heddle retry", "runs the failed steps of the latest run again"],
      [
        "heddle retry 7k3m build",
        "runs build of run 7k3m again, although it succeeded, and everything that depends on it",
      ],
      ["heddle retry --param env=staging", "runs the failed steps again with another value"],
    ],
    load: async () => (await import("../commands/resume.ts")).retryCommand,
  },
  {
    name: "rerun",
    summary: "Run a step and everything that depends on it again, in a new run that reuses the other results",
    args: "[run]",
    options: [
      { flags: "--from <id>", description: "the step to start from (required)", parse: parseOneStep },
      ...CONCURRENCY_OPTIONS,
      ...OUTPUT_OPTIONS,
    ],
    examples: [
      [
        "heddle rerun 7k3m --from build",
        "runs build and everything that depends on it; other results of run 7k3m are reused",
      ],
    ],
    load: async () => (await import("../commands/rerun.ts")).rerunCommand,
  },
  {
    name: "rollback",
    summary: "Undo the succeeded steps of a run that has ended",
    args: "[run]",
    options: OUTPUT_OPTIONS.slice(0, 1),
    examples: [["heddle rollback", "runs the `undo` commands of the latest run, the newest success first"]],
    load: async () => (await import("../commands/resume.ts")).rollbackCommand,
  },
  {
    name: "cancel",
    aliases: ["stop", "kill"],
    summary: "Cancel a run in another process; it can be resumed",
    args: "[run]",
    examples: [["heddle cancel", "cancels the latest run"]],
    load: async () => (await import("../commands/control.ts")).cancelCommand,
  },
  {
    name: "pause",
    summary: "Pause a run: running steps continue, no new step starts",
    args: "[run]",
    options: [{ flags: "--reason <text>", description: "the reason, shown with the run" }],
    examples: [["heddle pause --reason 'database is busy'", "pauses the latest run"]],
    load: async () => (await import("../commands/control.ts")).pauseCommand,
  },
  {
    name: "unpause",
    summary: "Continue a paused run",
    args: "[run]",
    examples: [["heddle unpause", "continues the latest run"]],
    load: async () => (await import("../commands/control.ts")).unpauseCommand,
  },
  {
    name: "concurrency",
    summary: "Set how many steps of a run in another process may be at work at once; those that are stay so",
    args: "[run] [steps]",
    examples: [
      ["heddle concurrency 8", "from now on the latest run starts steps as long as fewer than 8 are at work"],
      ["heddle concurrency 7k3m 1", "run 7k3m goes on with one step at a time"],
    ],
    load: async () => (await import("../commands/control.ts")).concurrencyCommand,
  },
  {
    name: "approve",
    summary: "Approve a step that is waiting for a person, or answer an agent's question",
    args: "[run] [step]",
    options: [{ flags: "--comment <text>", description: "recorded with the answer" }],
    examples: [["heddle approve 7k3m sign-off --comment 'looks good'", "approves the step sign-off of run 7k3m"]],
    load: async () => (await import("../commands/control.ts")).approveCommand,
  },
  {
    name: "reject",
    summary: "Reject a step that is waiting for a person; the step fails",
    args: "[run] [step]",
    options: [{ flags: "--comment <text>", description: "recorded with the answer" }],
    examples: [["heddle reject 7k3m sign-off --comment 'tests are missing'", "rejects the step sign-off of run 7k3m"]],
    load: async () => (await import("../commands/control.ts")).rejectCommand,
  },
  {
    name: "signal",
    summary: "Send a signal to the step of a run that waits for it, now or later",
    args: "<run> <name> [json]",
    examples: [
      ["heddle signal 7k3m payment-received", "the step with `signal: payment-received` continues; its output is null"],
      [`heddle signal 7k3m payment-received '{"amount": 42}'`, "the step's output is the JSON value"],
    ],
    load: async () => (await import("../commands/signal.ts")).signalCommand,
  },
  {
    name: "resolve",
    summary: "Resolve a conflict of an agent's work with merged work",
    args: "[run] [step]",
    options: [
      { flags: "--ours", description: "keep the merged side of each conflict" },
      { flags: "--theirs", description: "keep the step's side of each conflict" },
      { flags: "--continue", description: "use the step's worktree as it is now, with your edits" },
      { flags: "--comment <text>", description: "recorded with the answer" },
    ],
    examples: [
      ["heddle resolve 7k3m api", "shows which files conflict, and the worktree"],
      ["heddle resolve 7k3m api --continue", "uses your edits in that worktree"],
    ],
    load: async () => (await import("../commands/resolve.ts")).resolveCommand,
  },
  {
    name: "merge",
    summary: "Land the merged work of a run's agents on your branch",
    args: "[run]",
    options: [
      { flags: "--ff", description: "only fast-forward your branch" },
      { flags: "--branch <name>", description: "land on a branch of this name; your checkout is not touched" },
      { flags: "--partial", description: "land what has been merged so far, although the run has not ended" },
      {
        flags: "--revert <step>",
        description: "land nothing; revert that step's work on the run's integration branch",
      },
    ],
    examples: [
      ["heddle merge", "lands the latest run on the branch that it began on; nothing is pushed"],
      ["heddle merge 7k3m --branch feature", "lands on the branch feature"],
      ["heddle merge 7k3m --revert api", "reverts the work of api; `heddle merge 7k3m` then updates your branch"],
    ],
    load: async () => (await import("../commands/merge.ts")).mergeCommand,
  },
];
