/**
 * A real conflict of two agents over HTTP: what they changed is told while they work, both sides are shown, decisions are kept, and the
 * branch moves only to what was verified.
 */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { ConflictDocument, ConflictFileDocument } from "../../src/view/conflict-documents.ts";
import type { ChangesDocument, FileDiffDocument, WorktreesDocument } from "../../src/view/change-documents.ts";
import { AgentRig, writes } from "../agent/e2e/rig.ts";
import { until } from "../support/until.ts";
import { type Answer, type Ask, ServerRig } from "./rig.ts";

/** Long enough that two places of it are apart. */
const text = (begin: string, end: string): string => `${begin}\n${"same\n".repeat(8)}${end}\n`;

const ODD = "<img src=x onerror=alert(1)>.txt";

let rig: AgentRig;
let server: ServerRig;
let base: string;
let run: string;

beforeAll(async () => {
  rig = new AgentRig();
  vi.stubEnv("XDG_STATE_HOME", rig.state);
  rig.write("a.txt", text("first", "last"));
  rig.commit("longer");
  server = await ServerRig.start({ dirs: [rig.dir], clock: systemClock() });
  base = `/api/projects/${encodeURIComponent(rig.dir.split("/").at(-1) ?? "")}`;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  rig[Symbol.dispose]();
});

const ask = (path: string, options?: Ask): Promise<Answer> => server.ask(`${base}${path}`, options);

async function read<T>(path: string): Promise<T> {
  const answer = await ask(path);
  expect([answer.status, answer.text.slice(0, 300)]).toEqual([200, expect.anything()]);
  return answer.json as T;
}

async function stepStatus(step: string): Promise<unknown> {
  const { json } = await ask(`/runs/${run}/steps/${step}`);
  return (json["step"] as { readonly status?: string } | undefined)?.status;
}

const head = (): string => rig.git(["rev-parse", `heddle/${run}/integration`]);

test("what agents changed is told while one works, and leaves nothing behind", async () => {
  const gate = rig.gate("second");
  const first = [writes("a.txt", text("FIRST", "END")), writes(ODD, "x\n")];
  const second = [writes("a.txt", text("SECOND", "LAST")), writes("own.txt", "own\n"), { run: gate.command }];
  rig.agents(
    { first, second },
    {
      steps: [
        { id: "first", description: "amounts as cents" },
        { id: "second", verify: "! grep -q BAD a.txt" },
      ],
    },
    { onConflict: ["human"] },
  );
  const started = await ask("/runs", { body: { maxConcurrency: 2 } });
  expect(started.status).toBe(201);
  run = String(started.json["run"]);
  await gate.reached();
  await until(async () => (await stepStatus("first")) === "succeeded");
  const trees = await read<WorktreesDocument>(`/worktrees?run=${run}`);
  const tree = trees.worktrees.find(({ name }) => name === "second");
  expect(tree).toMatchObject({
    run,
    branch: `heddle/${run}/second`,
    state: "unsaved",
    loss: "changed files",
    bytes: 0,
  });
  const names = (): readonly string[] =>
    readdirSync(tree?.path ?? "", { recursive: true })
      .map(String)
      .toSorted();
  const status = (): string => rig.git(["--no-optional-locks", "status", "--porcelain"], tree?.path);
  const before = [names(), status(), rig.checkout()];
  const found = await read<ChangesDocument>(`/runs/${run}/changes`);
  expect(found.items.map(({ step, of, files }) => [step, of, files.map(({ file, others }) => [file, others])])).toEqual(
    [
      [
        "first",
        "merged",
        [
          [ODD, []],
          ["a.txt", ["second"]],
        ],
      ],
      [
        "second",
        "worktree",
        [
          ["a.txt", ["first"]],
          ["own.txt", []],
        ],
      ],
    ],
  );
  const diff = await read<FileDiffDocument>(`/runs/${run}/changes/a.txt?step=second`);
  expect(diff).toMatchObject({ of: "worktree", after: null, added: 2, removed: 2 });
  expect(diff.patch).toContain("\n+SECOND\n");
  const odd = await read<FileDiffDocument>(`/runs/${run}/changes/${encodeURIComponent(ODD)}`);
  expect(odd).toMatchObject({
    of: "integration",
    file: ODD,
    status: "added",
    patch: expect.stringContaining("\n+x\n"),
  });
  for (const name of ["..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", ".git%2Fconfig", "none", "a.tx%3F", "%00"])
    expect((await ask(`/runs/${run}/changes/${name}`)).status).toBe(404);
  expect([names(), status(), rig.checkout()]).toEqual(before);
  expect((await ask(`/runs/${run}/steps/second/conflict`)).json["code"]).toBe("not-asked");
  await gate.open();
  await until(async () => (await stepStatus("second")) === "needs-resolution");
});

