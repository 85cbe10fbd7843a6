/** Folds: what is one node, what opens, and that nothing is lost or goes in circles. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { targetsOf } from "heddle/view";
import { FOLDED_FROM, foldedGraph, reachedFrom, type FoldedGraph } from "../../src/graph/fold.ts";
import { fan, runGraph, type StepDraft } from "./plans.ts";

const NONE: ReadonlySet<string> = new Set();

/** `a -> b`. */
function edgesIn({ nodes, edges }: FoldedGraph): readonly string[] {
  return [...nodes.keys()].flatMap((to) =>
    [...targetsOf(edges.deps, to), ...targetsOf(edges.after, to)].map(
      (from) => `${nodes[from]?.label} -> ${nodes[to]?.label}`,
    ),
  );
}

describe("containers", () => {
  test(`from ${FOLDED_FROM} children on are one node, until they are opened`, () => {
    const graph = runGraph(fan(FOLDED_FROM));
    const closed = foldedGraph(graph, NONE);
    expect(closed.nodes.map(({ label, fold, size }) => [label, fold, size])).toEqual([
      ["first", undefined, 0],
      ["all", "closed", FOLDED_FROM],
      ["last", undefined, 0],
    ]);
    expect(edgesIn(closed)).toEqual(["first -> all", "all -> last"]);
    expect(new Set([...closed.nodeOf].slice(3))).toEqual(new Set([1]));
    const open = foldedGraph(graph, new Set(["s all"]));
    expect(open.nodes).toHaveLength(3 + FOLDED_FROM);
    expect(open.nodes[3]).toMatchObject({ label: "all[0]", inside: "s all" });
  });

  test("with fewer children are open: their children come after them, and before what depends on them", () => {
    // Children of a forEach have its deps.
    const open = foldedGraph(runGraph(fan(2, { deps: ["first"] })), NONE);
    expect(edgesIn(open).toSorted()).toEqual([
      "all -> all[0]",
      "all -> all[1]",
      "all[0] -> last",
      "all[1] -> last",
      "first -> all",
    ]);
    expect(foldedGraph(runGraph(fan(2)), new Set(["s all"])).nodes).toHaveLength(3);
  });

  test("inside of a closed one are not seen, whatever they are", () => {
    const drafts = [...fan(FOLDED_FROM), { id: "deep", parent: "all[0]" }, { id: "deeper", parent: "deep" }];
    const { nodes, nodeOf } = foldedGraph(runGraph(drafts), NONE);
    expect(nodes).toHaveLength(3);
    expect([...nodeOf].slice(-2)).toEqual([1, 1]);
  });

  test("with very many ends are joined by one edge each to what depends on them", () => {
    const drafts = [...fan(500), ...Array.from({ length: 20 }, (_, at) => ({ id: `late${at}`, deps: ["all"] }))];
    const { edges } = foldedGraph(runGraph(drafts), new Set(["s all"]));
    expect(edges.deps.targets.length).toBeLessThan(600);
  });
});

describe("groups", () => {
  const group = (size: number, more: readonly StepDraft[] = []): readonly StepDraft[] => [
    { id: "first" },
    ...Array.from({ length: size }, (_, at) => ({
      id: `w${at}`,
      group: "web",
      deps: at === 0 ? ["first"] : [`w${at - 1}`],
    })),
    ...more,
  ];

  test("with many steps are one node that has no step of its own", () => {
    const { nodes } = foldedGraph(runGraph(group(FOLDED_FROM)), NONE);
    expect(nodes[1]).toMatchObject({ kind: "group", label: "web", size: FOLDED_FROM, fold: "closed" });
    expect(nodes[1]?.step).toBeUndefined();
    expect(foldedGraph(runGraph(group(FOLDED_FROM)), new Set(["g web"])).nodes).toHaveLength(1 + FOLDED_FROM);
  });

  test("that others lie between stay open, and no more than these", () => {
    const between = [
      { id: "other", deps: ["w2"] },
      { id: "w.late", group: "web", deps: ["other"] },
      ...Array.from({ length: FOLDED_FROM }, (_, at) => ({ id: `api${at}`, group: "api", deps: ["w.late"] })),
    ];
    const { nodes } = foldedGraph(runGraph(group(FOLDED_FROM, between)), NONE);
    expect(nodes.filter(({ kind }) => kind === "group").map(({ label }) => label)).toEqual(["api"]);
    expect(nodes.filter(({ label }) => label.startsWith("w"))).toHaveLength(FOLDED_FROM + 1);
  });
});

test("each step has one node, and the nodes are a graph without cycles, whatever is open", () => {
  const draft = fc.tuple(
    fc.array(fc.nat(), { maxLength: 3 }),
    fc.nat({ max: 3 }),
    fc.option(fc.nat({ max: 2 }), { nil: undefined }),
  );
  fc.assert(
    fc.property(
      fc.array(draft, { minLength: 1, maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      (drafts, flips) => {
        // The first four are containers, of the others some are in them; deps are on earlier ones in the same place.
        const parentOf = (at: number): number =>
          at < 4 ? -1 : (drafts[at]?.[1] ?? 0) < 2 ? (drafts[at]?.[1] ?? 0) : -1;
        const graph = runGraph(
          drafts.map(([deps, , group], at) => {
            const near = Array.from({ length: at }, (_, one) => one).filter((one) => parentOf(one) === parentOf(at));
            return {
              id: `s${at}`,
              deps: [...new Set(deps.flatMap((one) => (near.length === 0 ? [] : [`s${near[one % near.length]}`])))],
              ...(group === undefined ? {} : { group: `g${group} ${parentOf(at)}` }),
              ...(parentOf(at) === -1 ? {} : { parent: `s${parentOf(at)}` }),
            };
          }),
        );
        const keys = foldedGraph(graph, NONE).nodes.flatMap(({ key, fold }) => (fold === undefined ? [] : [key]));
        const folded = foldedGraph(graph, new Set(keys.filter((_, at) => flips[at] === true)));
        expect(folded.nodes.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual([
          ...graph.steps.keys(),
        ]);
        for (const [step, node] of folded.nodeOf.entries()) expect(folded.nodes[node]?.members).toContain(step);
        expect(new Set(folded.nodes.map(({ key }) => key)).size).toBe(folded.nodes.length);
        for (let to = 0; to < folded.edges.size; to++)
          for (const from of targetsOf(folded.edges.deps, to))
            expect(folded.edges.layerOf[from]).toBeLessThan(folded.edges.layerOf[to] ?? 0);
      },
    ),
    { numRuns: 200 },
  );
});

test("what lies before and behind a node is found along all edges", () => {
  const folded = foldedGraph(
    runGraph([{ id: "a" }, { id: "b", deps: ["a"] }, { id: "c", after: ["b"] }, { id: "d", deps: ["a"] }]),
    NONE,
  );
  expect([...reachedFrom(folded, 1, "before")].toSorted()).toEqual([0, 1]);
  expect([...reachedFrom(folded, 1, "behind")].toSorted()).toEqual([1, 2]);
});
