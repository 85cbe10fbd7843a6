/**
 * Doctor: checks what runs need on this machine and what dead runs left behind in a project. Fixes on request what can be
 * fixed without losing anything.
 */
import { existsSync } from "node:fs";
import type { AgentMaintenance } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import { checkAgents } from "./doctor-agents.ts";
import { checkMachine, type MachineOptions } from "./doctor-machine.ts";
import type { DoctorFinding } from "./finding.ts";
import { layoutOf } from "./layout.ts";

/** The part of a project that the doctor takes. */
interface Examined extends AsyncDisposable {
  readonly maintenance: { examine(options: { readonly fix: boolean }): Promise<readonly DoctorFinding[]> };
}

/** `dir`: the project folder. */
export interface DoctorOptions extends MachineOptions {
  readonly fix: boolean;
  /** Opens the project, to be written where it is to be fixed; asked for only where there is a journal. */
  readonly open: () => Promise<Result<Examined, Problem>>;
  /** What agents left in the folder's repository, journal or not. */
  readonly agents: () => Promise<AgentMaintenance>;
}

/** Everything that is checked, in the order in which it is told. */
export async function doctor({ dir, env, fix, open, agents }: DoctorOptions): Promise<readonly DoctorFinding[]> {
  return [
    ...checkMachine({ dir, env }),
    ...(await checkProject(dir, fix, open)),
    ...(await checkAgents(await agents())),
  ];
}

async function checkProject(dir: string, fix: boolean, open: DoctorOptions["open"]): Promise<readonly DoctorFinding[]> {
  if (!existsSync(layoutOf(dir).journalFile)) return [{ check: "journal", level: "ok", message: "none yet" }];
  const opened = await open();
  if (!opened.ok) {
    const { message, hint } = opened.error;
    return [defined({ check: "journal", level: "error", message, hint })];
  }
  await using project = opened.value;
  return await project.maintenance.examine({ fix });
}