test("the conflict has both sides, where they meet, and what was wanted of both", async () => {
  const found = await read<ConflictDocument>(`/runs/${run}/steps/second/conflict`);
  expect(found).toMatchObject({
    run,
    step: "second",
    count: 1,
    files: [{ file: "a.txt", kind: "text", state: "open", regions: 2 }],
    clean: [{ file: "own.txt", status: "added" }],
    intents: {
      ours: [{ step: "first", description: "amounts as cents", prompt: "do first", files: ["a.txt"] }],
      theirs: { step: "second", prompt: "do second" },
    },
    verify: ["! grep -q BAD a.txt"],
  });
  expect(found.rejected).toBe(undefined);
  const file = await read<ConflictFileDocument>(`/runs/${run}/steps/second/conflict/a.txt`);
  expect(file.regions.map(({ base: was, ours, theirs }) => [was, ours, theirs])).toEqual([
    [
      { from: 1, to: 2 },
      { from: 1, to: 2 },
      { from: 1, to: 2 },
    ],
    [
      { from: 10, to: 11 },
      { from: 10, to: 11 },
      { from: 10, to: 11 },
    ],
  ]);
  expect(file.result).toEqual({ from: "worktree", text: file.marked });
});

const FILE = (): string => `/runs/${run}/steps/second/conflict/a.txt`;

async function decide(body: Ask["body"], seen?: string): Promise<Answer> {
  const etag = seen ?? (await read<ConflictFileDocument>(FILE())).etag;
  return await ask(FILE(), { method: "PUT", headers: { "if-match": etag }, ...(body === undefined ? {} : { body }) });
}

test("a decision is kept for who saw the file as it is, and is no solution while markers are in it", async () => {
  const { etag, marked = "" } = await read<ConflictFileDocument>(FILE());
  const blind = await ask(FILE(), { method: "PUT", body: { text: "x\n" } });
  expect([blind.status, blind.json["code"]]).toEqual([428, "precondition-needed"]);
  const refused = await decide({ text: marked }, etag);
  expect([refused.status, refused.json["code"], refused.json["detail"]]).toEqual([
    422,
    "invalid-resolution",
    expect.stringContaining("line 1 "),
  ]);
  for (const body of [{}, { text: "x", take: "ours" }, { take: "mine" }, { withdraw: false }])
    expect((await decide(body, etag)).status).toBe(422);
  expect((await ask(`${FILE()}x`, { method: "PUT", headers: { "if-match": etag }, body: { take: "ours" } })).status) //
    .toBe(404);
  const kept = await decide({ text: text("BAD", "END") }, etag);
  expect([kept.status, kept.json["state"], kept.headers["etag"]]).toEqual([200, "stored", kept.json["etag"]]);
  const late = await decide({ take: "theirs" }, etag);
  expect([late.status, late.json["code"]]).toEqual([412, "precondition-failed"]);
  // Kept on the disk: a server that starts later has it.
  const again = await ServerRig.start({ dirs: [rig.dir], clock: systemClock() });
  const answer = await again.ask(`${base}${FILE()}`);
  expect(answer.json).toMatchObject({
    state: "stored",
    result: { from: "stored", text: expect.stringContaining("BAD") },
  });
  await again[Symbol.asyncDispose]();
});

