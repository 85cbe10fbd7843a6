/**
 * Doctor's checks of a project: its journal, interrupted runs, histories that break a rule, folders of runs that nobody
 * knows. Removes the last on request.
 */
import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isRunId } from "../base/ids.ts";
import { plural } from "../base/plural.ts";
import { MOST_NOTICES, type EventLog, type Maintenance, type Outbox } from "../journal/port.ts";
import { Replay } from "../view/history.ts";
import { runLine } from "../view/list.ts";
import type { DoctorFinding } from "./finding.ts";
import type { ProjectLayout } from "./layout.ts";

export interface ExaminePorts {
  readonly layout: ProjectLayout;
  readonly journal: Pick<EventLog, "runs" | "read"> & Pick<Outbox, "notices"> & Pick<Maintenance, "check">;
}

export async function examineProject(
  { layout, journal }: ExaminePorts,
  { fix }: { readonly fix: boolean },
): Promise<readonly DoctorFinding[]> {
  return [
    ...(await checkJournal(journal)),
    ...(await checkRuns(journal)),
    ...(await checkHistories(journal)),
    ...(await checkNotices(journal)),
    ...(await checkFiles(journal, layout.runsDir, fix)),
  ];
}

async function checkJournal(journal: ExaminePorts["journal"]): Promise<readonly DoctorFinding[]> {
  const { ok, events, problems } = await journal.check();
  if (ok) return [{ check: "journal", level: "ok", message: `${plural(events, "event")}, all checksums match` }];
  return problems.slice(0, 20).map(({ message, hint }) => ({
    check: "journal",
    level: "error" as const,
    message,
    hint: hint ?? "Restore a copy made by `heddle backup`, or move .heddle away.",
  }));
}

async function checkRuns(journal: ExaminePorts["journal"]): Promise<readonly DoctorFinding[]> {
  const interrupted = (await journal.runs()).map(runLine).filter((line) => line.status === "interrupted");
  if (interrupted.length === 0) return [{ check: "runs", level: "ok", message: "no run was interrupted" }];
  return interrupted.slice(0, 10).map(({ run, plan }) => ({
    check: "runs",
    level: "warning" as const,
    message: `run ${run} of ${plan} was interrupted`,
    hint: `Continue with \`heddle resume ${run}\`. It first ends processes that are left over.`,
  }));
}

/** Whether what is recorded keeps the rules of every run: one line for each run that does not. */
async function checkHistories(journal: ExaminePorts["journal"]): Promise<readonly DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  let runs = 0;
  for (const { run } of await journal.runs()) {
    const replay = new Replay();
    try {
      for await (const batch of journal.read(run)) for (const event of batch) replay.add(event);
    } catch {
      // The check of the journal reports what cannot be read.
      continue;
    }
    runs++;
    const [first, ...others] = replay.violations;
    if (first === undefined) continue;
    const more = others.length === 0 ? "" : `, and ${plural(others.length, "more rule")} at later events`;
    findings.push({
      check: "history",
      level: "error",
      message: `run ${run} breaks ${first.rule} at event ${first.seq}: ${first.message}${more}`,
      hint: `\`heddle replay ${run}\` shows details. Do not use its results; start over with \`heddle run\`.`,
    });
  }
  if (findings.length > 0) return findings.slice(0, 20);
  return [{ check: "history", level: "ok", message: `${plural(runs, "run")}, all rules hold` }];
}

/** Nothing is said of notices that were sent. */
async function checkNotices(journal: ExaminePorts["journal"]): Promise<readonly DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  const find = async (state: "failed" | "pending", message: string, hint: string): Promise<void> => {
    const [last, ...others] = await journal.notices({ limit: MOST_NOTICES, state });
    if (last === undefined) return;
    const why = last.why === undefined ? "" : ` (${last.why})`;
    const count = plural(others.length + 1, "notice");
    findings.push({
      check: "notices",
      level: "warning",
      message: `${count} ${message}, the last of run ${last.run}${why}`,
      hint,
    });
  };
  await find(
    "failed",
    "could not be sent",
    "Correct `notify:` of the plan. What could not be sent is not tried again.",
  );
  await find(
    "pending",
    "left to send",
    "`heddle serve` sends them, and so does the next run in which somebody is to be told.",
  );
  return findings;
}

/** What lies among the folders of runs and belongs to none. */
interface Strays {
  /** Folders of runs that the journal does not know: they can go. */
  readonly orphans: readonly string[];
  /** Not made by heddle, as far as can be seen: they stay. */
  readonly others: readonly string[];
}

/** Removes on request what heddle made for runs that are gone, and nothing else: a folder here may be somebody's, or lead there. */
async function checkFiles(
  journal: ExaminePorts["journal"],
  folder: string,
  fix: boolean,
): Promise<readonly DoctorFinding[]> {
  const known = new Set((await journal.runs()).map((record) => record.run));
  const { orphans, others } = straysIn(folder, known);
  const findings: DoctorFinding[] = [];
  if (others.length > 0) {
    findings.push({
      check: "files",
      level: "warning",
      message: `not of heddle, in .heddle/runs: ${others.slice(0, 5).join(", ")}${others.length > 5 ? ` and ${others.length - 5} more` : ""}`,
      hint: "heddle does not touch them. Move them elsewhere.",
    });
  }
  if (orphans.length === 0)
    return findings.length > 0 ? findings : [{ check: "files", level: "ok", message: "every folder belongs to a run" }];
  if (isLink(folder)) {
    const message = `${plural(orphans.length, "folder")} without a run where .heddle/runs leads to`;
    const hint = "It is a link, and they may belong to another project: heddle does not remove them.";
    return [...findings, { check: "files", level: "warning", message, hint }];
  }
  if (!fix) {
    const message = `${plural(orphans.length, "folder")} in .heddle/runs without a run`;
    return [...findings, { check: "files", level: "warning", message, hint: "`heddle doctor --fix` removes them." }];
  }
  for (const name of orphans) rmSync(join(folder, name), { recursive: true, force: true });
  const message = `removed ${plural(orphans.length, "folder")} without a run`;
  return [...findings, { check: "files", level: "ok", message }];
}

function straysIn(folder: string, known: ReadonlySet<string>): Strays {
  const orphans: string[] = [];
  const others: string[] = [];
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    if (known.has(entry.name)) continue;
    const isRuns = entry.isDirectory() && isRunId(entry.name) && isRunFolder(join(folder, entry.name));
    (isRuns ? orphans : others).push(entry.name);
  }
  return { orphans, others };
}

/** Whether nothing is in the folder but what heddle puts into the folder of a run. */
function isRunFolder(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true }).every(
    (entry) => entry.isDirectory() && (entry.name === "logs" || entry.name === "io"),
  );
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
