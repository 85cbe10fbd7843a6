/** What a run changed, as its branch has it: a patch for git where it is redirected, and harmless on a terminal. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { USER_ENV } from "../../support/user-git.ts";
import { AgentRig, writes } from "./rig.ts";

test("a run's difference is a patch, and a failed step's last capture; no checkout is touched", async () => {
  using rig = new AgentRig();
  const evil = "one\rtwo \u001b[2J\n";
  rig.agents(
    { api: [writes("a.txt", evil), writes("new\u001b[2J.txt", "new\n")], web: [writes("web.txt", "web\n")] },
    { steps: [{ id: "api" }, { id: "web", deps: ["api"], verify: "false", retry: 0 }] },
  );
  await rig.heddle(["run"]);
  const run = await rig.run();
  const before = rig.checkout();
  const whole = await rig.heddle(["diff"]);
  expect([whole.code, whole.stderr]).toEqual([0, ""]);
  const integration = `heddle/${run}/integration`;
  const counts = JSON.parse((await rig.heddle(["diff", run, "api", "--json"])).stdout) as object;
  expect(counts).toEqual({
    run,
    step: "api",
    of: "merged",
    from: rig.git(["rev-parse", "main"]),
    to: rig.git(["rev-parse", integration]),
    files: [
      { path: "a.txt", status: "modified", added: 1, removed: 3 },
      { path: "new\u001b[2J.txt", status: "added", added: 1, removed: 0 },
    ],
  });
  const screen = await rig.onTerminal(["diff", "api"], { columns: 100, rows: 40 }).done;
  expect([screen.code, screen.stdout]).toEqual([0, expect.stringContaining("+one^Mtwo ^[[2J")]);
  expect(screen.stdout).not.toContain("\u001b[2J");
  const web = await rig.heddle(["diff", "web", "--stat"]);
  expect([web.code, web.stderr]).toEqual([0, expect.stringContaining("web is not merged")]);
  expect(web.stdout).toBe(" web.txt | 1 + (added)\n 1 file, 1 line added, 0 lines removed\n");
  expect(rig.checkout()).toBe(before);
  execFileSync("git", ["apply"], { cwd: rig.dir, env: USER_ENV, input: whole.stdout });
  expect(readFileSync(path.join(rig.dir, "a.txt"), "utf8")).toBe(evil);
});
