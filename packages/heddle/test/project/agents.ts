/** Maintenance of agents as a test says it is: what was not said is a failure of the test. */
import type { AgentMaintenance, WorktreeLine } from "../../src/agent/port.ts";

export function agentsWith(said: Partial<AgentMaintenance>): () => Promise<AgentMaintenance> {
  const refuse = (name: string) => () => Promise.reject(new Error(`nobody said what ${name} does`));
  const unsaid = Object.fromEntries(MEMBERS.map((name) => [name, refuse(name)])) as unknown as AgentMaintenance;
  return async () => ({ ...unsaid, ...said });
}

const MEMBERS: readonly (keyof AgentMaintenance)[] = [
  "check",
  "worktrees",
  "clean",
  "land",
  "revert",
  "changes",
  "conflict",
  "replay",
  "begin",
  "refs",
  "removeRefs",
  "probe",
];

export function tree(run: string, name: string, said: Partial<WorktreeLine> = {}): WorktreeLine {
  return {
    run,
    project: null,
    name,
    path: `/trees/${run}/${name.replace("@", "group-")}`,
    branch: null,
    head: null,
    bytes: 0,
    createdAt: null,
    inUse: false,
    state: "saved",
    ...said,
  };
}
