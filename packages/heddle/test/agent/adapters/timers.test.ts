/** The clocks of an attempt, on a clock of the test's own. */
import { expect, test } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { DEFAULT_AGENT_LIMITS } from "../../../src/agent/adapters/port.ts";
import { type Deadlines, deadlines } from "../../../src/agent/adapters/timers.ts";

function virtual(): { readonly clock: Clock; pass(ms: number): void; readonly waiting: () => number } {
  let now = 0;
  const timers = new Set<{ readonly due: number; readonly fire: () => void }>();
  return {
    clock: {
      now: () => now,
      after(delayMs, fire) {
        const timer = { due: now + delayMs, fire };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    pass(ms) {
      for (const end = now + ms; ;) {
        const next = [...timers].sort((a, b) => a.due - b.due)[0];
        if (next === undefined || next.due > end) return void (now = end);
        now = Math.max(now, next.due);
        timers.delete(next);
        next.fire();
      }
    },
    waiting: () => timers.size,
  };
}

const LIMITS = { ...DEFAULT_AGENT_LIMITS, startMs: 100, idleMs: 1000, toolIdleMs: 5000, attemptMs: 20_000 };

function under(): { readonly time: ReturnType<typeof virtual>; readonly its: Deadlines; readonly fired: string[] } {
  const time = virtual();
  const fired: string[] = [];
  return { time, fired, its: deadlines(time.clock, LIMITS, (which) => fired.push(`${which} at ${time.clock.now()}`)) };
}

test("start", () => {
  const { time, fired } = under();
  time.pass(99);
  expect(fired).toEqual([]);
  time.pass(10_000_000);
  expect(fired).toEqual(["start at 100"]);
  expect(time.waiting()).toBe(0);
});

test("idle, from the last that was heard", () => {
  const { time, its, fired } = under();
  its.ready();
  for (let i = 0; i < 5; i++) {
    time.pass(900);
    its.heard();
  }
  time.pass(999);
  expect(fired).toEqual([]);
  time.pass(1);
  expect(fired).toEqual(["idle at 5500"]);
});

test("stands still while somebody is asked, also two at once", () => {
  const { time, its, fired } = under();
  its.ready();
  its.asking(true);
  its.asking(true);
  time.pass(5000);
  its.asking(false);
  time.pass(5000);
  its.asking(false);
  time.pass(999);
  expect(fired).toEqual([]);
  time.pass(1);
  expect(fired).toEqual(["idle at 11000"]);
});

test("is longer while a tool is at work", () => {
  const { time, its, fired } = under();
  its.ready();
  its.tools(2);
  time.pass(4999);
  its.tools(1);
  expect(fired).toEqual([]);
  its.heard();
  its.tools(0);
  time.pass(1000);
  expect(fired).toEqual(["idle at 5999"]);
});

test("the attempt's own, asked or not", () => {
  const { time, its, fired } = under();
  its.ready();
  its.asking(true);
  time.pass(30_000);
  expect(fired).toEqual(["attempt at 20000"]);
});

test("nothing after the end", () => {
  const { time, its, fired } = under();
  its.ready();
  its.end();
  its.asking(true);
  its.asking(false);
  its.tools(1);
  time.pass(1_000_000);
  expect(fired).toEqual([]);
  expect(time.waiting()).toBe(0);
});
