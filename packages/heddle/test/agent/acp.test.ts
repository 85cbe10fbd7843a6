/** The scripted agent, driven over its protocol as any other agent is. */
import { describe, expect, test } from "vitest";
import { living, place } from "./rig.ts";

describe("a whole attempt", () => {
  test("edits, tells, counts, ends", async () => {
    using here = place();
    const adapter = here.scripted(`
do:
  - think: hm
  - say: "I begin.\\n"
  - write: {path: a/b.txt, text: hello}
  - usage: {input: 100, cachedRead: 20, output: 7, usd: 0.5}
  - run: echo from the shell > c.txt
  - say: All done.
`);
    const outcome = await adapter.start(here.context()).outcome;
    expect(outcome).toEqual({
      status: "ok",
      text: "All done.",
      usage: { input: 100, cachedRead: 20, output: 7 },
      cost: 0.5,
      rawUsage: expect.anything(),
      totals: { usd: 0.5, usage: { input: 100, cachedRead: 20, output: 7 } },
      sessionId: `scripted-${here.run}-s-1-1`,
    });
    expect(here.read("a/b.txt")).toBe("hello");
    expect(here.read("c.txt")).toBe("from the shell\n");
    expect(living(here.run)).toBe(0);
    expect(here.log).toContain("I begin.");
  });
});
