/** Nodes that are found from one state of a run to the next are those that a new search would find. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LiveStep, StepStatus } from "heddle/view";
import { NodeSearch, type Sought } from "../../src/graph/found-nodes.ts";
import { liveStep } from "../timeline/bars.ts";

const IDS = Array.from({ length: 12 }, (_, at) => `step-${at}`);
/** Three steps to a node. */
const FOLDED = { nodes: [0, 1, 2, 3], nodeOf: Int32Array.from(IDS, (_, at) => Math.floor(at / 3)) };
const isWanted = (status: StepStatus) => (step: LiveStep) => step.status === status;
const KINDS = [undefined, isWanted("failed"), isWanted("running")];

const sought = (text: string, kind: number): Sought => ({
  placed: { folded: FOLDED as unknown as NonNullable<Sought["placed"]>["folded"] },
  ids: IDS,
  text,
  isWanted: KINDS[kind],
});

const status = fc.constantFrom<StepStatus>("waiting", "running", "failed", "succeeded");
const change = fc.oneof(
  fc.record({ at: fc.nat({ max: IDS.length - 1 }), status }),
  fc.record({ text: fc.constantFrom("", "1", "step"), kind: fc.nat({ max: 2 }) }),
);

test("and what is said to have changed makes the one set of the other", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const kept = new NodeSearch();
      let steps: readonly LiveStep[] = IDS.map((id) => liveStep(id, { status: "waiting" }));
      let wanted = sought("", 1);
      let before = kept.update(wanted, steps).found;
      for (const one of changes) {
        if ("text" in one) wanted = { ...sought(one.text, one.kind), placed: wanted.placed };
        else steps = steps.map((step, at) => (at === one.at ? { ...step, status: one.status } : step));
        const { found, changed } = kept.update(wanted, steps);
        expect(found).toEqual(new NodeSearch().update(wanted, steps).found);
        const toggled = new Set(before);
        for (const node of changed) if (!toggled.delete(node)) toggled.add(node);
        // Of another search all is looked at anew.
        const told = "text" in one ? found : before === undefined || changed.length === 0 ? before : toggled;
        expect(told).toEqual(found);
        before = found;
      }
    }),
    { numRuns: 200 },
  );
});

test("a search by text alone does not depend on what the run does", () => {
  const search = new NodeSearch();
  const wanted = sought("11", 0);
  const { found } = search.update(wanted, []);
  expect([...(found ?? [])]).toEqual([3]);
  expect(search.update(wanted, [liveStep("step-0")])).toEqual({ found, changed: [] });
});
