/** Agent checks of `heddle doctor`: the installed agents, their repository, and leftover worktrees. */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import { unreachable } from "../base/assert.ts";
import type { AgentLine, AgentMaintenance, LoginState, WorktreeLine } from "../agent/port.ts";
import type { RuleBinding } from "../plan/agents-config.ts";
import type { DoctorFinding } from "./finding.ts";

/** Worktrees that are named one by one. */
const MOST_NAMED = 10;

/** Agents are started with `--version` at most. */
export async function checkAgents(maintenance: AgentMaintenance): Promise<readonly DoctorFinding[]> {
  const found = await checkPrograms(maintenance);
  const problem = await maintenance.check();
  if (problem !== undefined) return [...found, repositoryProblem(problem)];
  const repository: DoctorFinding = { check: "repository", level: "ok", message: "agents can work here" };
  return [...found, repository, ...(await checkWorktrees(maintenance))];
}

async function checkPrograms(maintenance: AgentMaintenance): Promise<readonly DoctorFinding[]> {
  const agents = await maintenance.probe();
  const here = agents.filter((agent) => agent.found);
  if (here.length === 0) {
    // One line for each agent, whatever the ways to speak to it.
    const firsts = agents.filter(({ agent }, at) => agents.findIndex((one) => one.agent === agent) === at);
    const hint = firsts.flatMap(({ problem }) => problem ?? []).join("; ");
    const message = "no known agent was found on PATH";
    return [defined({ check: "agents", level: "ok", message, hint: hint === "" ? undefined : hint })];
  }
  const summary: DoctorFinding = { check: "agents", level: "ok", message: here.map(nameOf).join(", ") };
  const known = here.filter(({ protocol }) => protocol !== undefined);
  return [
    summary,
    ...checkSandbox(known),
    ...known.map((agent) =>
      agentFinding(
        agent,
        known.some(({ sandbox }) => sandbox?.works === true),
      ),
    ),
  ];
}

function nameOf({ agent, version, protocol }: AgentLine): string {
  return [agent, version, protocol && `(${protocol})`].filter((part) => part !== undefined).join(" ");
}

/** Around an agent that makes none of its own: what a sandbox can do on this machine at all. */
function checkSandbox(agents: readonly AgentLine[]): readonly DoctorFinding[] {
  const found =
    agents.find(({ sandbox }) => sandbox?.works === true) ?? agents.find(({ sandbox }) => sandbox !== undefined);
  if (found?.sandbox === undefined) return [];
  if (found.sandbox.works)
    return [
      {
        check: "sandbox",
        level: "ok",
        message: "bubblewrap works: agents write to their worktree and their own files only",
      },
    ];
  const message = `agents run without a sandbox: ${found.sandbox.why ?? "none works here"}`;
  return [
    {
      check: "sandbox",
      level: "ok",
      message,
      hint: "Without one, rules bind only what an agent asks for; its shell can write anywhere.",
    },
  ];
}

/** `hasSandbox`: one works here, though not around every agent. */
function agentFinding(agent: AgentLine, hasSandbox: boolean): DoctorFinding {
  const { program, login, rules, protocol, sandbox } = agent;
  const parts = [
    program,
    login && loginText(login),
    rules && rulesText(rules, protocol),
    hasSandbox && sandbox?.works === false ? `no sandbox: ${sandbox.why ?? "none works here"}` : undefined,
  ];
  const message = `${nameOf(agent)}: ${parts.filter((part) => part !== undefined).join("; ")}`;
  return { check: "agent", level: "ok", message, agent };
}

function loginText(login: LoginState): string {
  switch (login.kind) {
    case "key":
      return `a key is in ${login.name} (pass it on by \`passEnv\`)`;
    case "file":
      return `a login is in ${login.path}`;
    case "none":
      return "no key and no login found";
    default:
      return unreachable(login);
  }
}

/** As the plan's check has it: only over a protocol with requests can an agent ask. */
function rulesText(rules: RuleBinding, protocol: AgentLine["protocol"]): string {
  switch (rules) {
    case "asks":
      return "bound by all rules";
    case "told":
      return "bound by presets but `ask`, and by `deny` rules";
    case "confined":
      return `bound by presets${protocol === "acp" ? "" : " but `ask`"}, and by \`deny\` rules about edits`;
    case "none":
      return "bound by `deny` rules about edits";
    default:
      return unreachable(rules);
  }
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
