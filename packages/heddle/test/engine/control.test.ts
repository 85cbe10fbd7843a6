/** Words from other processes to an engine that conducts: none is lost, whoever else looks, and none can end the engine. */
import { describe, expect, it } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import { Rig } from "./rig.ts";

const POLL_MS = 100;

describe("two runs of one process", () => {
  it("each hears of its own words, in a hundred pairs", async () => {
    for (let round = 0; round < 100; round++) {
      const rig = new Rig({ pollMs: POLL_MS });
      const first = await rig.start("steps: [{ id: a, run: x }]");
      const second = await rig.start("steps: [{ id: b, run: x }]");
      await rig.pass(POLL_MS * (1 + (round % 3)) + round);
      const other = memoryJournal({ store: rig.store });
      await other.request(first.run, 0, { kind: "cancel" });
      if (round % 2 === 0) await rig.pass(POLL_MS / 2);
      await other.request(second.run, 0, { kind: "cancel" });
      await rig.pass(2 * POLL_MS);
      expect([rig.stopOf("a"), rig.stopOf("b")], `round ${round}`).toEqual(["cancel", "cancel"]);
      await rig.yield("a");
      await rig.yield("b");
      expect([(await first.result).status, (await second.result).status]).toEqual(["cancelled", "cancelled"]);
    }
  });
});
