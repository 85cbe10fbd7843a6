/** The engine against the world of `test/support/simulation.ts`; the promises it is held to are the numbered lines of `oracle.ts`. */
import { describe, expect, test } from "vitest";
import { KIND_SHAPE, USUAL_SHAPE } from "../support/plans.ts";
import { historyText, simulate } from "../support/simulation.ts";
import { canonicalText } from "../../src/run/canonical-history.ts";

// Loaded here, so that no simulated run waits for the disk.
import "../../src/graph/compile.ts";
import "../../src/plan/expression/cel.ts";

const SEEDS = 400;

describe("simulation", () => {
  test(`${SEEDS} lives with crashes, failed appends, lost leases and people who interfere keep every promise (R1, R2, R3, R11)`, async () => {
    const broken: string[] = [];
    let crashes = 0;
    let effects = 0;
    let changes = 0;
    const ends = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await simulate({ seed });
      crashes += report.crashes;
      effects += report.effects;
      ends.add(report.status);
      changes += report.events.filter(({ type }) => type === "run.options").length;
      broken.push(...report.violations.map((violation) => `seed ${seed}: ${violation}`));
    }
    expect(broken).toEqual([]);
    // A world in which little happens proves little.
    expect(crashes).toBeGreaterThan(SEEDS / 2);
    expect(effects).toBeGreaterThan(SEEDS * 8);
    expect(changes).toBeGreaterThan(SEEDS / 8);
    expect([...ends].sort()).toEqual(["cancelled", "failed", "succeeded"]);
  });

  test("steps that may write the same files take turns where the plan says so, added ones too", async () => {
    const broken: string[] = [];
    for (let seed = 3000; seed < 3060; seed++) {
      const report = await simulate({ seed, shape: { ...USUAL_SHAPE, writes: 0.6, additions: 0.3, deps: 0.2 } });
      broken.push(...report.violations.map((violation) => `seed ${seed}: ${violation}`));
    }
    expect(broken).toEqual([]);
  });

  test("waits end, and steps that are always to run have run, whoever dies and interferes", async () => {
    const broken: string[] = [];
    for (let seed = 5000; seed < 5080; seed++) {
      const report = await simulate({ seed, shape: { ...USUAL_SHAPE, always: 0.2, waits: 0.2 } });
      broken.push(...report.violations.map((violation) => `seed ${seed}: ${violation}`));
    }
    expect(broken).toEqual([]);
  });

  test("the same seed gives the same history, byte by byte (R4)", async () => {
    for (let seed = 1000; seed < 1060; seed++) {
      const [once, twice] = [await simulate({ seed }), await simulate({ seed })];
      expect(historyText(twice.events)).toBe(historyText(once.events));
    }
  });

  test("canonical histories are equal over concurrency 1 to 16 and both schedules (R4)", async () => {
    for (let seed = 2000; seed < 2025; seed++) {
      const texts = new Set<string>();
      for (const maxConcurrency of [1, 2, 3, 5, 8, 16]) {
        for (const schedule of ["ready", "layers"] as const) {
          const run = { maxConcurrency, schedule, failure: "continue", rollback: "none" } as const;
          const report = await simulate({
            seed,
            shape: { ...USUAL_SHAPE, approvals: 0, timeouts: 0 },
            crashes: 0,
            interference: false,
            resumes: 0,
            run,
          });
          expect(report.violations).toEqual([]);
          texts.add(canonicalText(report.events));
        }
      }
      expect([seed, texts.size]).toEqual([seed, 1]);
    }
  });

  test("a kind world in which engines die comes to the same outputs as one in which none does", async () => {
    for (let seed = 3000; seed < 3040; seed++) {
      const calm = await simulate({ seed, shape: KIND_SHAPE, crashes: 0, interference: false });
      const wild = await simulate({ seed, shape: KIND_SHAPE, crashes: 20, interference: false });
      expect([seed, calm.status, wild.status]).toEqual([seed, "succeeded", "succeeded"]);
      expect(stepsOf(wild.events)).toEqual(stepsOf(calm.events));
    }
  });
});

/** Final type of each step's last end, whichever attempt it was. */
function stepsOf(events: Awaited<ReturnType<typeof simulate>>["events"]): Record<string, string> {
  const ends: Record<string, string> = {};
  for (const event of events) {
    if (event.type === "step.succeeded" || event.type === "step.failed" || event.type === "step.skipped")
      ends[event.step] = event.type;
  }
  return Object.fromEntries(Object.entries(ends).sort(([a], [b]) => (a < b ? -1 : 1)));
}
