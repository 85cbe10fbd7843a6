/** `heddle worktrees open`: of the latest run or another one, by ids as people write them and as folders are called. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { AgentRig, writes, isNightly } from "./rig.ts";

test.runIf(isNightly)(
  "a worktree is opened by run, by id, by the name of its folder; what is not there is told with what is",
  async () => {
    using rig = new AgentRig();
    const failing = { prompt: "do it", expect: { files: ["no.ts"] } };
    rig.agents(
      { "Api.V2": [writes("a.ts", "a\n")], b: [writes("b.ts", "b\n")] },
      {
        steps: [
          { id: "Api.V2", agent: failing, after: ["b"] },
          { id: "b", group: "Api", agent: failing, optional: true },
        ],
      },
    );
    await rig.heddle(["run"]);
    const first = await rig.run();
    rig.agents({ only: [writes("a.ts", "a\n")] }, { steps: [{ id: "only", agent: failing }] });
    await rig.heddle(["run"]);
    const second = await rig.run();
    const open = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await rig.heddle(["worktrees", "open", ...words]);
      return code === 0 ? stdout.trim() : stderr;
    };
    const api = await open(first, "Api.V2");
    expect([existsSync(api), api]).toEqual([true, expect.stringContaining(`/${first}/`)]);
    expect(await open(first, api.split("/").at(-1) ?? "")).toBe(api);
    expect(await open(first, "Api")).toContain(`/${first}/@`);
    expect(await open(first.slice(0, -1), "@Api")).toContain(`/${first}/@`);
    const only = await open("only");
    expect([existsSync(only), await open(second, "only"), await open(second), await open()]).toEqual([
      true,
      only,
      only,
      only,
    ]);
    expect(await open("Api")).toContain("It has those of only");
    expect(await open(first)).toContain("UnknownWorktree");
  },
);
