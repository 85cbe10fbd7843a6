/** P5: an engine that is stopped for a while does no harm: it goes on, or finds that another has its run and leaves it alone. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LEASE_TERM_MS } from "../../src/journal/port.ts";
import { eventsOf, expectRefusal, expectSound, kinds, place } from "../faults/rig.ts";
import { until } from "../support/until.ts";
import type { Rig, Running } from "../support/command-line.ts";
import { report, scaled } from "./scale.ts";

const STEPS = 8;

/** A chain of steps that each leave a mark; the third waits for `go`. */
function chain(): string {
  const steps = Array.from({ length: STEPS }, (_, i) => {
    const wait = i === 2 ? "touch waiting; while [ ! -e go ]; do sleep 0.02; done; " : "";
    return `  - {id: s${i}, run: "${wait}echo ${i} >> effects"${i === 0 ? "" : `, deps: [s${i - 1}]`}}`;
  });
  return `grace: 200ms\nsteps:\n${steps.join("\n")}\n`;
}

function effects(at: Rig): readonly string[] {
  return readFileSync(join(at.dir, "effects"), "utf8").trim().split("\n");
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Starts a run and stops its engine while the third step runs. */
async function frozen(at: Rig): Promise<Running> {
  const running = at.spawn(["run", "--json"], { timeoutMs: 300_000 });
  await until(() => existsSync(join(at.dir, "waiting")));
  running.child.kill("SIGSTOP");
  return running;
}

const EXPECTED = Array.from({ length: STEPS }, (_, i) => String(i));

/** One freeze: the step ends meanwhile, or only after. */
async function freeze(ms: number, endsMeanwhile: boolean): Promise<string | undefined> {
  using at = place({ "heddle.yaml": chain() });
  const running = await frozen(at);
  if (endsMeanwhile) at.write("go", "");
  await sleep(ms);
  // Others can look at it all the time.
  if ((await at.spawn(["show"]).done).code !== 0) return "show failed while it was stopped";
  running.child.kill("SIGCONT");
  at.write("go", "");
  const ended = await running.done;
  if (ended.code !== 0) return `ended with ${ended.code}: ${ended.stderr}`;
  const events = await expectSound(at);
  const starts = kinds(events).filter((kind) => kind.startsWith("step.started"));
  if (starts.length !== STEPS) return `started ${starts.join(", ")}`;
  if (effects(at).join() !== EXPECTED.join()) return `effects ${effects(at).join()}`;
  return JSON.stringify(eventsOf(ended)) === JSON.stringify(events)
    ? undefined
    : "told another history than it recorded";
}

/** The stopped engine loses its run to another, and is woken when that one works, or has ended. */
async function takeOver(wakesDuring: boolean): Promise<string | undefined> {
  using at = place({ "heddle.yaml": chain() });
  const stopped = await frozen(at);
  expectRefusal(await at.spawn(["resume"]).done, 2, "RunHeld");
  await sleep(LEASE_TERM_MS + 1500);
  const taker = at.spawn(["resume", "--json"], { timeoutMs: 300_000 });
  await until(() => taker.stdout.includes('"step.started"'));
  if (wakesDuring) stopped.child.kill("SIGCONT");
  else at.write("go", "");
  if (!wakesDuring) await taker.done;
  stopped.child.kill("SIGCONT");
  const loser = await stopped.done;
  at.write("go", "");
  const winner = await taker.done;
  if (winner.code !== 0) return `the new owner ended with ${winner.code}: ${winner.stderr}`;
  expectRefusal(loser, 1, "LeaseLost");
  const events = await expectSound(at);
  if (kinds(events).at(-1) !== "run.succeeded") return "the run did not succeed";
  // What the old owner told is what was recorded before it lost the run.
  const told = eventsOf(loser);
  if (JSON.stringify(events.slice(0, told.length)) !== JSON.stringify(told))
    return "the old owner told what is not recorded";
  const successes = kinds(events).filter((kind) => kind.startsWith("step.succeeded"));
  if (successes.length !== STEPS) return `succeeded ${successes.join(", ")}`;
  return effects(at).join() === EXPECTED.join() ? undefined : `effects ${effects(at).join()}`;
}

test("P5: an engine stopped for 1, 10 and 60 s goes on, or has lost its run and does nothing", async () => {
  const rounds: (() => Promise<string | undefined>)[] = [];
  for (let i = 0; i < scaled(4); i++) rounds.push(() => freeze(1000, i % 2 === 0));
  for (let i = 0; i < scaled(3); i++) rounds.push(() => freeze(10_000, i % 2 === 0));
  rounds.push(() => freeze(60_000, true));
  for (let i = 0; i < Math.max(2, scaled(4)); i++) rounds.push(() => takeOver(i % 2 === 0));
  const wrong = (await Promise.all(rounds.map((round) => round()))).filter((problem) => problem !== undefined);
  report(
    `P5: ${scaled(4)} engines stopped for 1 s, ${scaled(3)} for 10 s, 1 for 60 s, ${Math.max(2, scaled(4))} lost their run meanwhile, ${wrong.length} wrong`,
  );
  expect(wrong).toEqual([]);
});
