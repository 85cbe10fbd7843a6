/** G1 and G5 with agents: many at once, ending as chance has it, through the command line. */
import { expect, test } from "vitest";
import { AgentRig, ofType, writes } from "../agent/e2e/rig.ts";
import { report, scaled } from "./scale.ts";

const AGENTS = 12;
const ROUNDS = 20;

/** Ways for an agent to end, each with work behind it. */
const ENDINGS: readonly (readonly unknown[])[] = [
  [],
  [{ commit: "mine" }],
  [{ branch: "aside" }, { commit: "aside" }],
  [{ commit: "mine" }, { run: "git reset -q --hard HEAD~1" }, writes("after.txt", "after\n")],
  [{ exit: 3 }],
  [{ die: "SIGKILL" }],
  [{ error: { code: -32603, message: "400 bad request" } }],
  [{ delete: ".git" }],
  [{ run: "rm -rf .git; git init -q; git add -A" }],
  [{ stop: "refusal" }],
];

/** Branches that an agent makes are its own affair; the user's are not. */
function checkout(rig: AgentRig): string {
  const asked = [
    ["symbolic-ref", "HEAD"],
    ["rev-parse", "main"],
    ["--no-optional-locks", "status", "--porcelain"],
    ["stash", "list"],
  ];
  return asked.map((args) => rig.git(args)).join("\n");
}

/** Deterministic: the same round gives the same endings. */
function pick(round: number, agent: number): readonly unknown[] {
  return ENDINGS[(round * 7 + agent * 3 + round * agent) % ENDINGS.length] ?? [];
}

test("G1, G5: twelve agents at once, ending at random", { timeout: 30 * 60_000 }, async () => {
  const rounds = scaled(ROUNDS);
  let failures = 0;
  let lost = 0;
  let attempts = 0;
  for (let round = 0; round < rounds; round++) {
    using rig = new AgentRig();
    const ids = Array.from({ length: AGENTS }, (_, index) => `agent-${index}`);
    const scripts = ids.map((id, index) => [id, [writes(`${id}.txt`, `${round}\n`), ...pick(round, index)]] as const);
    rig.agents(Object.fromEntries(scripts), {
      maxConcurrency: AGENTS,
      maxAgents: AGENTS,
      failure: "continue",
      steps: ids.map((id) => ({ id, optional: true })),
    });
    const before = checkout(rig);
    const { finished, events } = await rig.json(["run"]);
    expect([finished.code, finished.stderr]).toEqual([0, ""]);
    attempts += ofType(events, "step.started").length;
    // Every attempt has its worktree, and what it wrote is kept, however it ended.
    failures += AGENTS - ofType(events, "worktree.created").length;
    const run = await rig.run();
    for (const id of ids) {
      // Where the agent took it back itself it is in the commit that it left.
      const holders = rig.git(["log", "--format=%H", `--glob=refs/heddle/${run}/*`, "--", `${id}.txt`]);
      if (holders === "") lost++;
    }
    const unreachable = rig.git(["fsck", "--unreachable", "--no-reflogs"]).split("\n");
    lost += unreachable.filter((line) => line.startsWith("unreachable commit")).length;
    expect(checkout(rig)).toBe(before);
  }
  report(
    `G1, G5: ${attempts} agents in ${rounds} rounds of ${AGENTS}, ${failures} without a worktree, ${lost} with work lost`,
  );
  expect([failures, lost]).toEqual([0, 0]);
});
