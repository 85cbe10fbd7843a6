/** Declarations of the commands for the project: start, health, disk space, shell. */
import type { CommandSpec } from "../spec.ts";
import { RESTING_STATES } from "../../plan/import/states.ts";
import { parseChoiceList, parseWholeNumber } from "../flag-values.ts";

export const PROJECT_COMMANDS: readonly CommandSpec[] = [
  {
    name: "init",
    summary: "Write a commented example heddle.yaml, and have git ignore what heddle records",
    examples: [["heddle init", "creates heddle.yaml in this folder"]],
    load: async () => (await import("../commands/init.ts")).initCommand,
  },
  {
    name: "import",
    summary: "Convert a file of another tool to a plan, and say what was not taken over",
    args: "<file>",
    options: [
      { flags: "--tag <name>", description: "import the tasks of this tag" },
      {
        flags: "--include <status>",
        description: `import tasks of this status as work (repeatable): ${RESTING_STATES.join(", ")}`,
        parse: parseChoiceList(RESTING_STATES),
      },
      { flags: "--lenient", description: "import without what cannot be taken over, with a note instead of an error" },
      { flags: "-o, --out <file>", description: "write the plan to a new file instead of standard output" },
    ],
    examples: [
      ["heddle import .taskmaster/tasks/tasks.json -o heddle.yaml", "converts a list of tasks"],
      ["heddle import tasks.json --tag payments", "imports the tasks of one tag"],
      ["heddle import turbo.json", "converts the tasks of a workspace's packages"],
      ["heddle import .github/workflows/ci.yml", "converts the jobs of a workflow"],
    ],
    load: async () => (await import("../commands/import.ts")).importCommand,
  },
  {
    name: "doctor",
    summary: "Check Node, git, agents, the disk, the journal, and what dead runs left behind",
    options: [{ flags: "--fix", description: "fix what can be fixed without losing anything" }],
    examples: [["heddle doctor --fix", "also removes files without a run"]],
    load: async () => (await import("../commands/doctor.ts")).doctorCommand,
  },
  {
    name: "gc",
    summary: "Remove old runs with their logs, and their branches and refs in git once their work has landed",
    options: [
      { flags: "--unlanded", description: "also remove runs whose agents' work has not landed; that work is lost" },
      { flags: "--keep-days <n>", description: "keep runs younger than this (default: 30)", parse: parseWholeNumber },
      { flags: "--dry-run", description: "show what would be removed" },
    ],
    examples: [["heddle gc --keep-days 7 --dry-run", "shows what is older than a week"]],
    load: async () => (await import("../commands/gc.ts")).gcCommand,
  },
  {
    name: "worktrees",
    summary: "List the worktrees of agents, or remove those not needed any more",
    args: "[action] [run] [step]",
    options: [{ flags: "--dry-run", description: "with clean: show what would be removed" }],
    examples: [
      ["heddle worktrees", "lists all worktrees of this repository, with sizes"],
      ["heddle worktrees clean", "removes worktrees whose work is captured and whose run has ended"],
      ["cd $(heddle worktrees open api)", "goes to the worktree of the step api in the latest run"],
      ["cd $(heddle worktrees open 4f2a api)", "the same for run 4f2a"],
    ],
    load: async () => (await import("../commands/worktrees.ts")).worktreesCommand,
  },
  {
    name: "backup",
    summary: "Copy the journal; also works while runs are active",
    args: "<file>",
    examples: [["heddle backup ../heddle-backup.db", "one file with every run's history"]],
    load: async () => (await import("../commands/backup.ts")).backupCommand,
  },
];
