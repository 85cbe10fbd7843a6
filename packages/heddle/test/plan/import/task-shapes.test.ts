/** Every shape of task files, at each depth and under tags: imported with every edge, or refused with a place and a reason. */
import { describe, expect, test } from "vitest";
import type { Plan } from "../../../src/plan/plan.ts";
import { edgesOf, imported, importedPlan, placeIn, readBack } from "./helpers.ts";
import {
  edgesIn,
  type Extra,
  leavesOf,
  type OrderKey,
  type Shape,
  shapes,
  stepEdges,
  type TaskNode,
  tree,
  write,
  type Written,
} from "./task-table.ts";

const all = shapes().map((shape) => [Object.values(shape).join(", "), shape] as const);

function optionsOf({ tag }: Written): { readonly tag?: string } {
  return tag === undefined ? {} : { tag };
}

test("there are shapes", () => {
  expect(all.length).toBe(360);
});

describe("imported with every edge, and read back as it was", () => {
  test.each(all)("%s", async (_name, shape) => {
    const roots = tree(shape.depth);
    const edges = edgesIn(roots);
    const written = write(shape, roots, edges);
    const plan = await importedPlan(written.text, written.file, optionsOf(written));
    expect(plan.steps.map(({ id }) => id)).toEqual(roots.flatMap(leavesOf).map(({ id }) => id));
    expect(edgesOf(plan).toSorted()).toEqual(stepEdges(edges));
    const silent = plan.steps.flatMap(({ id, action }) => {
      const prompt = action.kind === "agent" ? action.prompt : "";
      const parts = id.split(".");
      const tasks = parts.map((_part, at) => parts.slice(0, at + 1).join("."));
      return tasks.filter((name) => !prompt.includes(`Title of ${name}\n\nDescription of ${name}`));
    });
    expect(silent).toEqual([]);
    if (shape.deps === "numbers") expect({ ...(await readBack(plan)), name: plan.name }).toEqual(plan);
  });
});

/** Each name of an order that tools have, at each depth and in each file, from either end. */
const ORDER_KEYS: readonly OrderKey[] = [
  ..."deps depends depends_on dependsOn depends-on needs requires prerequisites blockedBy blocked_by blocked-by"
    .split(" ")
    .map((key) => ({ key, isInverse: false })),
  ..."blocks blocking".split(" ").map((key) => ({ key, isInverse: true })),
];

describe.each(ORDER_KEYS)("edges by `$key`", (order) => {
  test.each(all.filter(([, { ids, deps }]) => ids === "local number" && deps === "texts"))(
    "%s",
    async (_name, shape) => {
      const roots = tree(shape.depth);
      const edges = edgesIn(roots);
      const written = write(shape, roots, edges, undefined, order);
      const { plan, errors, notes } = await imported(written.text, written.file, optionsOf(written));
      expect(errors).toEqual([]);
      expect(edgesOf(plan as Plan).toSorted()).toEqual(stepEdges(edges));
      expect(notes.filter((note) => note.includes(order.key))).toEqual([]);
    },
  );
});

test.each([
  ["an id that nobody has", '"blocks": ["nine"]', "UnknownDependency", '"nine"'],
  ["itself", '"blocks": ["1"]', "SelfDependency", '"1"]'],
  ["no id", '"blocks": [["2"]]', "InvalidValue", '["2"]'],
])("a task that blocks %s is refused, with the place", async (_name, member, error, at) => {
  const text = `{"tasks": [{"id": 1, "title": "a", ${member}}, {"id": 2, "title": "b"}]}`;
  const { errors } = await imported(text, "tasks.json");
  expect(errors).toEqual([`${error} ${placeIn(text, at)}`]);
});

test("a task that is done blocks nothing, and one that is put off is waited for by nobody without a word", async () => {
  const text = (status: string): string =>
    `{"tasks": [{"id": 1, "status": "${status}", "blocks": [2]}, {"id": 2, "title": "b"}]}`;
  const done = await imported(text("done"), "tasks.json");
  expect([done.errors, done.notes.filter((note) => note.includes("2 -> 1"))]).toEqual([[], [expect.any(String)]]);
  expect((await imported(text("deferred"), "tasks.json")).errors).toEqual([
    expect.stringMatching(/^DependsOnLeftOut /),
  ]);
});

