/** Journal first, act second; and what happens when the journal says no. */
import { describe, expect, it } from "vitest";
import { err } from "../../src/base/result.ts";
import type { Journal } from "../../src/journal/port.ts";
import { Rig } from "./rig.ts";

const DIAMOND = `
steps:
  - { id: a, run: x }
  - { id: b, deps: [a], run: x }
  - { id: c, deps: [a], run: x }
  - { id: d, deps: [b, c], run: x }
`;

/** A journal whose appends the test lets through one by one. */
function gated(): {
  readonly wrap: (inner: Journal) => Journal;
  readonly open: () => void;
  readonly waiting: () => number;
} {
  const gates: (() => void)[] = [];
  return {
    wrap: (inner) =>
      new Proxy(inner, {
        get(target, name) {
          if (name !== "append") return bound(target, name);
          return async (...args: Parameters<Journal["append"]>) => {
            await new Promise<void>((resolve) => gates.push(resolve));
            return target.append(...args);
          };
        },
      }),
    open: () => gates.shift()?.(),
    waiting: () => gates.length,
  };
}

function bound(target: Journal, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name);
  return typeof member === "function" ? member.bind(target) : member;
}

describe("journal first", () => {
  it("dispatches no attempt and tells nobody before the events are on disk", async () => {
    const gate = gated();
    const rig = new Rig({ journal: gate.wrap });
    await rig.start(DIAMOND);
    expect(gate.waiting()).toBe(1);
    expect(rig.dispatched).toEqual([]);
    expect(rig.told).toEqual([]);
    gate.open();
    await rig.quiet();
    expect(rig.dispatched).toEqual(["a#1"]);
    expect(rig.told).toEqual(["run.created", "run.started", "step.started a"]);
  });

  it("starts no dependent before the end of its dep is on disk, and puts both in one commit", async () => {
    const gate = gated();
    const rig = new Rig({ journal: gate.wrap });
    await rig.start(DIAMOND);
    gate.open();
    await rig.quiet();
    await rig.succeed("a");
    expect(rig.dispatched).toEqual(["a#1"]);
    gate.open();
    await rig.quiet();
    expect(rig.dispatched).toEqual(["a#1", "b#1", "c#1"]);
    expect(gate.waiting()).toBe(0);
  });

  it("puts ends that come together in one commit", async () => {
    const commits: string[][] = [];
    const rig = new Rig({
      journal: (inner) =>
        new Proxy(inner, {
          get(target, name) {
            if (name !== "append") return bound(target, name);
            return (...args: Parameters<Journal["append"]>) => {
              commits.push(args[1].map(({ type }) => type));
              return target.append(...args);
            };
          },
        }),
    });
    await rig.start(`steps: [${Array.from({ length: 8 }, (_, i) => `{ id: s${i}, run: x }`).join(", ")}]`);
    await Promise.all(rig.running.map((step) => rig.succeed(step)));
    expect(commits[1]).toEqual(Array.from({ length: 8 }, () => "step.succeeded"));
  });
});

describe("a journal that fails", () => {
  it("stops at once: nothing is told, started or appended after, and the run says why", async () => {
    let broken = false;
    let after = 0;
    const problem = { code: "DiskFull", message: "the disk is full" };
    const rig = new Rig({
      journal: (inner) =>
        new Proxy(inner, {
          get(target, name) {
            if (name !== "append") return bound(target, name);
            return async (...args: Parameters<Journal["append"]>) => {
              if (!broken) return target.append(...args);
              after++;
              return err({ kind: "unknown", problem });
            };
          },
        }),
    });
    const handle = await rig.start(DIAMOND);
    broken = true;
    const told = rig.told.length;
    await rig.succeed("a");
    const result = await handle.result;
    expect(result).toMatchObject({ status: "failed", stopped: problem });
    expect(after).toBe(1);
    expect(rig.told.length).toBe(told);
    expect(rig.dispatched).toEqual(["a#1"]);
  });

  it("stops when its lease is lost, and leaves the run to the new holder", async () => {
    let lost = false;
    const rig = new Rig({
      pollMs: 100,
      journal: (inner) =>
        new Proxy(inner, {
          get: (target, name) => (name === "heartbeat" ? async () => !lost : bound(target, name)),
        }),
    });
    const handle = await rig.start(DIAMOND);
    await rig.pass(20_000);
    expect(rig.running).toEqual(["a"]);
    lost = true;
    await rig.pass(6000);
    expect((await handle.result).stopped?.code).toBe("LeaseLost");
    // Whoever holds it now may have to do with the attempt: it is given up, not merely ended.
    expect(rig.released).toEqual(["a#1"]);
  });

  it("refuses a second engine on a run, naming the first", async () => {
    const rig = new Rig();
    const handle = await rig.start(DIAMOND);
    const other = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    await expect(other.resume(handle.run)).rejects.toThrow(/RunHeld.*rig 1 \(pid 1\)/);
  });
});
