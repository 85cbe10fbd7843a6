import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "@modelcontextprotocol/client";
import { PLANNER_TOOLS, type TaskAccess, type TaskServer, WORKER_TOOLS } from "../../../src/agent/tools/port.ts";
import { TOOLS } from "../../../src/agent/tools/tools.ts";
import { type Era, type Heard, httpClient, openServer, stdioClient, taskOf } from "./rig.ts";

let server: TaskServer;
let heard: Heard[];
let faults: string[];

beforeEach(async () => {
  heard = [];
  faults = [];
  server = await openServer({ onFault: (message) => faults.push(message) });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  if (faults.length > 0) throw new Error(faults.join("\n"));
});

const WAYS: readonly (readonly [string, Era, string, (access: TaskAccess, era: Era) => Promise<Client>])[] = [
  ["HTTP, stateless", "auto", "2026-07-28", httpClient],
  ["HTTP, older", "legacy", "2025-11-25", httpClient],
  ["stdio, stateless", "auto", "2026-07-28", async (access, era) => (await stdioClient(access, era)).client],
  ["stdio, older", "legacy", "2025-11-25", async (access, era) => (await stdioClient(access, era)).client],
];

describe.each(WAYS)("over %s", (_, era, version, connect) => {
  test("an agent finds its tools, reads its task and reports", async () => {
    const client = await connect(server.issueToken(taskOf(heard)), era);
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual(WORKER_TOOLS);
    for (const tool of tools) {
      expect(tool._meta).toMatchObject({ "anthropic/alwaysLoad": true });
      expect(tool.outputSchema).toMatchObject({ type: "object" });
    }

    const brief = await client.callTool({ name: "task_get", arguments: {} });
    expect(brief.structuredContent).toEqual({ run: "r1", step: "build", attempt: 1, prompt: "Build it." });
    const progress = await client.callTool({ name: "task_progress", arguments: { message: "half", percent: 50 } });
    expect(progress.structuredContent).toMatchObject({ status: "recorded" });
    const completed = await client.callTool({ name: "task_complete", arguments: { summary: "ok", files: ["a.ts"] } });
    expect(completed.structuredContent).toMatchObject({ status: "completed" });
    const text = completed.content[0];
    expect(text?.type === "text" && JSON.parse(text.text)).toEqual(completed.structuredContent);
    expect(heard).toEqual([
      { method: "progress", report: { message: "half", percent: 50 } },
      { method: "completed", report: { summary: "ok", files: ["a.ts"] } },
    ]);
    await client.close();
  });

  test("unknown tools and wrong input are said clearly, and heard by nobody", async () => {
    const client = await connect(server.issueToken(taskOf(heard)), era);
    await expect(client.callTool({ name: "task_delete", arguments: {} })).rejects.toThrow(/task_delete not found/);
    const result = await client.callTool({ name: "task_fail", arguments: { reason: " " } });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toMatch(/reason.*retryable/);
    expect(heard).toEqual([]);
    await client.close();
  });
});

test("each tool's report arrives, and its answer goes back", async () => {
  const client = await httpClient(
    server.issueToken(
      taskOf(heard, {
        over: { asked: ({ options }) => Promise.resolve({ kind: "answered", answer: options[1] ?? "" }) },
      }),
    ),
  );
  const reports: readonly (readonly [string, Record<string, unknown>, object])[] = [
    ["task_ask", { question: "Which?", options: ["a", "b"] }, { status: "answered", answer: "b" }],
    ["task_propose", { title: "t", deps: ["x"], prompt: "p" }, { status: "added", step: "new-one" }],
    ["expertise_add", { domain: "api", kind: "pattern", text: "p", files: ["f"] }, { status: "recorded" }],
    ["task_fail", { reason: "no", retryable: false }, { status: "failed" }],
  ];
  for (const [name, input, answer] of reports) {
    const result = await client.callTool({ name, arguments: input });
    expect([name, result.structuredContent]).toMatchObject([name, answer]);
  }
  expect(heard.map(({ report }) => report)).toEqual(reports.map(([, input]) => input));
  await client.close();
});

