/** Conflicts for people: whose work a step's meets, and when its files may be decided about. */
import { beforeEach, expect, test } from "vitest";
import type { AskedConflict } from "../../src/agent/port.ts";
import { err, ok } from "../../src/base/result.ts";
import type { ConflictedFile } from "../../src/git/types.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { conflictOf, decideFile, resolveWithStored } from "../../src/project/conflict.ts";
import type { ControlRequest } from "../../src/run/control.ts";
import type { EventBody } from "../../src/run/event.ts";
import { agentsWith } from "./agents.ts";
import { RecordedRun } from "./runs.ts";

const agent = (id: string) => ({ id, action: { kind: "agent" as const, prompt: `do ${id}` } });

const PLAN: Plan = {
  name: "work",
  steps: [
    { ...agent("early"), description: "before it began" },
    { ...agent("late"), description: "meanwhile" },
    agent("elsewhere"),
    { ...agent("web"), action: { kind: "agent", prompt: "x".repeat(5000) }, verify: ["npm test"] },
  ],
  agents: { verify: "npm run lint" },
} as unknown as Plan;

const FILE: ConflictedFile = {
  file: "a.txt",
  kind: "text",
  base: null,
  ours: { kind: "file", id: "1", bytes: 2, text: "a\n" },
  theirs: null,
  regions: [],
  state: "open",
  revision: "r",
};

let log: Journal;
let done: string[];
let sent: ControlRequest[];
let run: RecordedRun;

const held: AskedConflict = {
  path: "/trees/r1/web",
  head: "c2",
  captured: "w",
  overview: async () =>
    ok({
      head: "c2",
      captured: "w",
      fork: "c1",
      files: [{ ...FILE, regions: 1 }],
      clean: [{ path: "new.txt", status: "added", added: 1, removed: 0 }],
    }),
  file: async () => ok(FILE),
  store: async ({ file, seen }) => {
    done.push(`${file} ${seen}`);
    return ok({ ...FILE, state: "stored" });
  },
  apply: async () => ok(["a.txt"]),
};

const ports = (conflict: AskedConflict | undefined = held) => ({
  log,
  agents: agentsWith({ conflict: async () => ok(conflict) }),
  send: async (_: string, request: ControlRequest) => {
    sent.push(request);
    return ok("sent" as const);
  },
});

const event = (step: string, body: object): EventBody => ({ step, attempt: 1, ...body }) as unknown as EventBody;

beforeEach(async () => {
  log = memoryJournal();
  [done, sent] = [[], []];
  run = await new RecordedRun(log, "r1", PLAN).begin(1000, { gitHead: "c0" });
  const merges: readonly (readonly [string, string, string, string])[] = [
    ["early", "c0", "c1", "a.txt"],
    ["late", "c1", "c2", "a.txt"],
    ["elsewhere", "c2", "c3", "b.txt"],
  ];
  for (const [step, onto, commit, file] of merges) {
    const data = { branch: "b", commit, onto, captured: "x", ref: "refs/x", files: [file] };
    await run.record([
      event(step, { type: "step.started", data: { input: null, resources: [] } }),
      event(step, { type: "worktree.merged", data }),
      event(step, { type: "step.succeeded", data: { output: null } }),
    ]);
  }
  await run.record([event("web", { type: "step.started", data: { input: null, resources: [] } })]);
});

async function asks(reason: "conflict" | "verify" = "conflict", at = 1000): Promise<void> {
  const data = { reason, files: ["a.txt"], head: "c2", captured: "w", ref: "refs/w", time: 1, output: "1 failed" };
  await run.record(
    [
      event("web", { type: "worktree.conflicted", data }),
      event("web", { type: "approval.requested", data: { about: "conflict", question: "both changed a.txt" } }),
    ],
    at,
  );
}

