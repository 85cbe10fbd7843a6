import type { JsonObject } from "../../src/base/json.ts";
import { describe, expect, it, test } from "vitest";
import { localBackend, type LocalBackendOptions } from "../../src/backend/local.ts";
import { backendSuite, type BackendSetting, backendTask, type TaskControl } from "../support/suites/backend.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Outcome } from "../../src/run/attempt.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A clock that stands until it is moved. */
class HandClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of Array.from(this.#timers)) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.fire();
    }
  }

  get waiting(): number {
    return this.#timers.size;
  }
}

function setting(options: Partial<LocalBackendOptions> = {}): BackendSetting & { readonly clock: HandClock } {
  const clock = new HandClock();
  const controls = new Map<string, TaskControl>();
  const sweeps: { run: string; graceMs: number; kept: readonly string[] }[] = [];
  const backend = localBackend({
    clock,
    sweeper: {
      async sweep(run, sweep = {}) {
        sweeps.push({ run, graceMs: sweep.graceMs ?? -1, kept: ["a", "b"].filter((step) => sweep.keep?.(step, 1)) });
        return 0;
      },
    },
    execute(task, onNote) {
      const { promise: outcome, resolve: end } = Promise.withResolvers<Outcome>();
      const asked: string[] = [];
      const progress = (data: JsonObject): void => onNote({ type: "step.progress", data });
      controls.set(task.step.id, { asked, progress, end });
      return { outcome, stop: (reason) => void asked.push(`stop ${reason}`), kill: () => void asked.push("kill") };
    },
    ...options,
  });
  async function control(step: string): Promise<TaskControl> {
    const found = controls.get(step);
    if (found === undefined) throw new Error(`${step} is not carried out`);
    return found;
  }
  return { backend, clock, control, sweeps };
}

backendSuite({ describe, it, expect }, "localBackend", async () => setting());

const DONE: Outcome = { kind: "succeeded", output: null };
const ignore = (): void => undefined;

test("sweeps at most once a second while something runs, and only runs in which a command ended", async () => {
  const { backend, clock, control, sweeps } = setting();
  const last = backend.dispatch(backendTask("last"), ignore);
  clock.advance(5000);
  expect(sweeps).toEqual([]);
  for (const step of ["a", "b", "c"]) {
    const dispatched = backend.dispatch(backendTask(step), ignore);
    (await control(step)).end(DONE);
    await dispatched.outcome;
  }
  clock.advance(999);
  expect(sweeps).toEqual([]);
  clock.advance(1);
  expect(sweeps).toEqual([{ run: "run1", graceMs: 100, kept: [] }]);
  await Promise.resolve();
  clock.advance(60_000);
  expect(sweeps.length).toBe(1);
  (await control("last")).end(DONE);
  await last.outcome;
  expect(clock.waiting).toBe(0);
  await backend[Symbol.asyncDispose]();
});

test("trusts the runners that know of no leftover, but not about what other engines left", async () => {
  let loose = false;
  const { backend, control, sweeps } = setting({ mayHaveLeftovers: () => loose });
  const dispatched = backend.dispatch(backendTask("a"), ignore);
  (await control("a")).end(DONE);
  await dispatched.outcome;
  expect(await backend.sweep("run1", 1)).toBe(0);
  expect(sweeps.length).toBe(0);
  loose = true;
  await backend.sweep("run1", 1);
  expect(sweeps.length).toBe(1);
  await backend[Symbol.asyncDispose]();
});

test("looks again at the end of a run that another engine held: its leftovers are nobody's here", async () => {
  const { backend, control, sweeps } = setting({ mayHaveLeftovers: () => false });
  await backend.sweep("run1", 1);
  const dispatched = backend.dispatch(backendTask("a"), ignore);
  (await control("a")).end(DONE);
  await dispatched.outcome;
  await backend.sweep("run1", 1);
  expect(sweeps.length).toBe(2);
  await backend[Symbol.asyncDispose]();
});

test("warms its runners and disposes of them last", async () => {
  const said: string[] = [];
  const { backend } = setting({
    warm: () => void said.push("warm"),
    dispose: async () => void said.push("dispose"),
  });
  backend.warm();
  await backend[Symbol.asyncDispose]();
  expect(said).toEqual(["warm", "dispose"]);
});

test("ends an attempt that its engine released: another engine would begin it anew", async () => {
  const { backend, control } = setting();
  const dispatched = backend.dispatch(backendTask("a"), () => undefined);
  const a = await control("a");
  dispatched.release();
  expect(a.asked).toEqual(["kill"]);
  a.end({ kind: "stopped", reason: "cancel" });
  expect(await dispatched.outcome).toEqual({ kind: "stopped", reason: "cancel" });
  await backend[Symbol.asyncDispose]();
});
