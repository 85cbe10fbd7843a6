/**
 * Attempts without processes: each does what its seed says, on virtual time, outlives its engine like a real one, and is ended
 * by a stop, a kill or a sweep. Tells the oracle what is carried out and what happened.
 */
import type { Backend, Dispatched } from "../../src/backend/port.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Step } from "../../src/plan/plan.ts";
import type { Alive, Oracle } from "./oracle.ts";
import { generatedAttempt, hash, type GeneratedAttempt, type PlanShape } from "./plans.ts";
import type { Outcome, StopReason, Note, Task } from "../../src/run/attempt.ts";

export interface World {
  readonly clock: Clock;
  readonly seed: number;
  readonly shape: PlanShape;
  readonly oracle: Oracle;
  /** Everything that lives, whichever engine began it. */
  readonly alive: Set<Alive>;
  /** How to end each of them at once. */
  readonly endings: Map<Alive, () => void>;
}

export interface Engine {
  readonly number: number;
  /** Abandoned: nothing reaches it, nothing of it reaches the world. */
  isDead: boolean;
  /** It was refused or an append of it failed: it may not act any more. */
  isRefused: boolean;
  /** When somebody cancelled it. */
  cancelledAt: number | undefined;
}

/** After a cancel no attempt goes on for longer without having been asked to stop: what commits under way may take. */
const LONGEST_DEAFNESS_MS = 50;

/** An attempt of an engine that is dead. */
function unheard(): Dispatched {
  const nothing = (): void => undefined;
  return { outcome: new Promise(nothing), stop: nothing, kill: nothing, release: nothing };
}

/** The backend of one engine in the world. */
export function fakeBackend(world: World, engine: Engine, beforeDispatch: () => void): Backend {
  return {
    dispatch(task, onNote) {
      beforeDispatch();
      if (engine.isDead) return unheard();
      if (task.attempt > 0 && hash(task.step.id) % 4 === 0) {
        world.clock.after(20, () => {
          if (!engine.isDead) onNote({ type: "step.progress", data: { done: 0.5 } });
        });
      }
      return carryOut(world, engine, task, onNote);
    },
    warm: () => undefined,
    async sweep(run, _graceMs, keep) {
      if (engine.isDead) return new Promise(() => undefined);
      await new Promise<void>((resolve) => {
        world.clock.after(1, resolve);
      });
      let found = 0;
      for (const one of world.alive) {
        if (one.task.run !== run || keep?.(one.task.step.id, one.task.attempt) === true) continue;
        if (engine.isDead) break;
        found++;
        world.endings.get(one)?.();
      }
      return found;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** How long an answer to an agent at work may take. */
const LEAVE_MS = 400;

function carryOut(world: World, engine: Engine, task: Task, onNote: (note: Note) => void): Dispatched {
  const isUndo = task.attempt === 0;
  const one: Alive = { engine: engine.number, task, isUndo };
  world.oracle.carriedOut(one, !engine.isRefused);
  world.alive.add(one);
  const scripted = isUndo
    ? undoDeed(world.seed, task.step.id)
    : generatedAttempt(world.seed, world.shape, task.step, task.attempt);
  let settle: (outcome: Outcome) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  let asked: StopReason | undefined;
  const finish = (result: Outcome): void => {
    if (!world.alive.delete(one)) return;
    world.endings.delete(one);
    cancelEnd();
    if (!engine.isDead) settle(result);
  };
  const person = isUndo ? "none" : personOf(world, task);
  let cancelEnd = (): void => undefined;
  const end = (): void => {
    const { cancelledAt } = engine;
    const isDeaf = cancelledAt !== undefined && world.clock.now() > cancelledAt + LONGEST_DEAFNESS_MS;
    if (isDeaf && asked === undefined && !isUndo && !engine.isDead) world.oracle.deaf(one);
    if (scripted.kind === "hangs") return;
    if (scripted.kind === "fails")
      return finish({ kind: "failed", error: { code: scripted.code, message: "it failed" } });
    if (person === "question" || person === "conflict")
      return finish({ kind: "unresolved", about: person, question: "what now?" });
    world.oracle.happened(task.step.id, task.attempt, scripted.output);
    finish({
      kind: "succeeded",
      output: scripted.output,
      ...(scripted.adds.length > 0 && { steps: scripted.adds.map(asWritten) }),
    });
  };
  // One that wants leave goes on when it is answered: if it never is, the run does not end, and that is found.
  let isAsking = person === "permission";
  const goOn = (): void => {
    if (!isAsking) return;
    isAsking = false;
    cancelEnd = world.clock.after(scripted.durationMs, end);
  };
  cancelEnd = world.clock.after(scripted.durationMs, () => {
    if (!isAsking) return end();
    const data = { about: "permission" as const, question: "may it?", deadline: world.clock.now() + LEAVE_MS };
    if (!engine.isDead) onNote({ type: "approval.requested", data });
  });
  world.endings.set(one, () => finish({ kind: "stopped", reason: "cancel" }));
  const kill = (): void => {
    if (!engine.isDead) world.clock.after(0, () => finish({ kind: "stopped", reason: asked ?? "cancel" }));
  };
  return {
    outcome,
    stop(reason) {
      if (engine.isDead || asked !== undefined) return;
      asked = reason;
      const forced = scripted.stopMs > task.graceMs;
      const result: Outcome = { kind: "stopped", reason, ...(forced && { abandoned: true as const }) };
      world.clock.after(Math.min(scripted.stopMs, task.graceMs), () => finish(result));
    },
    kill,
    // Attempts die with their engine here, as those of one process do.
    release: kill,
    answer() {
      if (!engine.isDead) goOn();
    },
  };
}

/** What an agent's attempt wants of a person: mostly nothing, and nothing where no person is in the world. */
function personOf({ seed, shape }: World, { step, attempt }: Task): "none" | "question" | "conflict" | "permission" {
  if (step.action.kind !== "agent" || shape.approvals === 0) return "none";
  const roll = hash(`person ${seed} ${step.id} ${attempt}`) % 12;
  return (["question", "conflict", "permission", "permission"] as const)[roll] ?? "none";
}

/** A step as a plan file has it: that is how steps are added. */
function asWritten({ id, deps, optional }: Step): unknown {
  return { id, run: "true", ...(deps !== undefined && { deps }), ...(optional !== undefined && { optional }) };
}

/** One undo in eight fails. */
function undoDeed(seed: number, step: string): GeneratedAttempt {
  const roll = hash(`undo ${seed} ${step}`);
  const kind = roll % 8 === 0 ? "fails" : "succeeds";
  return { kind, durationMs: roll % 50, code: "exit", output: null, adds: [], stopMs: 0 };
}
