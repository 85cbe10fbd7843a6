/** Why a row misses its bar, for the page; printed only where it does. */
export const REASONS: Readonly<Record<string, string>> = {
  one:
    "of the time over Node's own start, about half loads code (plan schema, YAML, journal, engine), a quarter waits for six synced " +
    "commits (lease, beginning, end, durations, release, closing the log), the rest starts the helper shell and the command.",
  looking:
    "`plan` loads YAML, the plan's schema and the journal (recorded durations weigh the critical path), `show` the journal and the " +
    "fold over a history; both pay for loading code, not for work.",
  hundred:
    "every end is one synced commit before the next command starts; make records nothing. The share of the commits grows with a slow disk.",
  many: "one synced commit for every command, before the next one may start; make records nothing.",
  sleeps: "what is over the bound is the start of the process and one commit for each step on the longest path.",
  trap: "what is over the bound is the start of the process and one commit for each link of the chain of 12.",
  journalled:
    "one thread makes, checks, folds, sums and binds two events for each step beside running it; the raw rate binds texts and does nothing " +
    "else. The journal alone keeps up with the raw rate; the engine's own work for a step is what is missing.",
  memory:
    "the loop awaits a function and counts down; the engine makes two events for each step, checks each against every rule of a history, " +
    "folds it and keeps it, and hands the attempt through workspace, runner and outcome, all of which may wait. None of that is given up for speed.",
};
