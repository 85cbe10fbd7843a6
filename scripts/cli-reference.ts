/** Writes docs/reference/cli.md from the commands' own declarations: the same text that `--help` is made of. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { CommandSpec } from "../packages/heddle/src/cli/spec.ts";
import { GROUPS } from "../packages/heddle/src/cli/table/all.ts";
import { DEFAULT_COMMAND } from "../packages/heddle/src/cli/table/default-command.ts";

const HEAD = `# The command line

<!-- Written by scripts/cli-reference.ts from the commands' own declarations. -->

\`heddle [command] [options]\`. \`RUN\` is the id of a run, or the beginning of one; without it, the latest run is meant.

Options for every command: \`--json\` prints JSON · \`-C, --dir DIR\` works in this folder instead of the current one ·
\`--debug\` shows causes and stack traces of errors · \`-h, --help\` shows options and examples of a command · \`-v, --version\`.

| exit code | meaning |
|---|---|
| 0 | succeeded |
| 1 | the run or a step failed |
| 2 | the command line or the plan is wrong; nothing was executed |
| 3 | the run waits for a person's answer or for a signal |
| 130 | cancelled |

\`NO_COLOR\`, \`FORCE_COLOR\` and \`CI\` are respected. On a terminal a run is shown live; otherwise each change is one line.
Output of steps cannot move the cursor or rewrite the screen. Where heddle's own output has colours, commands of steps get \`FORCE_COLOR=1\`,
unless \`FORCE_COLOR\` or \`NO_COLOR\` is set around heddle or in the plan (\`env: { FORCE_COLOR: "0" }\`).
`;

const TAIL = `
## JSON
One JSON document, except for commands that print one event per line: \`run\`, \`resume\`, \`retry\`, \`rerun\`, \`rollback\`, \`watch\` and
\`history\`. Where they have nothing to do, they print the event that ended the run. Later versions may add fields, but remove none. An error is a document too, on standard output: \`{error: {code, message, hint?}}\`, with the same text on standard error.

| command | shape |
|---|---|
| \`plan\` | \`{name, steps: [{id, description?, deps, after, layer, kind, group?, resources?, locks?}], layers: [[id]], maxParallelism, criticalPath: [id], criticalPathMs, expectedMakespanMs, workers, warnings: [{code, severity, message, file, line, column, hint?}]}\`; a plan with errors: \`{diagnostics: [{code, severity, message, file, line, column, hint?}]}\` and exit code 2 |
| \`plan --to yaml\` | \`{document, warnings}\`: the plan in its canonical form |
| \`run\`, \`history\` | \`{run, seq, time, type, step?, attempt?, data}\` per line; [events](events.md) |
| \`show\` | \`{run, plan, status, startedAt, endedAt, counts, byStatus, steps: [{id, status, layer, attempts, startedAt, endedAt, durationMs, queuedMs?, output?, error?, reason?, cause?, why, reasons, usage?, log}], sequentialMs, parallelMs, speedup, criticalPathMs, cost, turnsWithoutCost, landing: {mode, integration, commits, branch?, commit?, problem?} or null, changedBySeveral: {count, files: [{file, steps, count}]}}\` |
| \`runs\` | \`{runs: [{run, plan, status, startedAt, endedAt, counts}]}\`, newest first |
| \`replay\` | \`{run, seq, ok, violations: [{rule, seq, message}], state}\` |
| \`report\` | \`{run, plan, status, startedAt, endedAt, counts, attempts, sequentialMs, parallelMs, speedup, criticalPath: [id], criticalPathMs, slots, utilisation, slowest: [{step, durationMs}], cost, turnsWithoutCost}\`; with \`-o FILE\`: \`{file}\` |
| \`merge\` | \`{run, mode, integration, commits, branch?, commit?}\`: the number of merged steps, and where they landed; with \`--revert\`: \`{run, step, integration, commit, files, verified?, builders?}\`, the commit that reverts it, the files that it changes, whether checks passed on it, and the steps built on it |

\`byStatus\` counts the steps by each status of a step. \`reasons\` says why a step does not go on now; it is empty where the step is at work or
has ended. A reason is \`{kind, steps?, resource?, lock?, run?, signal?, until?, have?, want?, of?}\`; \`steps\` names at most 20, \`until\` is a
time, and \`why\` is the same as a sentence.

| kind | what the step waits for |
|---|---|
| \`deps\` | \`steps\` that it comes after; \`have\` of \`want\` have ended |
| \`layer\` | the layer \`have\`, which comes before its own, \`want\` (\`schedule: layers\`) |
| \`slot\`, \`agent-slot\` | one of the \`of\` slots of the run, of the container in \`steps\`, or of the provider in \`resource\` |
| \`pool\` | \`want\` units of the pool \`resource\`; \`have\` of \`of\` are free |
| \`lock\`, \`foreign-lock\` | \`lock\`, which another step of the run has; a lock that the run \`run\` has |
| \`group\`, \`writes\` | its turn in the worktree of the group \`resource\`; the step in \`steps\`, which may write the same files |
| \`worktree\`, \`rate-limit\` | a worktree, where all are in use; the provider \`resource\`, which takes no requests |
| \`memory\`, \`cpu\` | the machine, which has had too little for some seconds: \`used\` MB or percent are in use, \`limit\` may be |
| \`retry-delay\`, \`timer\` | the time \`until\` |
| \`person\`, \`signal\` | an answer; the signal \`signal\`. \`until\`: the time for it is over then |
| \`condition\`, \`turn\` | nothing that is known: its engine looks at its condition, or starts it as soon as it can |
| \`paused\`, \`ending\`, \`resume\` | the run, which is paused, is ending early or being undone, or which nobody works on |

Status of a step: \`waiting\`, \`running\`, \`retrying\`, \`succeeded\`, \`failed\`, \`cancelled\`, \`skipped\`, \`cached\`,
\`needs-approval\`, \`needs-resolution\`, \`interrupted\`. Status of a run: \`running\`, \`paused\`, \`waiting\`, \`succeeded\`, \`failed\`,
\`cancelled\`, \`interrupted\`.
`;

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function section(spec: CommandSpec): string {
  const shown = (spec.options ?? []).filter((option) => option.hidden !== true);
  const usage = ["heddle", spec.name, spec.args].filter((part) => part !== undefined && part !== "").join(" ");
  const lines = [`\n### ${usage}`, "", `${spec.summary}.`];
  if (spec.aliases !== undefined)
    lines.push("", `Also: ${spec.aliases.map((word) => `\`heddle ${word}\``).join(", ")}.`);
  if (shown.length > 0) {
    lines.push("", "| option | meaning |", "|---|---|");
    for (const { flags, description, choices } of shown) {
      const of = choices === undefined ? "" : ` (${choices.join(", ")})`;
      lines.push(`| \`${cell(flags)}\` | ${cell(description)}${of} |`);
    }
  }
  lines.push("", ...spec.examples.map(([command, meaning]) => `- \`${command}\`: ${meaning}`), "");
  return lines.join("\n");
}

/** The whole page. */
export async function cliReference(): Promise<string> {
  const groups = GROUPS.map(({ title, commands }) => `\n## ${title}\n${commands.map(section).join("")}`);
  return `${HEAD}${section(DEFAULT_COMMAND)}${groups.join("")}${TAIL}`;
}

const page = path.resolve(import.meta.dirname, "../docs/reference/cli.md");
if (process.argv[1] === import.meta.filename) await writeFile(page, await cliReference());
