/** The live connection against a real server: what a page was told is what the journal has. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../src/client/client.ts";
import type { LiveConnection } from "../../src/client/live.ts";
import type { ApiProblem } from "../../src/client/problem.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { RunLine } from "../../src/view/list.ts";
import type { LiveRun } from "../../src/view/live-run.ts";
import { until } from "../support/until.ts";
import { ServerRig } from "../server/rig.ts";

/** A page's view of one run and the list that it stands in. */
class Watched {
  run: LiveRun | undefined;
  runs: readonly RunLine[] = [];
  readonly problems: ApiProblem[] = [];

  constructor(live: LiveConnection, run: string) {
    const onProblem = (problem: ApiProblem): void => void this.problems.push(problem);
    live.run("demo", run, { onRun: (view) => (this.run = view), onProblem });
    live.runs("demo", { onRuns: (runs) => (this.runs = runs), onProblem });
  }
}

test("a page sees a run go on and end, as the run's document and the list say it", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const client = connect({ url: rig.server.url, token: rig.server.tokens.read });
  const steps = [
    { id: "ask", approve: "Go on?" },
    { id: "z", run: "true", deps: ["ask"] },
  ];
  const { json } = await rig.ask("/api/projects/demo/runs", { body: { plan: { steps } } });
  const run = String(json["run"]);
  const live = client.live();
  const page = new Watched(live, run.slice(0, 8));
  await until(() => page.run?.head.byStatus["needs-approval"] === 1);
  expect(live.state.kind).toBe("live");
  await rig.ask(`/api/projects/demo/runs/${run}/steps/ask/approve`, { body: {} });
  await until(() => page.run?.head.status === "succeeded" && page.runs[0]?.status === "succeeded");
  const shown = await client.project("demo").runs.get(run);
  await until(() => page.run?.seq === shown.seq);
  expect(page.run?.head.byStatus).toEqual(shown.byStatus);
  expect(page.run?.steps.map(({ id, status }) => [id, status])).toEqual(
    shown.steps.map(({ id, status }) => [id, status]),
  );
  live.close();
  expect(page.problems).toEqual([]);
});

test("what waits for people in all projects is told as it comes and goes", async () => {
  await using rig = await ServerRig.start({ clock: systemClock(), projects: ["one", "two"] });
  const client = connect({ url: rig.server.url, token: rig.server.tokens.read });
  const told: string[] = [];
  const live = client.live();
  live.attention({
    onAttention: ({ items }) => void told.push(items.map(({ project, kind }) => `${project} ${kind}`).join(", ")),
    onProblem: ({ code }) => void told.push(code),
  });
  await until(() => told.length === 1);
  const ask = async (project: string, behind: readonly string[]): Promise<string> => {
    const rest = behind.map((id) => ({ id, run: "true", deps: ["ask"] }));
    const plan = { steps: [{ id: "ask", approve: "Go on?" }, ...rest] };
    return String((await rig.ask(`/api/projects/${project}/runs`, { body: { plan } })).json["run"]);
  };
  const first = await ask("one", ["a"]);
  await until(() => told.at(-1) === "one approval");
  await ask("two", ["a", "b"]);
  await until(() => told.at(-1) === "two approval, one approval");
  await rig.ask(`/api/projects/one/runs/${first}/steps/ask/approve`, { body: {} });
  await until(() => told.at(-1) === "two approval");
  expect(told).toEqual(["", "one approval", "two approval, one approval", "two approval"]);
  live.close();
});

test("a log is followed while it is written, and its end is told", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const client = connect({ url: rig.server.url, token: rig.server.tokens.read });
  const go = join(rig.dir, "go");
  const wait = `until [ -e ${go} ]; do sleep 0.05; done`;
  const steps = [{ id: "a/b", run: `echo one; ${wait}; echo two` }];
  const { json } = await rig.ask("/api/projects/demo/runs", { body: { plan: { steps } } });
  const live = client.live();
  const told: string[] = [];
  const of = { project: "demo", run: String(json["run"]), step: "a/b", attempt: 1 };
  live.log(of, {
    onBytes: (bytes) => void told.push(Buffer.from(bytes).toString("utf8")),
    onSkipped: (from, to) => void told.push(`skipped ${from} ${to}`),
    onReset: () => void told.push("reset"),
    onEnd: ({ size, isOver }) => void told.push(`end ${size} ${isOver}`),
    onProblem: ({ code }) => void told.push(code),
  });
  await until(() => told.length === 1);
  writeFileSync(go, "");
  await until(() => told.at(-1)?.startsWith("end") === true);
  expect(told.join("")).toBe("one\ntwo\nend 8 true");
  // Of an attempt that has no log.
  live.log(
    { ...of, attempt: 7 },
    {
      onBytes: () => undefined,
      onSkipped: () => undefined,
      onReset: () => undefined,
      onEnd: () => undefined,
      onProblem: ({ code }) => void told.push(code),
    },
  );
  await until(() => told.at(-1) === "no-log");
  live.close();
});

test("a run that is not there is told; a token that is none ends the tries", async () => {
  await using rig = await ServerRig.start({ clock: systemClock() });
  const live = connect({ url: rig.server.url, token: rig.server.tokens.read }).live();
  const page = new Watched(live, "nope");
  await until(() => live.state.kind === "live");
  expect(page.problems.map(({ code, status }) => [code, status])).toEqual([["unknown-run", 404]]);
  live.close();
  const stranger = connect({ url: rig.server.url, token: "nothing" }).live();
  stranger.runs("demo", { onRuns: () => undefined, onProblem: () => undefined });
  await until(() => stranger.state.kind === "refused");
  expect(stranger.state).toMatchObject({ problem: { code: "unauthorized", status: 401 } });
});
