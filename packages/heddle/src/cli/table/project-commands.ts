/** Commands around the project: beginning, health, room on the disk, the shell. */
import type { CommandSpec } from "../spec.ts";
import { wholeNumber } from "../flag-values.ts";

export const KEEPING: readonly CommandSpec[] = [
  {
    name: "init",
    summary: "Write a commented heddle.yaml and ignore .heddle/ in git",
    examples: [["heddle init", "in the folder of a project"]],
    load: async () => (await import("../commands/init.ts")).init,
  },
  {
    name: "import",
    summary: "Turn a plan in another form into a heddle plan, on standard output",
    args: "<file>",
    examples: [["heddle import tasks.json > heddle.yaml", "reads the file, executes nothing of it"]],
    load: async () => (await import("../commands/import.ts")).importPlan,
  },
  {
    name: "doctor",
    summary: "Check Node, git, the disk, the journal and what dead runs left behind",
    options: [{ flags: "--fix", description: "mend what can be mended without losing anything" }],
    examples: [["heddle doctor --fix", "also removes files that belong to no run"]],
    load: async () => (await import("../commands/doctor.ts")).doctor,
  },
  {
    name: "gc",
    summary: "Remove old runs with their logs, and what agents left of them in git once it has landed",
    options: [
      { flags: "--unlanded", description: "also runs whose agents' work is on no branch of yours: it is lost" },
      { flags: "--keep-days <n>", description: "keep runs younger than this (default: 30)", parse: wholeNumber },
      { flags: "--dry-run", description: "say what would go, remove nothing" },
    ],
    examples: [["heddle gc --keep-days 7 --dry-run", "what is older than a week"]],
    load: async () => (await import("../commands/gc.ts")).gc,
  },
  {
    name: "worktrees",
    summary: "List the worktrees of agents with their sizes, or remove what is done with",
    args: "[action] [run] [step]",
    options: [{ flags: "--dry-run", description: "with clean: say what would go, remove nothing" }],
    examples: [
      ["heddle worktrees", "all of this repository"],
      ["heddle worktrees clean", "those whose work is kept elsewhere and whose run has ended"],
      ["cd $(heddle worktrees open api)", "where the step api of the latest run works"],
      ["cd $(heddle worktrees open 4f2a api)", "the same of another run"],
    ],
    load: async () => (await import("../commands/worktrees.ts")).worktrees,
  },
  {
    name: "backup",
    summary: "Copy the journal, consistently, also while runs go on",
    args: "<file>",
    examples: [["heddle backup ../heddle-backup.db", "one file with every run's history"]],
    load: async () => (await import("../commands/backup.ts")).backup,
  },
];
