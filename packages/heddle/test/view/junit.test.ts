/** The JUnit report: what its cases say of the steps, and that nothing that a step prints makes it another document. */
import { describe, expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import { escapeXml, junitReport, type JunitOptions } from "../../src/view/junit.ts";
import { runView, type RunViewInput } from "../../src/view/run-view.ts";
import { copyOf, expectedRuns, goldenNames, openCopy } from "../journal/golden-runs.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "./histories.ts";
import { readXml, type Element } from "./xml.ts";

function inputOf(plan: Plan, happenings: readonly Happening[]): RunViewInput {
  const { state, timeline } = read(history(plan, happenings));
  if (state === undefined) throw new Error("no state");
  return { state, timeline, live: false, now: 10_000, logFile: (step: string) => `/logs/${step}` };
}

function documentOf(input: RunViewInput, options: JunitOptions = {}): Element {
  return readXml([...junitReport(input, options)].join(""));
}

/** The suite and its cases; fails where the document is not what the widely used schema has. */
function suiteOf(root: Element): { readonly suite: Element; readonly cases: readonly Element[] } {
  expect([root.name, root.children.map(({ name }) => name)]).toEqual(["testsuites", ["testsuite"]]);
  const [suite] = root.children;
  if (suite === undefined) throw new Error("no suite");
  const [properties, ...cases] = suite.children;
  expect(properties?.name).toBe("properties");
  for (const each of properties?.children ?? []) {
    expect(each.name).toBe("property");
    expect(Object.keys(each.attributes)).toEqual(["name", "value"]);
  }
  const found = { failure: 0, error: 0, skipped: 0 };
  for (const one of cases) {
    expect(one.name).toBe("testcase");
    expect(Object.keys(one.attributes)).toEqual(["classname", "name", "time"]);
    expect(one.children.length).toBeLessThan(2);
    for (const { name, attributes } of one.children) {
      expect(["failure", "error", "skipped"]).toContain(name);
      expect(attributes["message"]).not.toBe("");
      found[name as keyof typeof found]++;
    }
  }
  const { tests, failures, errors, skipped, time = "", timestamp } = suite.attributes;
  expect({ tests, failures, errors, skipped }).toEqual({
    tests: String(cases.length),
    failures: String(found.failure),
    errors: String(found.error),
    skipped: String(found.skipped),
  });
  expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  for (const each of [time, ...cases.map(({ attributes }) => attributes["time"])]) expect(each).toMatch(/^\d+\.\d{3}$/);
  return { suite, cases };
}

const FAILED: readonly Happening[] = [
  [1010, started("a")],
  [1010, started("b")],
  [1110, succeeded("a", 100)],
  [2510, succeeded("b", 1500)],
  [2510, started("c")],
  [2550, failed("c", 40)],
  [2550, { type: "step.skipped", step: "d", data: { reason: { kind: "dependency", cause: "c" } } }],
  [2550, { type: "run.failed", data: { durationMs: 1550, failed: ["c"] } }],
];

const ENDED: readonly Happening[] = [
  [1010, started("a")],
  [1110, succeeded("a", 100)],
];
const ONE: Plan = { name: "one", steps: [{ id: "a", action: { kind: "run", command: "a" }, optional: true }] };

describe("the JUnit report", () => {
  test("has a case per step, with time in seconds, and what failed with its output", () => {
    const { suite, cases } = suiteOf(documentOf(inputOf(DIAMOND, FAILED), { outputOf: () => ["one", "two"] }));
    expect(suite.attributes).toMatchObject({ name: "diamond", timestamp: "1970-01-01T00:00:01" });
    expect(
      cases.map(({ attributes, children }) => [attributes["name"], attributes["time"], children[0]?.name]),
    ).toEqual([
      ["a", "0.100", undefined],
      ["b", "1.500", undefined],
      ["c", "0.040", "failure"],
      ["d", "0.000", "skipped"],
    ]);
    expect(cases[2]?.children[0]).toMatchObject({
      attributes: { message: "exit code 2", type: "exit" },
      text: "one\ntwo",
    });
    expect(cases[3]?.children[0]?.attributes["message"]).toContain("c");
    const properties = suite.children[0]?.children.map(({ attributes }) => [attributes["name"], attributes["value"]]);
    expect(properties).toContainEqual(["heddle.run", "r1"]);
    expect(properties).toContainEqual(["heddle.status", "failed"]);
  });

  test("does not count the failure of an optional step, and says that it failed", () => {
    const happened: readonly Happening[] = [
      [1010, started("a")],
      [1110, failed("a", 100)],
      [1110, { type: "run.succeeded", data: { durationMs: 110 } }],
    ];
    const { cases } = suiteOf(documentOf(inputOf(ONE, happened)));
    expect(cases[0]?.children[0]).toMatchObject({ name: "skipped" });
    expect(cases[0]?.children[0]?.attributes["message"]).toContain("exit code 2");
  });

  test("has an error or a failure exactly where the run has not succeeded", async () => {
    const ends: readonly (readonly Happening[])[] = [
      [],
      ENDED,
      [...ENDED, [1110, { type: "run.succeeded", data: { durationMs: 110 } }]],
      [...ENDED, [1110, { type: "run.failed", data: { durationMs: 110, failed: [], reason: "timeout" } }]],
      [...ENDED, [1110, { type: "run.cancelled", data: { reason: "cancel", durationMs: 110 } }]],
      [[1010, started("a")]],
    ];
    const inputs = ends.map((happened) => inputOf(ONE, happened));
    for (const name of goldenNames()) {
      using copy = copyOf(name);
      await using project = await openCopy(copy);
      for (const { run } of expectedRuns(name)) {
        const each = await project.runs.read(run);
        if (each.ok) inputs.push({ ...each.value, now: 10_000, logFile: () => null });
      }
    }
    expect(inputs.length).toBeGreaterThan(ends.length);
    const seen = new Set<string>();
    for (const input of inputs) {
      const { status } = runView(input);
      seen.add(status);
      const { suite } = suiteOf(documentOf(input));
      const bad = Number(suite.attributes["failures"]) + Number(suite.attributes["errors"]);
      expect([status, bad > 0]).toEqual([status, status !== "succeeded"]);
    }
    expect([...seen]).toEqual(expect.arrayContaining(["succeeded", "failed", "cancelled", "interrupted", "waiting"]));
  });

  test("stays one document, whatever steps are called and print", () => {
    const evil = [
      '"/><testcase name="x"/>',
      "]]></failure>",
      "<!-- <![CDATA[",
      "a & b &amp; &#0; &bogus;",
      "\u001b]0;title\u0007\u001b[2Jred\u001b[0m",
      Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join(""),
      "\ud800 half \udc00",
      "\ufffe\uffff \u{1f600} \u{10ffff}",
      "caf\u00e9 \u202e\u200b\ufeff",
      "x".repeat(100_000),
    ];
    for (const text of evil) {
      const plan: Plan = { ...DIAMOND, name: text };
      const happened = FAILED.map(([time, body]): Happening => {
        if (body.type !== "step.failed") return [time, body];
        return [time, { ...body, data: { ...body.data, error: { code: "exit", message: `exit code 2\n${text}` } } }];
      });
      for (const options of [{}, { outputOf: () => [text, text] }]) {
        const { cases } = suiteOf(documentOf(inputOf(plan, happened), options));
        expect(cases.map(({ attributes }) => attributes["name"])).toEqual(["a", "b", "c", "d"]);
      }
    }
  });

  test("gives back what a reader can see", () => {
    for (const text of ["a\tb\nc\rd", "<&>\"'", "\u{1f600}\u00e9"])
      expect(readXml(`<?xml version="1.0" encoding="UTF-8"?><a b="${escapeXml(text)}"/>`).attributes["b"]).toBe(text);
  });
});