test("it meets what was merged in the same files since it began, and nothing else", async () => {
  await asks();
  expect(await conflictOf(ports(), "r1", "web")).toEqual(
    ok({
      run: "r1",
      step: "web",
      seq: 14,
      question: "both changed a.txt",
      askedAt: 1000,
      worktree: "/trees/r1/web",
      head: "c2",
      captured: "w",
      intents: {
        ours: [{ step: "late", description: "meanwhile", prompt: "do late", mergedAt: 1000, files: ["a.txt"] }],
        theirs: { step: "web", prompt: "x".repeat(2000), files: ["a.txt"] },
      },
      files: [
        {
          file: "a.txt",
          kind: "text",
          base: null,
          ours: { kind: "file", bytes: 2, text: "a\n" },
          theirs: null,
          regions: 1,
          state: "open",
          etag: '"r"',
        },
      ],
      count: 1,
      clean: [{ file: "new.txt", status: "added", added: 1, removed: 0 }],
      cleanCount: 1,
      verify: ["npm run lint", "npm test"],
    }),
  );
});

test("what the last decision failed on is told", async () => {
  await asks("verify");
  expect(await conflictOf(ports(), "r1", "web")).toMatchObject({ value: { rejected: { output: "1 failed" } } });
});

test("while it is not asked about, nothing is stored and nothing put into the worktree, where an agent may work", async () => {
  const decided = { step: "web", file: "a.txt", decision: { text: "x" }, seen: '"r"' } as const;
  const refused = { ok: false, error: { code: "NotAsked" } };
  expect(await decideFile(ports(), "r1", decided)).toMatchObject(refused);
  expect(await resolveWithStored(ports(), "r1", { step: "web", by: "eve" })).toMatchObject(refused);
  expect(await conflictOf(ports(), "r1", "web")).toMatchObject(refused);
  expect([done, sent]).toEqual([[], []]);
  await asks();
  expect(await decideFile(ports(), "r1", decided)).toMatchObject({ value: { state: "stored", head: "c2" } });
  expect(done).toEqual(["a.txt r"]);
});

test("the run is told only when all is in the worktree", async () => {
  await asks();
  const open = { ...held, apply: async () => err({ code: "ConflictOpen", message: "a.txt" }) };
  const given = { step: "web", by: "eve", comment: "both" };
  expect(await resolveWithStored(ports(open), "r1", given)).toMatchObject({ error: { code: "ConflictOpen" } });
  expect(sent).toEqual([]);
  expect(await resolveWithStored(ports(), "r1", given)).toMatchObject({ value: { id: "web", result: "sent" } });
  const answer = { kind: "answer", step: "web", decision: "approve", by: "eve", choice: "continue", comment: "both" };
  expect(sent).toMatchObject([answer]);
});

test("what was seen of it goes with the answer, and the answer to the question that was seen", async () => {
  await asks();
  const document = await conflictOf(ports(), "r1", "web");
  if (!document.ok) throw new Error(document.error.message);
  const askedAt = document.value.askedAt ?? undefined;
  const seen: unknown[] = [];
  const looks = {
    ...held,
    apply: async (revisions?: ReadonlyMap<string, string>) => {
      seen.push(revisions);
      return ok(["a.txt"]);
    },
  };
  const given = { step: "web", by: "eve", seen: { "a.txt": '"r"' }, askedAt };
  const late = await resolveWithStored(ports(looks), "r1", { ...given, askedAt: 1 });
  expect(late).toMatchObject({ error: { code: "NotAsked", message: expect.stringContaining("something else") } });
  expect([seen, sent]).toEqual([[], []]);
  expect(await resolveWithStored(ports(looks), "r1", given)).toMatchObject({ ok: true });
  expect([seen, sent]).toMatchObject([[new Map([["a.txt", "r"]])], [{ askedAt }]]);
});

test("what is asked while it is put into the worktree is not answered with it", async () => {
  await asks();
  const asksAgain = {
    ...held,
    apply: async () => {
      await asks("verify", 2000);
      return ok(["a.txt"]);
    },
  };
  const resolved = await resolveWithStored(ports(asksAgain), "r1", { step: "web", by: "eve" });
  expect([resolved, sent]).toMatchObject([{ error: { code: "NotAsked" } }, []]);
});

test("without its worktree it is said what can be done", async () => {
  await asks();
  const gone = { log, agents: agentsWith({ conflict: async () => ok(undefined) }) };
  expect(await conflictOf(gone, "r1", "web")).toMatchObject({
    error: { code: "ConflictNotHeld", hint: expect.stringContaining("one side") },
  });
});
