import { describe, expect, test } from "vitest";
import { compilePlan } from "../../src/graph/compile.ts";
import type { Diagnostic } from "../../src/plan/diagnostic.ts";

async function warningsOf(text: string, file = "plan.yaml"): Promise<readonly Diagnostic[]> {
  const compiled = await compilePlan({ text, file });
  if (!compiled.ok) throw new Error(compiled.error.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return compiled.value.warnings ?? [];
}

/** `name deps [more]: globs` per line. */
function planOf(steps: readonly string[], top = ""): string {
  return `${top}\nsteps:\n${steps.map((step) => `  - { run: "true", ${step} }`).join("\n")}\n`;
}

const count = async (steps: readonly string[], top = ""): Promise<number> =>
  (await warningsOf(planOf(steps, top))).length;

describe("overlapping writes", () => {
  test("are a warning at the later step's `writes`, with both names, both globs and the cures", async () => {
    const text = `steps:
  - id: api
    run: "true"
    writes: [src/api/**]
  - id: types
    run: "true"
    writes:
      - docs/x
      - src/**/*.ts
`;
    expect(await warningsOf(text)).toEqual([
      {
        code: "OverlappingWrites",
        severity: "warning",
        message:
          'steps "types" and "api" (line 4) can run at the same time and write "src/**/*.ts" and "src/api/**", which can match the same file',
        file: "plan.yaml",
        line: 7,
        column: 5,
        hint: "order them with `deps` or `after`, or run them one after the other: agents: {conflicts: serialize}",
      },
    ]);
  });

  test("are found in JSON, and in the same glob", async () => {
    const steps = ["a", "b"].map((id) => ({ id, run: "true", writes: ["x"] }));
    const [warning] = await warningsOf(JSON.stringify({ steps }, null, 2), "plan.json");
    expect(warning).toMatchObject({ line: 13, column: 7 });
    expect(warning?.message).toBe('steps "b" and "a" (line 6) can run at the same time and write "x"');
  });

  test("are none where a path of edges leads from one to the other, in either direction", async () => {
    const chain = ["id: a, writes: [x]", "id: b, deps: [a]", "id: c, after: [b], writes: [x]"];
    expect(await count(chain)).toBe(0);
    expect(await count(chain.toReversed())).toBe(0);
    expect(await count(["id: a, writes: [x]", "id: b, deps: [a]", "id: c, writes: [x]"])).toBe(1);
    expect(await count(["id: r", "id: a, deps: [r], writes: [x]", "id: b, deps: [r], writes: [x]"])).toBe(1);
  });

  test("are none where something else makes them take turns", async () => {
    const of = (more: string): readonly string[] => [`id: a, writes: [x], ${more}`, `id: b, writes: [x], ${more}`];
    expect(await count(of("locks: { write: [l] }"))).toBe(0);
    expect(await count(of("locks: { read: [l] }"))).toBe(1);
    expect(await count(of("group: g"))).toBe(1);
    expect(await count(of("optional: true"), "maxConcurrency: 1")).toBe(0);
    expect(await count(of("optional: true"), "agents: { conflicts: serialize }")).toBe(0);
    expect(await count(of("optional: true"), "agents: { conflicts: warn }")).toBe(1);
    const agents = (more: string): string =>
      `maxAgents: 2\nsteps: [{ id: a, agent: x, writes: [x], ${more} }, { id: b, agent: x, writes: [x], ${more} }]`;
    expect(await warningsOf(agents("group: g"))).toEqual([]);
    expect(await warningsOf(agents("optional: true"))).toHaveLength(1);
    expect(await warningsOf(agents("optional: true").replace("maxAgents: 2", "maxAgents: 1"))).toEqual([]);
  });

  test("one pair is told once, however many globs meet", async () => {
    expect(await count(["id: a, writes: [x, y, '**']", "id: b, writes: [x, y]"])).toBe(1);
    expect(await count(["id: a, writes: [x, x]", "id: b, writes: [y, z]"])).toBe(0);
  });

  test("plans inside steps are looked at: beside, inside, before and after", async () => {
    const inner = (id: string, more: string, writes: string): string =>
      `{ id: ${id}, ${more} plan: { steps: [{ id: one, run: "true", writes: [${writes}] }, { id: two, deps: [one], run: "true" }] } }`;
    const text = (more: string): string =>
      `steps:\n  - ${inner("p", "", "x")}\n  - ${inner("q", more, "x")}\n  - { id: last, deps: [p], run: "true", writes: [x] }\n`;
    const names = async (more: string): Promise<readonly string[]> =>
      (await warningsOf(text(more))).map(({ message }) => (message.match(/"[^"]*"/g) ?? []).slice(0, 2).join());
    expect(await names("")).toEqual(['"q/one","p/one"', '"last","q/one"']);
    expect(await names("deps: [p],")).toEqual(['"last","q/one"']);
    expect(await names("deps: [last],")).toEqual([]);
    const both = `{ id: one, run: "true", writes: [x] }, { id: two, run: "true", writes: [x] }`;
    expect(await warningsOf(`steps: [{ id: p, plan: { steps: [${both}] } }]`)).toHaveLength(1);
  });

  test("the first twenty are told, the others counted", async () => {
    const steps = Array.from({ length: 10 }, (_, at) => `id: s${at}, writes: [x]`);
    const warnings = await warningsOf(planOf(steps));
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)?.message).toBe("25 more pairs of steps may write the same files");
  });
});

describe("large and hostile plans", () => {
  const many = (length: number, step: (at: number) => object): string =>
    JSON.stringify({ steps: Array.from({ length }, (_, at) => ({ id: `s${at}`, run: "true", ...step(at) })) });

  test.each([
    ["all the same glob", many(2000, () => ({ writes: ["src/**"] })), /^1998980 more/],
    ["a glob each", many(2000, (at) => ({ writes: [`src/${at}/**`, `docs/${at}.md`] })), undefined],
    ["a chain", many(2000, (at) => ({ writes: ["src/**"], ...(at > 0 && { deps: [`s${at - 1}`] }) })), undefined],
    [
      "globs that meet in the middle",
      many(2000, (at) => ({ writes: [at % 2 === 0 ? `**/${at}/*.ts` : `*/${at}/**/b?.ts`] })),
      /^at least \d+ more/,
    ],
    ["hostile globs", many(100, (at) => ({ writes: [`${"*a".repeat(200)}${at}`] })), /^not all pairs/],
    [
      "hostile braces",
      many(2000, (at) => ({ writes: [`${"*a".repeat(50)}${at}${"{a,b}".repeat(5)}`] })),
      /^not all pairs/,
    ],
  ])("%s: an answer after bounded work", async (_, text, more) => {
    const warnings = await warningsOf(text, "plan.json");
    if (more === undefined) expect(warnings).toEqual([]);
    else expect(warnings.at(-1)?.message).toMatch(more);
  });
});
