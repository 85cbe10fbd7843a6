/** What an agent changed is held against the rules of its plan, however it was changed. */
import { expect, test } from "vitest";
import { AgentRig, ofType, writes } from "./rig.ts";

const NO_INFRA = { rules: [{ deny: "edit", path: "infra/**" }] };

test.each([
  ["an edit that it did not ask for", NO_INFRA, [writes("infra/x.tf", "x\n")]],
  ["an edit by a shell", NO_INFRA, [{ run: "mkdir -p infra && echo x > infra/x.tf" }]],
  [
    "a file whose name is not UTF-8",
    NO_INFRA,
    [{ run: String.raw`mkdir -p infra && echo x > "infra/$(printf 'r\351sum.tf')"` }],
  ],
  ["the removal of a file", NO_INFRA, [{ run: "rm infra/kept.tf" }]],
  ["a file put in place of one by a link that leads nowhere", NO_INFRA, [{ run: "ln -sf nowhere infra/kept.tf" }]],
  ["a removal", { rules: [{ deny: "delete", path: "**" }] }, [{ run: "rm infra/kept.tf" }]],
  ["any change of one that may only read", "read-only", [writes("a.txt", "a\n")]],
  [
    "more than one that may only read is allowed",
    { preset: "read-only", rules: [{ allow: "edit", path: "docs/**" }] },
    [writes("a.txt", "a\n")],
  ],
])("fails the step and merges nothing: %s", async (_, permissions, work) => {
  using rig = new AgentRig();
  rig.write("infra/kept.tf", "kept\n");
  rig.commit("infra");
  const a = { id: "a", retry: 2, agent: { prompt: "do a", permissions } };
  rig.agents({ a: [...work, { say: "Done." }] }, { steps: [a] });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(ofType(events, "step.failed", "a").map(({ data }) => data["error"])).toEqual([
    expect.objectContaining({ class: "permission", message: expect.stringContaining("do not allow changes of") }),
  ]);
  expect(ofType(events, "worktree.merged", "a")).toEqual([]);
});

test("lets pass what they allow, and a step that reads and changes nothing", async () => {
  using rig = new AgentRig();
  const docs = { preset: "read-only", rules: [{ allow: "edit", path: "docs/**" }] };
  rig.agents(
    {
      a: [writes("src/a.txt", "a\n")],
      b: [writes("docs/b.txt", "b\n")],
      c: [{ say: "Read." }],
    },
    {
      steps: [
        { id: "a", agent: { prompt: "do a", permissions: NO_INFRA } },
        { id: "b", agent: { prompt: "do b", permissions: docs } },
        { id: "c", agent: { prompt: "do c", permissions: "read-only", expect: "none" } },
      ],
    },
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect([await rig.merged("src/a.txt"), await rig.merged("docs/b.txt")]).toEqual(["a", "b"]);
});
