/**
 * Agents that change nothing: they work in the project folder or in an empty one, what they say is their output, and a write
 * fails them. Such steps are made by heddle itself, so that their plans are values here.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { buildGraph } from "../../../src/graph/build.ts";
import { openProject } from "../../../src/host/open.ts";
import type { AgentsConfig, AgentStepConfig, ReadOnlyWorkspace } from "../../../src/plan/agents-config.ts";
import { NO_FUNCTIONS, type Plan, type Step } from "../../../src/plan/plan.ts";
import type { Event } from "../../../src/run/event.ts";
import { Rig } from "../../support/command-line.ts";
import { IN_MEMORY } from "../../support/temporary.ts";
import { AgentRig, scripted, writes } from "./rig.ts";

interface Ran {
  readonly status: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly events: readonly Event[];
}

/** A step whose agent does what the script says for its id. */
function reads(
  id: string,
  workspace: ReadOnlyWorkspace,
  more: Partial<Step> & { options?: AgentStepConfig } = {},
): Step {
  const { options, ...rest } = more;
  const action = { kind: "agent", prompt: `do ${id}`, workspace } as const;
  return { id, ...rest, action: options === undefined ? action : { ...action, options } };
}

/** Runs the steps in the rig's folder, as the engine would those of a file. */
async function run(
  rig: Rig,
  scripts: Readonly<Record<string, readonly unknown[]>>,
  steps: readonly Step[],
  agents: AgentsConfig = {},
): Promise<Ran> {
  const cases = Object.entries(scripts).map(([step, actions]) => ({ step, do: actions }));
  rig.write("agents.yaml", JSON.stringify({ cases }));
  const plan: Plan = {
    name: "reading",
    agents: { default: "scripted", use: { scripted: scripted(path.join(rig.dir, "agents.yaml")) }, ...agents },
    steps,
  };
  const graph = buildGraph(plan.steps);
  if (!graph.ok) throw new Error("no graph");
  const own = process.env;
  process.env = rig.env();
  try {
    const opened = await openProject(rig.dir, { title: "test" });
    if (!opened.ok) throw new Error(opened.error.message);
    await using project = opened.value;
    const started = await project.runs.start({ plan, graph: graph.value, functions: NO_FUNCTIONS }, {});
    if (!started.ok) throw new Error(started.error.message);
    const { status, outputs, stopped } = await started.value.result;
    expect(stopped).toBeUndefined();
    const events: Event[] = [];
    for await (const batch of project.runs.events(started.value.run)) events.push(...batch);
    return { status, outputs, events };
  } finally {
    process.env = own;
  }
}

function errorOf({ events }: Ran, step: string): unknown {
  const failed = events.filter((event) => event.type === "step.failed" && event.step === step);
  expect(failed).toHaveLength(1);
  return (failed[0] as Extract<Event, { type: "step.failed" }>).data;
}

const typesOf = ({ events }: Ran): ReadonlySet<string> => new Set(events.map(({ type }) => type));

/** A project in no repository: nothing of git is needed. */
function folder(): Rig {
  const rig = new Rig({ under: IN_MEMORY });
  rig.write("notes/a.txt", "what is known\n");
  return rig;
}

test("in the project folder: its last message is its output, and nothing is captured, merged or landed", async () => {
  using rig = folder();
  const ran = await run(
    rig,
    {
      look: [
        { run: "cat notes/a.txt > /dev/null && pwd >&2" },
        { say: "It is known." },
        { usage: { output: 3, usd: 0.5 } },
      ],
    },
    [
      reads("look", "project"),
      { id: "next", deps: ["look"], action: { kind: "run", command: 'cat "$HEDDLE_DEPS" > "$HEDDLE_OUTPUT"' } },
    ],
    { land: "ff" },
  );
  expect(ran.status).toBe("succeeded");
  expect(ran.outputs).toMatchObject({ look: { text: "It is known." }, next: { look: { text: "It is known." } } });
  const types = typesOf(ran);
  for (const type of ["worktree.created", "worktree.merged", "run.landed", "landing.refused"])
    expect(types).not.toContain(type);
  const usage = ran.events.find(({ type }) => type === "usage.recorded");
  expect(usage?.data).toMatchObject({ agent: "scripted", usd: 0.5 });
  expect(usage?.data).not.toHaveProperty("captured");
  expect(existsSync(path.join(rig.dir, ".git"))).toBe(false);
});

