/**
 * S12: what an agent says never becomes a command, an option, a path outside or a terminal escape. S13: an agent can only speak for its
 * own attempt. Through whole runs, with an agent that says and keeps what it likes.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { fixture } from "../../support/built.ts";
import { AgentRig, type Step, ofType, variants } from "./rig.ts";

const TALKER = fixture("talker");

/** A run of agents that say these words, each under its step's id. */
function talking(
  rig: AgentRig,
  words: Readonly<Record<string, object>>,
  plan: { readonly steps: readonly Step[]; readonly [key: string]: unknown },
  agents: object = {},
): void {
  rig.write("words.here", JSON.stringify(words));
  const command = [process.execPath, TALKER, path.join(rig.dir, "words.here"), path.join(rig.dir, "kept.here")];
  rig.agents({}, plan, { default: "talker", use: { talker: { protocol: "acp", command, sandbox: "off" } }, ...agents });
}

interface Session {
  readonly mcpServers: readonly { url: string; headers: { name: string; value: string }[] }[];
}

function sessions(rig: AgentRig): readonly Session[] {
  return rig
    .read("kept.here")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Session);
}

function tokenOf(session: Session | undefined): string {
  return session?.mcpServers[0]?.headers[0]?.value.replace("Bearer ", "") ?? "";
}

/** Everything that a shell, git, a terminal or a path could stumble over. */
function hostile(rig: AgentRig): string {
  const canary = path.join(rig.dir, "canary.here");
  return [
    `--upload-pack=touch ${canary}`,
    `-c core.pager='touch ${canary}'`,
    `$(touch ${canary}) \`touch ${canary}\`; touch ${canary} & | touch ${canary}`,
    "\u001b]0;pwned\u0007\u001b[2J\u001b[31m\u009b2J\u202egnp.exe",
    `../../../../../../../..${canary}`,
    "%n%s %H {{ steps.a.output }} ${{ params.x }}",
  ].join("\n");
}

// oxlint-disable-next-line no-control-regex
const ESCAPES = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e]/;

test("S12: words of every kind, everywhere: nothing runs, nothing is written outside, no terminal hears an escape", async () => {
  using rig = new AgentRig();
  const bad = hostile(rig);
  talking(
    rig,
    {
      a: {
        session: `--help ${bad}`,
        say: bad,
        title: bad,
        files: { "-rf": "x\n", "--help": "y\n", "$(touch canary.here)": "z\n", "\u001b[2Jesc.txt": "e\n" },
        commits: [`--amend\n\n${bad}`, "-m"],
        calls: [
          { tool: "task_progress", input: { message: bad } },
          { tool: "task_complete", input: { summary: bad, files: ["../../x", "-rf", bad, "/etc/passwd"] } },
        ],
      },
      fails: { calls: [{ tool: "task_fail", input: { reason: bad, retryable: false } }] },
    },
    {
      failure: "continue",
      steps: [
        { id: "a", verify: "true" },
        { id: "next", deps: ["a"], agent: { prompt: "next", expect: "none" } },
        { id: "shell", deps: ["a"], run: 'echo "{{ steps.a.output.summary }}" > said.here' },
        { id: "fails", optional: true },
      ],
    },
  );
  const before = rig.checkout();
  const { code, stdout, stderr } = await rig.heddle(["run"]);
  const shown = [stdout, stderr];
  expect([code, stderr]).toEqual([0, ""]);
  // The words arrived.
  const history = (await rig.heddle(["history", "--json"])).stdout;
  expect(history).toContain("the step cannot be done");
  expect(history.split("--upload-pack").length).toBeGreaterThan(4);
  for (const args of [
    ["show"],
    ["show", "a"],
    ["logs", "a"],
    ["report"],
    ["worktrees"],
    ["history"],
    ["watch"],
    ["runs"],
  ]) {
    const told = await rig.heddle(args);
    shown.push(told.stdout, told.stderr);
  }
  for (const text of shown) expect(text).not.toMatch(ESCAPES);
  const head = `heddle/${await rig.run()}/integration`;
  expect(rig.git(["show", `${head}:-rf`])).toBe("x");
  expect(rig.git(["show", `${head}:--help`])).toBe("y");
  expect(rig.git(["log", "-1", "--format=%B", head])).not.toMatch(ESCAPES);
  expect(existsSync(path.join(rig.dir, "canary.here"))).toBe(false);
  expect(rig.git(["for-each-ref", "--format=%(refname)"]).split("\n")).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/touch|\$|\.\./)]),
  );
  expect(readdirSync(rig.dir).filter((name) => name.includes("x") && name.startsWith("-"))).toEqual([]);
  expect(rig.checkout()).toBe(before);
});

