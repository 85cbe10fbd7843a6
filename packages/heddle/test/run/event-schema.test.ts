import { describe, expect, test } from "vitest";
import { checkEvent, EVENT_TYPES } from "../../src/run/event-schema.ts";
import { sample, SAMPLES } from "./samples.ts";

/** Members whose value is not looked into, below which nothing can be wrong. */
const OPAQUE = new Set([
  "output",
  "item",
  "items",
  "value",
  "params",
  "with",
  "options",
  "agents",
  "default",
  "enum",
  "raw",
  "totals",
]);

/** Every way to an object or value inside `value`, with what is opaque left out. */
function pathsOf(value: unknown, at: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    return OPAQUE.has(key) ? [path] : [path, ...pathsOf(member, path)];
  });
}

function changed(
  event: unknown,
  path: readonly (string | number)[],
  change: (holder: Record<string, unknown>, key: string) => void,
): unknown {
  const copy: unknown = structuredClone(event);
  let holder = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  change(holder, String(path.at(-1)));
  return copy;
}

describe("checkEvent", () => {
  test("accepts a full event of every type, also when it comes back from JSON", () => {
    expect(SAMPLES.map((event) => event.type).sort()).toEqual([...EVENT_TYPES].sort());
    for (const event of SAMPLES) {
      expect([event.type, checkEvent(event)]).toEqual([event.type, undefined]);
      expect(checkEvent(JSON.parse(JSON.stringify(event)))).toBeUndefined();
    }
  });

  test("finds a value of a wrong kind wherever it stands", () => {
    let looked = 0;
    for (const event of SAMPLES) {
      for (const path of pathsOf(event)) {
        if (event.type === "step.progress" && path[0] === "data" && path.length > 1) continue;
        if (
          path.includes("output") &&
          path.at(-1) !== "steps" &&
          event.type !== "run.created" &&
          event.type !== "run.resumed"
        )
          continue;
        if (OPAQUE.has(String(path.at(-1)))) continue;
        const broken = changed(event, path, (holder, key) => {
          holder[key] = Symbol.iterator;
        });
        expect([event.type, path.join("."), checkEvent(broken)]).not.toEqual([event.type, path.join("."), undefined]);
        looked++;
      }
    }
    expect(looked).toBeGreaterThan(200);
  });

  test("finds a member that nobody knows, at every depth", () => {
    for (const event of SAMPLES) {
      expect(checkEvent({ ...event, extra: 1 })).toContain("has fields that");
      if (event.type !== "step.progress")
        expect(checkEvent({ ...event, data: { ...event.data, extra: 1 } })).toBe(".data.extra is unknown");
    }
    const skipped = sample("step.skipped");
    expect(checkEvent({ ...skipped, data: { reason: { kind: "condition", cause: "a" } } })).toBe(
      ".data.reason.cause is unknown",
    );
  });

  test("says the way to what is wrong", () => {
    const failed = sample("step.failed");
    expect(checkEvent({ ...failed, data: { ...failed.data, error: { code: "odd", message: "m" } } })).toMatch(
      /^\.data\.error\.code is not one of error, exit/,
    );
    expect(checkEvent({ ...failed, data: { error: failed.data.error, durationMs: 1 } })).toBe(
      ".data.willRetry is absent",
    );
    const created = structuredClone(sample("run.created")) as unknown as {
      data: { plan: { steps: { id: unknown }[] } };
    };
    (created.data.plan.steps[1] as { id: unknown }).id = 7;
    expect(checkEvent(created)).toBe(".data.plan.steps[1].id is not a string");
    expect(checkEvent({ ...failed, data: { ...failed.data, durationMs: Number.NaN } })).toContain(".data.durationMs");
  });

  test.each([
    [undefined, "is not an object"],
    [null, "is not an object"],
    [[], ".type"],
    [{ ...sample("run.started"), type: "run.exploded" }, ".type"],
    [{ ...sample("run.started"), type: "__proto__" }, ".type"],
    [{ ...sample("run.started"), seq: 0 }, ".seq"],
    [{ ...sample("run.started"), seq: 1.5 }, ".seq"],
    [{ ...sample("run.started"), run: "" }, ".run"],
    [{ ...sample("step.started"), attempt: -1 }, ".attempt"],
    [{ ...sample("step.started"), step: undefined }, ".step"],
    [{ ...sample("run.started"), step: "a" }, "has fields that"],
  ])("refuses an envelope that is none: %j", (event, where) => {
    expect(checkEvent(event)).toContain(where);
  });

  test("an absent optional member may be written as undefined, a required one may not", () => {
    const started = sample("step.started");
    expect(checkEvent({ ...started, data: { item: undefined } })).toBeUndefined();
    const succeeded = sample("step.succeeded");
    expect(checkEvent({ ...succeeded, data: { ...succeeded.data, output: undefined } })).toContain(".data.output");
  });
});
