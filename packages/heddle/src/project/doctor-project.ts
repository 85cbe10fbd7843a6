/**
 * Doctor's checks of a project: its journal, interrupted runs, histories that break a rule, folders of runs that nobody
 * knows. Removes the last on request.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { plural } from "../base/plural.ts";
import type { EventLog, Maintenance } from "../journal/port.ts";
import { Replay } from "../view/history.ts";
import { runLine } from "../view/list.ts";
import type { DoctorFinding } from "./finding.ts";
import type { ProjectLayout } from "./layout.ts";

export interface ExaminePorts {
  readonly layout: ProjectLayout;
  readonly journal: Pick<EventLog, "runs" | "read"> & Pick<Maintenance, "check">;
}

export async function examineProject(
  { layout, journal }: ExaminePorts,
  { fix }: { readonly fix: boolean },
): Promise<readonly DoctorFinding[]> {
  return [
    ...(await checkJournal(journal)),
    ...(await checkRuns(journal)),
    ...(await checkHistories(journal)),
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

/** Folders of runs that the journal does not know. */
async function checkFiles(
  journal: ExaminePorts["journal"],
  folder: string,
  fix: boolean,
): Promise<readonly DoctorFinding[]> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const known = new Set((await journal.runs()).map((record) => record.run));
  const orphans = names.filter((name) => !known.has(name));
  if (orphans.length === 0) return [{ check: "files", level: "ok", message: "every folder belongs to a run" }];
  if (!fix) {
    return [
      {
        check: "files",
        level: "warning",
        message: `${plural(orphans.length, "folder")} in .heddle/runs without a run`,
        hint: "`heddle doctor --fix` removes them.",
      },
    ];
  }
  for (const name of orphans) rmSync(join(folder, name), { recursive: true, force: true });
  return [{ check: "files", level: "ok", message: `removed ${plural(orphans.length, "folder")} without a run` }];
}
