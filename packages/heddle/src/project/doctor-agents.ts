/** Agent checks of `heddle doctor`: the installed agents, their repository, and leftover worktrees. */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { AgentMaintenance, WorktreeLine } from "../agent/port.ts";
import type { DoctorFinding } from "./finding.ts";

/** Worktrees that are named one by one. */
const MOST_NAMED = 10;

/** Agents are started with `--version` at most. */
export async function checkAgents(maintenance: AgentMaintenance): Promise<readonly DoctorFinding[]> {
  const found = await checkPrograms(maintenance);
  const problem = await maintenance.check();
  if (problem !== undefined) return [found, repositoryProblem(problem)];
  const repository: DoctorFinding = { check: "repository", level: "ok", message: "agents can work here" };
  return [found, repository, ...(await checkWorktrees(maintenance))];
}

async function checkPrograms(maintenance: AgentMaintenance): Promise<DoctorFinding> {
  const agents = await maintenance.probe();
  const told = agents
    .filter((agent) => agent.found)
    .map(({ agent, version }) => (version === undefined ? agent : `${agent} ${version}`));
  if (told.length > 0) return { check: "agents", level: "ok", message: told.join(", ") };
  const hint = agents.map(({ problem }) => problem ?? "").find((text) => text !== "");
  const message = "no known agent was found on PATH";
  return defined({ check: "agents", level: "ok", message, hint });
}

/** Plans without agents need no repository; an unusable one is a warning. */
function repositoryProblem({ code, message, hint }: Problem): DoctorFinding {
  const level = code === "NotARepository" ? "ok" : "warning";
  return defined({ check: "repository", level, message: `agents cannot work here: ${message}`, hint });
}

async function checkWorktrees(maintenance: AgentMaintenance): Promise<readonly DoctorFinding[]> {
  const trees = await maintenance.worktrees({});
  if (!trees.ok) {
    const { message, hint } = trees.error;
    return [defined({ check: "worktrees", level: "warning", message, hint })];
  }
  const all = trees.value;
  if (all.length === 0) return [];
  const odd = all.filter((tree) => tree.state !== "saved");
  const findings: DoctorFinding[] = [
    {
      check: "worktrees",
      level: "ok",
      message: `${plural(all.length, "worktree")} of agents, ${size(all.reduce((sum, tree) => sum + tree.bytes, 0))}`,
      hint: "`heddle worktrees` lists them, `heddle worktrees clean` removes those not needed any more.",
    },
    ...odd.slice(0, MOST_NAMED).map(oddTree),
  ];
  if (odd.length > MOST_NAMED) {
    const message = `${odd.length - MOST_NAMED} more are stray, unfinished or unsaved`;
    findings.push({ check: "worktrees", level: "warning", message, hint: "`heddle worktrees` lists them." });
  }
  return findings;
}

function oddTree({ state, run, name, bytes, path, inUse }: WorktreeLine): DoctorFinding {
  const message = `${state}: ${run}/${name}, ${size(bytes)}, ${path}${inUse ? ", in use" : ""}`;
  return { check: "worktrees", level: "warning", message, hint: hintOf(state, run) };
}

function hintOf(state: WorktreeLine["state"], run: string): string {
  switch (state) {
    case "unsaved":
      return `It has work that exists nowhere else. \`heddle resume ${run}\` captures it; or commit it on one of your branches.`;
    case "unfinished":
      return `No step has used it. \`heddle resume ${run}\` creates it again; if the run has ended, delete it.`;
    default:
      return "Git or heddle does not know it. Check what is in it, then delete it.";
  }
}

function size(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