test("a request to write is refused, whatever the plan permits", async () => {
  using rig = folder();
  const ask = {
    ask: { kind: "edit", title: "Write", path: "new.txt", allowed: [writes("new.txt", "x")], denied: [{ say: "no" }] },
  };
  const ran = await run(
    rig,
    { ask: [ask, { ask: { kind: "execute", title: "Run", command: "ls", denied: [{ say: ", no" }] } }] },
    [reads("ask", "project", { options: { permissions: { rules: [{ allow: "all" }], preset: "full" } } })],
    { permissions: "full" },
  );
  expect(ran.outputs).toEqual({ ask: { text: "no, no" } });
  expect(existsSync(path.join(rig.dir, "new.txt"))).toBe(false);
});

test("a file that changed fails it by its name, and it is not tried again; what it wrote stays", async () => {
  using rig = folder();
  const ran = await run(
    rig,
    { write: [writes("notes/a.txt", "other\n"), writes("new.txt", "x"), { delete: "notes/b.txt" }, { say: "done" }] },
    [
      reads("write", "project", {
        retry: { attempts: 3, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0 },
        deps: ["b"],
      }),
      { id: "b", action: { kind: "run", command: "echo b > notes/b.txt" } },
    ],
  );
  expect(ran.status).toBe("failed");
  expect(errorOf(ran, "write")).toMatchObject({
    error: {
      class: "read-only",
      final: true,
      message: "files changed although this step may only read: new.txt, notes/a.txt, notes/b.txt",
    },
    willRetry: false,
  });
  expect(rig.read("notes/a.txt")).toBe("other\n");
});

test("in an empty folder: there is nothing in it, it is gone afterwards, and it stays empty", async () => {
  using rig = folder();
  const places = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("heddle-empty-"));
  const before = places();
  const ran = await run(
    rig,
    {
      think: [
        { run: 'test -z "$(ls -A)" && case "$PWD" in *heddle-empty-*) exit 0;; *) exit 1;; esac' },
        { say: "Thought." },
      ],
      write: [writes("here.txt", "x"), { say: "done" }],
    },
    [reads("think", "empty"), reads("write", "empty", { after: ["think"], optional: true })],
  );
  expect(ran.outputs).toEqual({ think: { text: "Thought." } });
  // The command of the script is a tool that fails where its shell does.
  const tools = ran.events.filter((event) => event.type === "step.progress" && event.step === "think");
  expect(JSON.stringify(tools.map(({ data }) => data))).not.toContain('"failed"');
  expect(errorOf(ran, "write")).toMatchObject({
    error: { class: "read-only", message: expect.stringMatching(/: here\.txt$/) },
  });
  expect(places()).toEqual(before);
});

test("it says why it cannot be done, asks people, and gives what its schema wants, as other agents do", async () => {
  using rig = folder();
  const ran = await run(
    rig,
    {
      stuck: [{ tool: { name: "task_fail", with: { reason: "nothing to read", retryable: false } } }],
      asks: [{ tool: { name: "task_ask", with: { question: "Which one?", options: ["a", "b"] } } }],
      shape: [{ say: "short" }],
    },
    [
      reads("stuck", "project", { optional: true }),
      reads("asks", "project"),
      reads("shape", "empty", {
        optional: true,
        output: { type: "object", properties: { text: { type: "string", minLength: 100 } } },
      }),
    ],
  );
  expect(ran.status).toBe("waiting");
  expect(errorOf(ran, "stuck")).toMatchObject({
    error: { class: "given-up", message: expect.stringContaining("nothing to read") },
  });
  expect(errorOf(ran, "shape")).toMatchObject({ error: { code: "output" } });
  const asked = ran.events.find(({ type }) => type === "approval.requested");
  expect(asked).toMatchObject({
    step: "asks",
    data: { about: "question", question: "Which one?", options: ["a", "b"] },
  });
});

test("beside agents in worktrees, in one run: these are merged, and what is read is the user's checkout", async () => {
  using rig = new AgentRig();
  rig.write("uncommitted.here", "seen");
  const ran = await run(
    rig,
    {
      look: [{ run: "test -f uncommitted.here || touch missing.here" }, { say: "seen" }],
      work: [writes("work.txt", "w\n")],
    },
    [reads("look", "project"), { id: "work", deps: ["look"], action: { kind: "agent", prompt: "do work" } }],
  );
  expect(ran.status).toBe("succeeded");
  expect(ran.outputs).toMatchObject({ look: { text: "seen" }, work: { files: ["work.txt"] } });
  expect(await rig.merged("work.txt")).toBe("w");
  expect(existsSync(path.join(rig.dir, "work.txt"))).toBe(false);
});

test("a step that changes nothing has nothing to verify", async () => {
  using rig = folder();
  writeFileSync(path.join(rig.dir, "x"), "");
  const ran = await run(rig, { look: [{ say: "x" }] }, [reads("look", "project", { verify: ["true"] })]);
  expect(errorOf(ran, "look")).toMatchObject({
    error: { final: true, message: expect.stringContaining("nothing to verify") },
  });
});