/** As a page does it: the run goes on where nobody works on it. */
async function resolve(body: Ask["body"] & object): Promise<void> {
  const said = await ask(`/runs/${run}/steps/second/resolve`, { body });
  expect([said.status === 202 ? "sent" : "done", said.json["code"]]).toEqual([said.json["result"], undefined]);
  if (said.status === 200) expect((await ask(`/runs/${run}/resume`, { method: "POST" })).status).toBe(200);
}

test("what does not pass does not move the branch, and is asked about again with the reason", async () => {
  const before = head();
  await resolve({ files: "stored", comment: "try" });
  await until(async () => {
    const { json } = await ask(`/runs/${run}/steps/second/conflict`);
    return json["rejected"] !== undefined;
  });
  const found = await read<ConflictDocument>(`/runs/${run}/steps/second/conflict`);
  expect(found.rejected?.output).toContain("grep -q BAD");
  expect(found.question).toContain("fails verification");
  expect(await stepStatus("second")).toBe("needs-resolution");
  expect(head()).toBe(before);
});

test("what is decided is resolved with by who saw it as it is", async () => {
  const { askedAt, files } = await read<ConflictDocument>(`/runs/${run}/steps/second/conflict`);
  const seen = Object.fromEntries(files.map(({ file, etag }) => [file, etag]));
  for (const [body, expected] of [
    [{ files: "stored", seen: { ...seen, "a.txt": '"other"' }, askedAt }, [412, "precondition-failed"]],
    [{ files: "stored", seen: {}, askedAt }, [412, "precondition-failed"]],
    [{ files: "stored", seen, askedAt: 1 }, [409, "not-asked"]],
    [{ choice: "ours", askedAt: 1 }, [409, "not-asked"]],
    [{ choice: "ours", seen }, [422, "invalid-request"]],
  ] as const) {
    const { status, json } = await ask(`/runs/${run}/steps/second/resolve`, { body });
    expect([status, json["code"]]).toEqual(expected);
  }
  expect(await stepStatus("second")).toBe("needs-resolution");
});

test("with nothing decided and the conflict still in the worktree, nothing is resolved", async () => {
  const both = await ask(`/runs/${run}/steps/second/resolve`, { body: { files: "stored", choice: "ours" } });
  expect([both.status, both.json["code"]]).toEqual([422, "invalid-request"]);
  await decide({ withdraw: true });
  // What was tried is in the worktree; the conflict comes back by hand.
  const { marked = "" } = await read<ConflictFileDocument>(FILE());
  const { worktree } = await read<ConflictDocument>(`/runs/${run}/steps/second/conflict`);
  rig.writeIn(worktree, "a.txt", marked);
  const open = await ask(`/runs/${run}/steps/second/resolve`, { body: { files: "stored" } });
  expect([open.status, open.json["code"]]).toEqual([409, "conflict-open"]);
});

test("what passes is merged, as it was decided", async () => {
  const before = head();
  const solution = text("FIRST", "END and LAST");
  expect((await decide({ text: solution })).status).toBe(200);
  const { askedAt, files } = await read<ConflictDocument>(`/runs/${run}/steps/second/conflict`);
  await resolve({ files: "stored", seen: Object.fromEntries(files.map(({ file, etag }) => [file, etag])), askedAt });
  await until(async () => (await ask(`/runs/${run}`)).json["status"] === "succeeded");
  expect(`${await rig.merged("a.txt")}\n`).toBe(solution);
  expect(await rig.merged("own.txt")).toBe("own");
  expect(rig.git(["rev-parse", `${head()}^`])).toBe(before);
  const trees = await read<WorktreesDocument>(`/worktrees?run=${run}&sizes=true`);
  expect(trees.worktrees.filter(({ name }) => name === "second")).toEqual([]);
  const done = await read<ChangesDocument>(`/runs/${run}/changes`);
  expect(done.items.map(({ step, of }) => [step, of])).toEqual([
    ["first", "merged"],
    ["second", "merged"],
  ]);
  const gone = await ask(`/runs/${run}/steps/second/conflict`);
  expect([gone.status, gone.json["code"]]).toEqual([409, "not-asked"]);
});
