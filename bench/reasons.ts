/**
 * What a row that misses its bar spends its time on, for the page; printed only where it misses. From profiles and traces of
 * system calls; how much each part weighs was not measured.
 */
export const REASONS: Readonly<Record<string, string>> = {
  one:
    "beside Node's own start: loading code (plan schema, YAML, journal, engine), ten syncs of the disk from opening the journal to " +
    "closing it, and the start of the helper shell with its command.",
  looking:
    "`plan` loads YAML, the plan's schema and the journal (recorded durations weigh the critical path), `show` the journal and the " +
    "fold over a history; both spend their time on loading code.",
  hundred: "nearly every end is one synced commit before the next command starts; make records nothing.",
  many: "nearly every end is one synced commit before the next command starts: most of the profile; make records nothing.",
  sleeps: "over the bound are the start of the process and one commit for each step on the longest path.",
  trap: "over the bound are the start of the process and one commit for each link of the chain of 12.",
  journalled:
    "one thread makes, checks, folds, sums and binds two events for each step beside running it; the raw rate binds one text a row and " +
    "does nothing else.",
  memory:
    "the loop awaits a function and counts down; the engine makes two events for each step, checks each against every rule of a history, " +
    "folds it and keeps it, and hands the attempt through workspace, runner and outcome, all of which may wait.",
};
