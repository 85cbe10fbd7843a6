import { describe, expect, test } from "vitest";
import { dot, mermaid, tree } from "../../src/graph/draw.ts";
import { graphOf, step } from "./steps.ts";

const SMALL = [
  step("schema"),
  step("ui"),
  step("api", ["schema"]),
  step("ship", ["api", "ui"]),
  step("tidy", [], ["api"]),
];

describe("tree", () => {
  test("stands each step under each of its parents", () => {
    expect([...tree(graphOf(SMALL))]).toEqual(["schema", "└─ api", "   ├─ ship", "   └─ tidy", "ui", "└─ ship"]);
  });

  test("keeps the lines of open branches", () => {
    expect([...tree(graphOf({ a: [], b: ["a"], c: ["b"], d: ["a"] }))]).toEqual(["a", "├─ b", "│  └─ c", "└─ d"]);
  });

  test("past 1000 lines cuts short what was printed in full: 40 diamonds in a row end", () => {
    const plan: Record<string, string[]> = { j0: [] };
    for (let i = 1; i <= 40; i++) {
      plan[`l${i}`] = [`j${i - 1}`];
      plan[`r${i}`] = [`j${i - 1}`];
      plan[`j${i}`] = [`l${i}`, `r${i}`];
    }
    const lines = [...tree(graphOf(plan))];
    expect(lines.length).toBeGreaterThan(1000);
    expect(lines.length).toBeLessThan(1400);
    expect(lines.slice(0, 1000).some((line) => line.includes("j3 …"))).toBe(false);
    expect(lines.slice(1000).some((line) => line.endsWith("…"))).toBe(true);
    for (const id of Object.keys(plan)) expect(lines.some((line) => line.endsWith(id))).toBe(true);
  });

  test("a chain of 20,000 goes on at the margin and shows every step in full once", () => {
    const lines = [
      ...tree(graphOf(Array.from({ length: 20_000 }, (_, i) => step(`s${i}`, i === 0 ? [] : [`s${i - 1}`])))),
    ];
    const full = lines.filter((line) => !line.endsWith("…"));
    expect(full).toHaveLength(20_000);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(140);
  });
});

describe("mermaid and dot", () => {
  test("draw deps as arrows and `after` apart", () => {
    expect([...mermaid(graphOf(SMALL))]).toEqual([
      "flowchart TD",
      '  s0["schema"]',
      '  s1["ui"]',
      '  s2["api"]',
      '  s3["ship"]',
      '  s4["tidy"]',
      "  s0 --> s2",
      "  s2 --> s3",
      "  s1 --> s3",
      "  s2 -.-> s4",
    ]);
    expect([...dot(graphOf(SMALL), { name: "p" })].slice(-5)).toEqual([
      "  s0 -> s2;",
      "  s2 -> s3;",
      "  s1 -> s3;",
      "  s2 -> s4 [style=dashed];",
      "}",
    ]);
  });

  test("style steps by class", () => {
    const lines = [...mermaid(graphOf({ a: [] }), { classOf: () => "failed", styles: { failed: "fill:#fdd" } })];
    expect(lines).toEqual(["flowchart TD", '  s0["a"]:::failed', "  classDef failed fill:#fdd"]);
  });

  const HOSTILE = [
    `a"]; click s0 "javascript:alert(1)`,
    "a\nend\nstyle s0 fill:red",
    "<img src=x onerror=alert(1)>",
    "%%{init: {'securityLevel':'loose'}}%%",
    "`markdown`",
    'x", URL="javascript:alert(1)',
    "ends in \\",
    "\\N & #quot; #35;",
    "\u2028\u001b[2J",
  ];

  test.each(HOSTILE)("keep %j inside its label", (label) => {
    const graph = graphOf({ a: [] });
    const [, node, ...rest] = mermaid(graph, { labelOf: () => label });
    expect(rest).toEqual([]);
    expect(node).toMatch(/^ {2}s0\["(?:[\p{L}\p{N} ._/,:()-]|#\d+;)*"\]$/u);
    const decoded = node?.slice(6, -2).replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
    expect(decoded).toBe(label.replace(/\p{Cc}+/gu, " "));
    const drawn = [...dot(graph, { labelOf: () => label })];
    expect(drawn).toHaveLength(5);
    expect(drawn[3]).toMatch(/^ {2}s0 \[label="(?:[^"\\\p{Cc}]|\\["\\])*"\];$/u);
  });
});