/** What can be wrong with the task `node`, and where; `node` is the last one. */
interface Mistake {
  readonly name: string;
  readonly extra: (node: TaskNode, roots: readonly TaskNode[]) => Readonly<Record<string, string>>;
  readonly error: string;
  /** Text at the place of the error. */
  readonly at: string;
  /** Imported all the same where the import is lenient. */
  readonly isLenient: boolean;
}

const MISTAKES: readonly Mistake[] = [
  {
    name: "an id that nobody has",
    extra: () => ({ dependencies: '["no-such-task"]' }),
    error: "UnknownDependency",
    at: '"no-such-task"',
    isLenient: true,
  },
  {
    name: "one of a list in one text",
    extra: () => ({ dependencies: '"1, 99.11"' }),
    error: "UnknownDependency",
    at: '"1, 99.11"',
    isLenient: true,
  },
  {
    name: "itself",
    extra: ({ id }) => ({ dependencies: `["${id}"]`, marked: "1" }),
    error: "SelfDependency",
    at: '"10',
    isLenient: true,
  },
  {
    name: "no id",
    extra: () => ({ id: "null", dependencies: "[]" }),
    error: "MissingId",
    at: '{ "id": null',
    isLenient: false,
  },
  {
    name: "no list of subtasks",
    extra: () => ({ dependencies: "[]", subtasks: '"later"' }),
    error: "InvalidTask",
    at: '"later"',
    isLenient: false,
  },
  {
    name: "a dependency that is no id",
    extra: () => ({ dependencies: '[["1"]]' }),
    error: "InvalidValue",
    at: '["1"]',
    isLenient: false,
  },
];

/** Ids and dependencies in the usual form: what is wrong stands in a place of its own. */
const usual = all.filter(([, { ids, deps }]) => ids === "local text" && deps === "full ids");

describe.each(MISTAKES)("refused: $name", ({ extra, error, at, isLenient }) => {
  test.each(usual)("%s", async (_name, shape) => {
    const roots = tree(shape.depth);
    const last = roots.flatMap(leavesOf).at(-1) as TaskNode;
    const more: Extra = (node) => (node === last ? extra(node, roots) : {});
    const written = write(shape, roots, [], more);
    const { errors, diagnostics } = await imported(written.text, written.file, optionsOf(written));
    const from = written.text.indexOf('"dependencies"', written.text.lastIndexOf("Title of 10"));
    const place = at === '"10' ? placeAfter(written.text, from, at) : placeIn(written.text, at);
    expect(errors).toEqual([`${error} ${place}`]);
    expect(diagnostics[0]?.hint).toBeDefined();
    const lenient = await imported(written.text, written.file, { ...optionsOf(written), lenient: true });
    if (!isLenient) return expect(lenient.errors).toEqual(errors);
    expect(lenient.errors).toEqual([]);
    expect(lenient.notes.some((note) => note.startsWith(`${place} `))).toBe(true);
    expect(lenient.plan?.steps).toHaveLength(roots.flatMap(leavesOf).length);
  });
});

function placeAfter(text: string, offset: number, part: string): string {
  const at = text.indexOf(part, offset);
  const before = text.slice(0, at).split("\n");
  return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

describe("refused: an id that is there already, once, with both places", () => {
  test.each(usual)("%s", async (_name, shape: Shape) => {
    const roots = tree(shape.depth);
    const siblings = roots.flatMap(leavesOf).slice(-3) as [TaskNode, TaskNode, TaskNode];
    const more: Extra = (node) => (node === siblings[2] ? { id: '"1"' } : {});
    const written = write(shape, roots, [{ from: siblings[1], to: siblings[0] }], more);
    const { errors, diagnostics } = await imported(written.text, written.file, optionsOf(written));
    const second = placeAfter(written.text, written.text.lastIndexOf('{ "id"'), '"1"');
    const first = placeAfter(
      written.text,
      written.text.lastIndexOf(`{ "id": "1", "title": "Title of ${siblings[0].id}"`),
      '"1"',
    );
    expect(errors).toEqual([`DuplicateStep ${second}`]);
    expect(diagnostics[0]?.message).toContain(`${written.file}:${first}`);
  });
});
