/**
 * Doctor: checks what runs need on this machine and what dead runs left behind in a project. Fixes on request what can be
 * fixed without losing anything.
 */
import { accessSync, constants, existsSync } from "node:fs";
import type { AgentMaintenance } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import { checkAgents } from "./doctor-agents.ts";
import { checkMachine, type MachineOptions } from "./doctor-machine.ts";
import type { DoctorFinding } from "./finding.ts";
import { layoutOf, type ProjectLayout } from "./layout.ts";

/** The part of a project that the doctor takes. */
interface Examined extends AsyncDisposable {
  readonly maintenance: { examine(options: { readonly fix: boolean }): Promise<readonly DoctorFinding[]> };
}

/** `dir`: the project folder. */
export interface DoctorOptions extends MachineOptions {
  readonly fix: boolean;
  /** Opens the project, to be written where something can be fixed; asked for only where there is a journal. */
  readonly open: (access: "create" | "read") => Promise<Result<Examined, Problem>>;
  /** Default: as the system says. */
  readonly canWrite?: (path: string) => boolean;
  /** What agents left in the folder's repository, journal or not. */
  readonly agents: () => Promise<AgentMaintenance>;
}

/** Everything that is checked, in the order in which it is told. */
export async function doctor({
  dir,
  env,
  fix,
  open,
  agents,
  canWrite = isWritable,
}: DoctorOptions): Promise<readonly DoctorFinding[]> {
  const folder = checkFolder(layoutOf(dir), canWrite);
  return [
    ...checkMachine({ dir, env }),
    folder,
    ...(await checkProject(dir, fix && folder.level === "ok", open)),
    ...(await checkAgents(await agents())),
  ];
}

/** Whether a run could be recorded here. */
function checkFolder(
  { dir, heddleDir, journalFile }: ProjectLayout,
  canWrite: (path: string) => boolean,
): DoctorFinding {
  const made = [heddleDir, journalFile].filter((path) => existsSync(path));
  // What is not there yet is made in the folder around it.
  const unwritable = (made.length > 0 ? made : [dir]).find((path) => !canWrite(path));
  if (unwritable === undefined) return { check: "folder", level: "ok", message: "runs can be recorded here" };
  const message = `${unwritable} cannot be written: runs can be inspected here, none can be started or fixed`;
  return { check: "folder", level: "error", message, hint: "Make the project folder writable." };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function checkProject(dir: string, fix: boolean, open: DoctorOptions["open"]): Promise<readonly DoctorFinding[]> {
  if (!existsSync(layoutOf(dir).journalFile)) return [{ check: "journal", level: "ok", message: "none yet" }];
  const opened = await open(fix ? "create" : "read");
  if (!opened.ok) {
    const { message, hint } = opened.error;
    return [defined({ check: "journal", level: "error", message, hint })];
  }
  await using project = opened.value;
  return await project.maintenance.examine({ fix });
}