test("a planner has other tools, and is told what is wrong with its plan", async () => {
  let round = 0;
  const client = await httpClient(
    server.issueToken(
      taskOf(heard, {
        tools: PLANNER_TOOLS,
        over: {
          planSubmitted: () =>
            Promise.resolve(
              round++ === 0 ? { kind: "refused", problems: ["line 3: no step `b`"] } : { kind: "accepted", steps: 2 },
            ),
        },
      }),
    ),
  );
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(PLANNER_TOOLS);
  await expect(client.callTool({ name: "task_complete", arguments: { summary: "s" } })).rejects.toThrow(/not found/);
  const submit = () => client.callTool({ name: "plan_submit", arguments: { plan: "steps: []\r\n" } });
  const refused = await submit();
  expect(refused.isError).toBe(true);
  expect(JSON.stringify(refused.content)).toContain("line 3: no step `b`");
  expect((await submit()).structuredContent).toMatchObject({ status: "accepted" });
  expect(heard).toHaveLength(2);
  await client.close();
});

test("texts arrive without what could fool a terminal", async () => {
  const client = await httpClient(server.issueToken(taskOf(heard)));
  const message = "a\u001b[31mb\u0000c\u202ed\r\ne\tf\ud800";
  await client.callTool({ name: "task_progress", arguments: { message } });
  await client.callTool({ name: "task_complete", arguments: { summary: "s", files: ["x\u0007y"] } });
  expect(heard.map(({ report }) => report)).toEqual([
    { message: "a[31mbcd\ne\tf\ufffd" },
    { summary: "s", files: ["xy"] },
  ]);
  await client.close();
});

test.each([
  ["task_progress", { message: "x".repeat(1001) }],
  ["task_progress", { message: "x", percent: 101 }],
  ["task_complete", { summary: "x", files: Array.from({ length: 1001 }, (_, i) => `f${i}`) }],
  ["task_complete", { summary: "x", files: "a.ts" }],
  ["task_fail", { reason: "x", retryable: "yes" }],
  ["task_ask", { question: "x".repeat(4001) }],
  ["task_propose", { title: "t", prompt: "\u0000" }],
  ["expertise_add", { domain: "../../etc", kind: "pattern", text: "t" }],
  ["expertise_add", { domain: "api", kind: "rumour", text: "t" }],
])("%s refuses what is out of bounds", async (name, input) => {
  const client = await httpClient(server.issueToken(taskOf(heard)));
  const result = await client.callTool({ name, arguments: input });
  expect(result.isError).toBe(true);
  expect(heard).toEqual([]);
  await client.close();
});

test("there are at most eight tools, named as every agent accepts", () => {
  expect(Object.keys(TOOLS).length).toBeLessThanOrEqual(8);
  for (const name of Object.keys(TOOLS)) expect(name).toMatch(/^[a-z_]{1,20}$/);
  expect(new Set([...WORKER_TOOLS, ...PLANNER_TOOLS])).toEqual(new Set(Object.keys(TOOLS)));
});

test("fifty attempts at once: each is heard as itself", async () => {
  const attempts = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const own: Heard[] = [];
      const access = server.issueToken(taskOf(own, { step: `step-${i}` }));
      return { own, access, client: await httpClient(access, i % 2 === 0 ? "auto" : "legacy") };
    }),
  );
  expect(new Set(attempts.map(({ access }) => access.token)).size).toBe(50);
  await Promise.all(
    attempts.map(async ({ client }, i) => {
      const brief = await client.callTool({ name: "task_get", arguments: {} });
      expect(brief.structuredContent).toMatchObject({ step: `step-${i}` });
      await Promise.all([
        client.callTool({ name: "task_progress", arguments: { message: `half of ${i}` } }),
        client.callTool({ name: "task_progress", arguments: { message: `half of ${i}` } }),
      ]);
      await client.callTool({ name: "task_complete", arguments: { summary: `done ${i}` } });
      await client.close();
    }),
  );
  for (const [i, { own }] of attempts.entries())
    expect(own).toEqual([
      { method: "progress", report: { message: `half of ${i}` } },
      { method: "completed", report: { summary: `done ${i}`, files: [] } },
    ]);
});
