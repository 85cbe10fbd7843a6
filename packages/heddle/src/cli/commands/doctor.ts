/**
 * `heddle doctor`: checks what runs need and what dead runs left behind. `--fix` fixes what can be fixed without losing
 * anything.
 */
import { accessSync, constants, existsSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import { plural } from "../../base/plural.ts";
import { Replay } from "../../view/history.ts";
import { runLine } from "../../view/list.ts";
import { EXIT, openToRead, openToWrite, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import type { Flags } from "../spec.ts";
import { isFlagOn } from "../flag-values.ts";
import { checkAgents } from "./doctor-agents.ts";
import type { DoctorFinding } from "./doctor-finding.ts";
import { layoutOf } from "../../project/layout.ts";
import type { Project } from "../../project/port.ts";

const OLDEST_NODE = 24;
const LITTLE_SPACE = 512 * 1024 * 1024;

export async function doctorCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const fix = isFlagOn(flags, "fix");
  const findings: DoctorFinding[] = [checkNode(), checkPlatform(), checkGit(context.env), checkDisk(context.dir)];
  findings.push(...(await checkProject(context, fix)), ...(await checkAgents(context)));
  const failed = findings.some((finding) => finding.level === "error");
  if (context.json) context.out.json({ ok: !failed, checks: findings });
  else for (const finding of findings) print(context, finding);
  return failed ? EXIT.failed : EXIT.ok;
}

function print({ out }: Context, { check, level, message, hint }: DoctorFinding): void {
  const mark =
    level === "ok" ? out.style("green", "✓") : level === "warning" ? out.style("yellow", "!") : out.style("red", "✗");
  out.line(`${mark} ${check}: ${safeLine(message)}`);
  if (hint !== undefined) out.line(`    ${safeLine(hint)}`);
}

function checkNode(): DoctorFinding {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= OLDEST_NODE) return { check: "node", level: "ok", message: `Node ${node}` };
  return {
    check: "node",
    level: "error",
    message: `Node ${node} is too old`,
    hint: `Install Node ${OLDEST_NODE} or newer.`,
  };
}

function checkPlatform(): DoctorFinding {
  switch (process.platform) {
    case "linux":
      return {
        check: "platform",
        level: "ok",
        message: "Linux: processes that leave their group are found through /proc",
      };
    case "darwin":
      return {
        check: "platform",
        level: "warning",
        message: "macOS: processes that leave their group are found through `ps` only",
      };
    default:
      return { check: "platform", level: "error", message: `${process.platform} is not supported in this version` };
  }
}

/** Looked for, not started: whether it is there is all that is asked. */
function checkGit(env: NodeJS.ProcessEnv): DoctorFinding {
  const found = (env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && isExecutable(join(folder, "git")));
  if (found) return { check: "git", level: "ok", message: "found" };
  return {
    check: "git",
    level: "warning",
    message: "not found on PATH",
    hint: "Only needed for agents; without it a run records no commit.",
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function checkDisk(dir: string): DoctorFinding {
  try {
    const { bavail, bsize } = statfsSync(dir);
    const free = bavail * bsize;
    const message = `${Math.round(free / 1_048_576)} MB free`;
    if (free > LITTLE_SPACE) return { check: "disk", level: "ok", message };
    return { check: "disk", level: "warning", message, hint: "Make room: `heddle gc` removes old runs." };
  } catch (thrown) {
    return { check: "disk", level: "warning", message: `cannot determine the free space: ${messageOf(thrown)}` };
  }
}

async function checkProject(context: Context, fix: boolean): Promise<readonly DoctorFinding[]> {
  if (!existsSync(layoutOf(context.dir).journalFile)) return [{ check: "journal", level: "ok", message: "none yet" }];
  const opened = await (fix ? openToWrite(context) : openToRead(context));
  if (!opened.ok) {
    const { message, hint } = opened.error;
    return [defined({ check: "journal", level: "error", message, hint })];
  }
  await using project = opened.value;
  return [
    ...(await checkJournal(project)),
    ...(await checkRuns(project)),
    ...(await checkHistories(project)),
    ...(await checkFiles(project, fix)),
  ];
}

async function checkJournal(project: Project): Promise<readonly DoctorFinding[]> {
  const { ok, events, problems } = await project.journal.check();
  if (ok) return [{ check: "journal", level: "ok", message: `${plural(events, "event")}, all checksums match` }];
  return problems.slice(0, 20).map(({ message, hint }) => ({
    check: "journal",
    level: "error" as const,
    message,
    hint: hint ?? "Restore a copy made by `heddle backup`, or move .heddle away.",
  }));
}

async function checkRuns(project: Project): Promise<readonly DoctorFinding[]> {
  const interrupted = (await project.journal.runs()).map(runLine).filter((line) => line.status === "interrupted");
  if (interrupted.length === 0) return [{ check: "runs", level: "ok", message: "no run was interrupted" }];
  return interrupted.slice(0, 10).map(({ run, plan }) => ({
    check: "runs",
    level: "warning" as const,
    message: `run ${run} of ${plan} was interrupted`,
    hint: `Continue with \`heddle resume ${run}\`. It first ends processes that are left over.`,
  }));
}

/** Whether what is recorded keeps the rules of every run: one line for each run that does not. */
async function checkHistories(project: Project): Promise<readonly DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  let runs = 0;
  for (const { run } of await project.journal.runs()) {
    const replay = new Replay();
    try {
      for await (const batch of project.journal.read(run)) for (const event of batch) replay.add(event);
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
async function checkFiles(project: Project, fix: boolean): Promise<readonly DoctorFinding[]> {
  const folder = layoutOf(project.dir).runsDir;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const known = new Set((await project.journal.runs()).map((record) => record.run));
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
