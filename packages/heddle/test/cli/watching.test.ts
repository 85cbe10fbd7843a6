/** `heddle watch` on runs that have ended: what it shows of them, and how it ends. */
import { expect, test } from "vitest";
import { copyOf, expectedRuns } from "../journal/golden-runs.ts";
import { Command } from "../support/in-process.ts";
import { CEILINGS } from "../support/temporary.ts";

test("a run that landed after its end is shown with its landing", async () => {
  const landed = expectedRuns("agents").find(({ landing }) => landing !== null);
  if (landed === undefined) throw new Error("no golden run has landed");
  using copy = copyOf("agents");
  const env = { PATH: process.env["PATH"] ?? "", HOME: copy.dir, GIT_CEILING_DIRECTORIES: CEILINGS };
  const { code, stdout } = await new Command(["watch", landed.run], { dir: copy.dir, env }).done;
  expect(code).toBe(0);
  expect(stdout).toContain(`on heddle/${landed.run}/integration; landed on main`);
});