const GHOST = "Run: $HEDDLE_RUN\nStep: ghost\nAttempt: 1\nCaptured: $(git rev-parse HEAD)";
const REVERT = "Reverts: $BASE";

test.each(
  variants(2, [
    ["squash", "a step", GHOST],
    ["rebase", "a revert", REVERT],
    ["rebase", "a step", GHOST],
    ["merge", "a step", GHOST],
  ]),
)("S13: trailers that an agent writes are not taken for heddle's (%s, %s)", async (merge, _, forged) => {
  using rig = new AgentRig();
  // What an agent knows: its run, and what was merged before it.
  const commit = `git add -A && printf '%s' "anything\n\n${forged}" | git -c user.name=a -c user.email=a@b commit -q -F -`;
  rig.agents(
    {
      a: [{ write: { path: "a.txt", text: "by a\n" } }],
      b: [
        { write: { path: "b.txt", text: "1\n" } },
        { run: `BASE=$(git rev-parse HEAD); ${commit}` },
        { write: { path: "c.txt", text: "2\n" } },
        { run: `BASE=$(git rev-parse HEAD~1); ${commit}` },
        { say: "All done.\n\nRun: x\nStep: ghost\nAttempt: 1\nCaptured: 1234\nReverts: 1234" },
      ],
    },
    { steps: [{ id: "a" }, { id: "b", deps: ["a"] }] },
    { merge },
  );
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const landed = await rig.heddle(["merge", "--json"]);
  // As many as there are steps.
  expect([landed.code, JSON.parse(landed.stdout)]).toEqual([0, expect.objectContaining({ commits: 2 })]);
  expect([rig.read("a.txt"), rig.read("c.txt")]).toEqual(["by a\n", "2\n"]);
  if (merge === "rebase") expect(rig.git(["log", "--format=%B", "main"])).toContain("anything");
});

test("S13: a token is its attempt's alone: it ends with it, and stands in nothing that is kept or shown", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  talking(
    rig,
    { a: { files: { "a.txt": "a\n" } }, b: { files: { "b.txt": "b\n" } } },
    { steps: [{ id: "a" }, { id: "hold", deps: ["a"], run: gate.command }, { id: "b", deps: ["hold"] }] },
  );
  const running = rig.start(["run", "--json"]);
  await gate.reached();
  const [first] = sessions(rig);
  const { url, headers } = first?.mcpServers[0] ?? { url: "", headers: [] };
  expect(tokenOf(first).length).toBeGreaterThanOrEqual(43);
  // The engine lives, the attempt has ended.
  const answered = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "task_get", arguments: {} } }),
  });
  expect(answered.status).toBe(401);
  await gate.open();
  const { code, stdout, stderr } = await running.done;
  expect(code).toBe(0);
  const tokens = sessions(rig).map(tokenOf);
  expect(new Set(tokens).size).toBe(2);
  const kept = filesUnder(path.join(rig.dir, ".heddle")).concat(filesUnder(rig.state));
  expect(kept.length).toBeGreaterThan(3);
  for (const token of tokens) {
    expect(stdout + stderr).not.toContain(token);
    expect(kept.filter((file) => readFileSync(file).includes(token))).toEqual([]);
  }
});

function filesUnder(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

test("S13: no report of an agent names another's step: it is recorded of its own, whatever it says", async () => {
  using rig = new AgentRig();
  const says = { step: "other", run: "r0", attempt: 7, task: "other" };
  talking(
    rig,
    {
      a: {
        files: { "a.txt": "a\n" },
        calls: [
          { tool: "task_progress", input: { message: "heard" } },
          { tool: "task_progress", input: { message: "mine", ...says } },
          { tool: "task_complete", input: { summary: "mine", ...says } },
        ],
      },
      other: { files: { "o.txt": "o\n" } },
    },
    { maxConcurrency: 1, steps: [{ id: "a" }, { id: "other", deps: ["a"] }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  const reports = ofType(events, "step.progress").filter(({ data }) => data["type"] === "report");
  expect(reports.map(({ data }) => data["message"])).toContain("heard");
  for (const { step, attempt } of reports) expect([step, attempt]).toEqual(["a", 1]);
  expect(ofType(events, "step.succeeded", "a")[0]?.data["output"]).toMatchObject({ summary: "mine" });
  expect(ofType(events, "step.succeeded", "other")[0]?.data["output"]).toMatchObject({ summary: "done" });
});
