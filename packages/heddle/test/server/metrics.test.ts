/** Metrics as Prometheus reads them: what they count, that their labels are bounded, and that reading them costs little. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { HeddleError } from "../../src/base/errors.ts";
import { RUN_STATUSES } from "../../src/run/status.ts";
import { ServerMetrics } from "../../src/server/metrics/server-metrics.ts";
import type { ServedProjects } from "../../src/server/projects.ts";
import { API_ROUTES } from "../../src/server/table.ts";
import { until } from "../support/until.ts";
import { ServerRig } from "./rig.ts";

/** Nothing of a plan may be seen in a label. */
const PLAN = {
  name: "name-of-the-plan",
  steps: [
    { id: "id-of-the-step", run: "echo 1" },
    { id: "breaks", run: "exit 3", optional: true },
    { id: "asks", approve: "question-of-the-step?", deps: ["id-of-the-step"] },
  ],
};

let rig: ServerRig;
beforeAll(async () => {
  rig = await ServerRig.start({ clock: systemClock(), projects: ["demo", "broken"] });
  writeFileSync(path.join(rig.dir, "broken/.heddle"), "a file where a folder should be");
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;

async function scrape(token = rig.server.tokens.read): Promise<readonly Sample[]> {
  const { status, headers, text } = await rig.ask("/metrics", { token });
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? [];
    expect(name, line).not.toBe("");
    const named = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = "", text = ""]) => [key, text] as const);
    return { name, labels: Object.fromEntries(named), value: Number(value) };
  });
}

function value(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
  );
  expect(found, `${name} ${JSON.stringify(labels)}`).toHaveLength(1);
  return found[0]?.value ?? Number.NaN;
}

describe("after a run", () => {
  let samples: readonly Sample[];
  beforeAll(async () => {
    await scrape();
    const started = await rig.ask("/api/projects/demo/runs", { body: { plan: PLAN } });
    const run = String(started.json["run"]);
    await until(async () => {
      const { json } = await rig.ask(`/api/projects/demo/runs/${run}`);
      return (json["byStatus"] as { "needs-approval": number; failed: number })["needs-approval"] === 1;
    });
    samples = await scrape();
  });

  test("runs, steps, slots and questions are counted by project", () => {
    const demo = { project: "demo" };
    expect(value(samples, "heddle_project_up", demo)).toBe(1);
    expect(value(samples, "heddle_runs", { ...demo, status: "waiting" })).toBe(1);
    expect(value(samples, "heddle_runs", { ...demo, status: "failed" })).toBe(0);
    expect(value(samples, "heddle_steps", { ...demo, status: "needs-approval" })).toBe(1);
    expect(value(samples, "heddle_steps", { ...demo, status: "succeeded" })).toBe(1);
    expect(value(samples, "heddle_needs_you", { ...demo, kind: "approval" })).toBe(1);
    expect(value(samples, "heddle_attempts_running", demo)).toBe(0);
    expect(value(samples, "heddle_slots_used", demo)).toBe(0);
    expect(value(samples, "heddle_slots_total", demo)).toBeGreaterThan(0);
  });

  test("attempts are in the histograms once, however often they are read", async () => {
    for (const now of [samples, ...(await Promise.all([scrape(), scrape(), scrape()]))]) {
      const ended = { project: "demo", kind: "command" };
      expect(value(now, "heddle_step_duration_seconds_count", { ...ended, outcome: "succeeded" })).toBe(1);
      expect(value(now, "heddle_step_duration_seconds_count", { ...ended, outcome: "failed" })).toBe(1);
      expect(value(now, "heddle_step_queue_seconds_count", { project: "demo" })).toBe(2);
    }
  });

  test("a project that cannot be read is named, and the others are there", () => {
    expect(value(samples, "heddle_project_up", { project: "broken" })).toBe(0);
  });

  test("labels are words of closed lists", () => {
    const values = new Set(samples.flatMap(({ labels }) => Object.values(labels)));
    for (const text of values)
      for (const word of ["plan", "step", "question"]) expect(text).not.toMatch(`-of-the-${word}`);
    const routes = new Set(samples.flatMap(({ labels }) => labels["route"] ?? []));
    const known = new Set(["none", ...API_ROUTES.map(({ path }) => path)]);
    expect([...routes].filter((route) => !known.has(route))).toEqual([]);
  });
});

test("of a project that cannot be read any more only that is told", async () => {
  const runs = Object.fromEntries(RUN_STATUSES.map((status) => [status, 1]));
  const measures = {
    runs,
    steps: { running: 2 },
    needsYou: { approval: 3 },
    runningAttempts: 4,
    slots: { used: 5, total: 6 },
  };
  let isReadable = true;
  const project = { runs: { meter: async () => ({ read: async () => measures }) } };
  const projects = {
    names: ["demo"],
    get: async () => {
      if (!isReadable) throw new HeddleError({ code: "JournalDamaged", message: "the disk is gone" });
      return project;
    },
  } as unknown as ServedProjects;
  const metrics = new ServerMetrics();
  const told = async (): Promise<readonly string[]> =>
    (await metrics.text(projects)).split("\n").filter((line) => line.includes('project="demo"'));
  const before = await told();
  expect(before).toEqual(
    expect.arrayContaining(['heddle_project_up{project="demo"} 1', 'heddle_slots_used{project="demo"} 5']),
  );
  isReadable = false;
  expect(await told()).toEqual(['heddle_project_up{project="demo"} 0']);
  isReadable = true;
  expect(await told()).toEqual(before);
});

test("requests are counted by the pattern of their route, whoever sent them, and what is served nowhere as one", async () => {
  await rig.ask("/api/projects/demo/runs/zzzz");
  await rig.ask("/api/projects/demo/runs/yyyy");
  await rig.ask("/api/nothing-1", { token: null });
  await rig.ask("/nothing-2", { method: "PROPFIND", key: null });
  const samples = await scrape();
  const route = "/api/projects/:project/runs/:run";
  expect(value(samples, "heddle_http_requests_total", { method: "GET", route, status: "404" })).toBe(2);
  expect(value(samples, "heddle_http_requests_total", { method: "GET", route: "none", status: "401" })).toBe(1);
  expect(value(samples, "heddle_http_requests_total", { method: "other", route: "none" })).toBe(1);
});

test("open streams are counted, of either kind, and no more when they are over", async () => {
  const open = async (): Promise<number> => value(await scrape(), "heddle_streams_open");
  expect(await open()).toBe(0);
  const socket = new WebSocket(`ws://127.0.0.1:${rig.server.port}/api/stream`, {
    headers: { authorization: `Bearer ${rig.server.tokens.read}` },
  });
  await new Promise((resolve) => socket.once("open", resolve));
  const { json } = await rig.ask("/api/projects/demo/runs");
  const [{ run }] = json["runs"] as [{ run: string }];
  const gone = new AbortController();
  const source = await fetch(`${rig.server.url}/api/projects/demo/runs/${run}/events/stream`, {
    headers: { authorization: `Bearer ${rig.server.tokens.read}` },
    signal: gone.signal,
  });
  expect([source.status, await open()]).toEqual([200, 2]);
  socket.close();
  gone.abort();
  await until(async () => (await open()) === 0);
});

test("nothing is left that would keep the process alive", () => {
  const file = path.resolve(import.meta.dirname, "../../src/server/metrics/server-metrics.ts");
  const program = `
    const { ServerMetrics } = await import(${JSON.stringify(file)});
    console.log(await new ServerMetrics().text({ names: [] }));
  `;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect([status, stdout]).toEqual([0, expect.stringContaining("\nprocess_resident_memory_bytes ")]);
});
