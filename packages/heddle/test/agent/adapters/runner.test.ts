/** Agent steps through the runners of this machine, as the engine starts them. */
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { randomId } from "../../../src/base/ids.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { AgentRunner, AgentTurn } from "../../../src/agent/adapters/port.ts";
import {
  bubblewrapSandbox,
  boxArguments,
  type Sandbox,
  type SandboxRequest,
} from "../../../src/agent/adapters/sandbox.ts";
import { findProgram } from "../../../src/agent/adapters/which.ts";
import { type LocalAgents, localAgentRunner } from "../../../src/agent/adapters/local.ts";
import { type LocalRunners, localRunners } from "../../../src/runner/local.ts";
import { clock } from "../../runner/rig.ts";
import { fixture, SCRIPTED } from "../../support/built.ts";
import { agentWorld, living } from "./rig.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "../../support/temporary.ts";

interface Bench extends AsyncDisposable {
  readonly runners: LocalRunners;
  readonly agents: AgentRunner;
  readonly root: string;
  readonly news: JsonObject[];
  turn(script: string, more?: Partial<AgentTurn>): AgentTurn;
  log(): string;
}

/** Not in /tmp, which a sandbox hides. */
function bench(agents: LocalAgents = {}, env: Readonly<Record<string, string>> = {}): Bench {
  const root = temporaryFolder("agents", "/var/tmp");
  mkdirSync(join(root, "work"));
  const run = `r${randomId(systemRandom, 10)}`;
  const news: JsonObject[] = [];
  const runners = localRunners({
    clock,
    env: { PATH: process.env["PATH"], HOME: join(root, "home"), ...env },
    owner: randomId(systemRandom, 12),
  });
  const made = localAgentRunner({ scripted: [process.execPath, SCRIPTED], ...agents, ...runners.shared });
  if (!made.ok) throw new Error(made.error);
  const logFile = join(root, "log");
  let count = 0;
  return {
    runners,
    agents: made.value,
    root,
    news,
    turn(script, more = {}) {
      const file = join(root, `script${count++}.yaml`);
      writeFileSync(file, script);
      return {
        run,
        step: "s",
        attempt: 1,
        agent: "scripted",
        prompt: "Do it.",
        sandbox: "off",
        cwd: join(root, "work"),
        env: { HEDDLE_SCRIPT: file },
        envMode: "strict",
        passEnv: [],
        secrets: [],
        logFile,
        graceMs: 500,
        onProgress: (data) => news.push(data),
        ...more,
      };
    },
    log: () => (existsSync(logFile) ? readFileSync(logFile, "utf8") : ""),
    async [Symbol.asyncDispose]() {
      await runners.runner[Symbol.asyncDispose]();
      expect(living(run)).toBe(0);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

describe("an agent's attempt", () => {
  test("succeeds with its last message, and what is known beside it", async () => {
    await using it = bench();
    const turn = it.turn("do: [{write: {path: a, text: b}}, {usage: {input: 5, usd: 2}}, {say: done}]", {
      promptHash: "abc",
      model: "m",
    });
    expect(await it.agents.start(turn).outcome).toMatchObject({
      kind: "succeeded",
      output: { text: "done" },
      agent: {
        agent: "scripted",
        provider: "scripted",
        usage: { input: 5 },
        usd: 2,
        model: "m",
        promptHash: "abc",
        sandbox: "none",
      },
    });
    expect(it.news.map((data) => data["type"])).toContain("tool");
    expect(it.log()).toContain("done\n[end] ok\n");
    expect(it.runners.mayHaveLeftovers(turn.run)).toBe(true);
  });

  test("says when its provider has answered after all", async () => {
    const exchange = join(import.meta.dirname, "exchanges/claude-asks-again.txt");
    const command = [process.execPath, fixture("replay-agent"), exchange] as const;
    await using it = bench({ agents: { claude: { protocol: "acp", command } } });
    const outcome = await it.agents.start(it.turn("", { agent: "claude" })).outcome;
    expect(outcome.kind).toBe("succeeded");
    const types = it.news.map(({ type }) => type);
    expect(types.slice(types.indexOf("retrying"))).toEqual(["retrying", "waited"]);
  });

  test("fails with a class, and whether another attempt may mend it", async () => {
    await using it = bench();
    const outcome = await it.agents.start(it.turn("do: [{rate-limit: {retryAfter: 9s}}]")).outcome;
    expect(outcome).toMatchObject({
      kind: "failed",
      error: { code: "error", message: "rate-limit: Too many requests" },
      agent: { class: "rate-limit", retryable: true, rateLimit: { provider: "scripted", retryAfterMs: 9000 } },
    });
    const refused = await it.agents.start(it.turn("do: [{stop: refusal}]")).outcome;
    expect(refused).toMatchObject({ kind: "failed", agent: { class: "refusal", retryable: false } });
    const broken = await it.agents.start(it.turn("do: [{dance: 1}]")).outcome;
    expect(broken).toMatchObject({ kind: "failed", agent: { class: "crash" } });
    expect(broken.kind === "failed" && broken.error.message).toContain("is not an action");
  });

  test("done without the files that were asked for is a failure", async () => {
    await using it = bench();
    const files = it.turn("do: [{write: {path: one, text: x}}]", { expect: { files: ["one", "two"] } });
    const outcome = await it.agents.start(files).outcome;
    expect(outcome).toMatchObject({ kind: "failed", agent: { class: "no-changes", retryable: true } });
    expect(outcome.kind === "failed" && outcome.error.message).toContain("two does not exist");
  });

  test("shows no secret (S14)", async () => {
    await using it = bench({}, { KEY: "s3cret-value" });
    const script = `do: [{run: 'echo "$KEY" >&2; printf %s "$KEY" > seen'}, {say: "the key is s3cret-value"}]`;
    const turn = it.turn(script, { passEnv: ["KEY"], secrets: ["KEY"] });
    const outcome = await it.agents.start(turn).outcome;
    expect(outcome).toMatchObject({ output: { text: "the key is ***" } });
    expect(readFileSync(join(it.root, "work/seen"), "utf8")).toBe("s3cret-value");
    expect(JSON.stringify([outcome, it.news]) + it.log()).not.toContain("s3cret");
    expect(it.log()).toContain("***");
  });

  test("shows no secret to a person who is asked for permission", async () => {
    await using it = bench({}, { KEY: "s3cret-value" });
    const asked: unknown[] = [];
    const turn = it.turn(
      'do: [{ask: {kind: execute, title: "Log in", command: "login s3cret-value", allowed: [{say: in}]}}]',
      {
        passEnv: ["KEY"],
        secrets: ["KEY"],
        policy: { rules: [{ kind: ["execute"], decision: "ask" }], otherwise: "deny" },
        onAsk: async (request) => {
          asked.push(request);
          return "allow";
        },
      },
    );
    expect(await it.agents.start(turn).outcome).toMatchObject({ output: { text: "in" } });
    expect(asked).toMatchObject([{ kind: "execute", command: "login ***" }]);
  });

  test("ends when it is told to, with the reason", async () => {
    await using it = bench();
    const stop = it.agents.start(it.turn("do: [stall]"));
    stop.stop("fail-fast");
    expect(await stop.outcome).toMatchObject({ kind: "stopped", reason: "fail-fast" });
    const kill = it.agents.start(it.turn("do: [{say: up}, stall]"));
    await until(() => it.news.some((data) => data["type"] === "session"));
    kill.kill();
    expect(await kill.outcome).toMatchObject({ kind: "stopped", reason: "cancel" });
    const asks = it.agents.start(it.turn("do: [stall]"));
    asks.end("needs-input");
    expect(await asks.outcome).toMatchObject({ kind: "failed", agent: { needsInput: true } });
    const broke = it.agents.start(it.turn("do: [stall]"));
    broke.end("budget");
    expect(await broke.outcome).toMatchObject({ kind: "failed", agent: { class: "budget", retryable: false } });
  });

  test("over its limit of memory", async () => {
    await using it = bench();
    const outcome = await it.agents.start(it.turn("do: [stall]", { maxMemoryMb: 10 })).outcome;
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "memory" } });
  });

  test("of an agent that nobody knows, or with a configuration that is wrong", async () => {
    await using it = bench();
    const unknown = await it.agents.start(it.turn("do: []", { agent: "hal" })).outcome;
    expect(unknown).toMatchObject({ kind: "failed", error: { code: "spawn" } });
    expect(unknown.kind === "failed" && unknown.error.message).toContain("claude, codex, gemini, opencode, scripted");
    expect(() => bench({ agents: { mine: { protocol: "acp" } } })).toThrow(
      "agents.mine: an agent without a preset needs a `command`",
    );
  });

  test("by a command of one's own", async () => {
    await using it = bench({ agents: { mine: { command: ["sh", "-c", 'cat > got; echo "model {model}"'] } } });
    const turn = it.turn("do: []", { agent: "mine", model: "x1" });
    expect(await it.agents.start(turn).outcome).toMatchObject({
      kind: "succeeded",
      output: { text: "model x1" },
    });
    expect(readFileSync(join(it.root, "work/got"), "utf8")).toBe("Do it.");
  });
});

describe("a script's misdeeds", () => {
  test("are done as written", async () => {
    await using it = bench();
    const script = `
do:
  - run: git init -q -b main . && git config user.name x && git config user.email x@x
  - write: {path: a.txt, text: one}
  - commit: "first 'commit'"
  - branch: aside
  - write: {path: b.txt, text: two}
  - commit: second
  - write: {path: ../outside.txt, text: breach}
  - run: git log --format=%s > log.txt; git branch --show-current >> log.txt
  - delete: .git
`;
    expect(await it.agents.start(it.turn(script)).outcome).toMatchObject({ kind: "succeeded" });
    expect(readFileSync(join(it.root, "work/log.txt"), "utf8")).toBe("second\nfirst 'commit'\naside\n");
    expect(existsSync(join(it.root, "outside.txt"))).toBe(true);
    expect(existsSync(join(it.root, "work/.git"))).toBe(false);
  });
});

const bwrap = findProgram("bwrap", process.env["PATH"] ?? "");

describe("the sandbox", () => {
  test("that is not there is told of once, or is an error where it is required", async () => {
    await using it = bench({}, { PATH: "/nowhere" });
    const script = "do: [{say: hi}]";
    for (let i = 0; i < 2; i++)
      expect(await it.agents.start(it.turn(script, { sandbox: "auto" })).outcome).toMatchObject({
        kind: "succeeded",
        agent: { sandbox: "none" },
      });
    const notices = it.news.filter((data) => data["type"] === "notice");
    expect(notices).toMatchObject([{ text: expect.stringContaining("without a sandbox") }]);
    const outcome = await it.agents.start(it.turn(script, { sandbox: "require" })).outcome;
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "spawn" } });
  });

  test("that does not work here is as one that is not there", async () => {
    const root = temporaryFolder("bwrap");
    try {
      writeFileSync(join(root, "bwrap"), "#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n");
      chmodSync(join(root, "bwrap"), 0o755);
      const world = { ...agentWorld(), path: `${root}${delimiter}/usr/bin${delimiter}/bin` };
      const probe = await bubblewrapSandbox(world).probe();
      expect(probe).toEqual({
        ok: false,
        error: "bubblewrap does not work here: No permissions to create new namespace",
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test("binds what can be written last, over what hides it", () => {
    const args = boxArguments({ mode: "auto", cwd: "/tmp", writable: ["/", "/nowhere"] });
    expect(args.indexOf("--tmpfs")).toBeLessThan(args.indexOf("--bind"));
    expect(args.filter((arg) => arg === "--bind").length).toBe(1);
    for (const arg of ["--unshare-pid", "--die-with-parent", "--ro-bind"]) expect(args).toContain(arg);
  });

  test("binds a folder that is to be read only so, over what hides it", () => {
    const args = boxArguments({ mode: "auto", cwd: "/tmp", isReadOnly: true, writable: [] });
    expect(args).not.toContain("--bind");
    expect(args.lastIndexOf("--ro-bind")).toBeGreaterThan(args.indexOf("--tmpfs"));
    expect(args[args.lastIndexOf("--ro-bind") + 1]).toBe(realpathSync("/tmp"));
  });

  /** With a program in place of bubblewrap that runs nothing, and fails where `fails` is among its arguments. */
  function triedBy(root: string, fails: string): Sandbox {
    const program = `#!/bin/sh\ncase "$*" in *${fails}*) echo 'Operation not permitted' >&2; exit 1;; esac\n`;
    writeFileSync(join(root, "bwrap"), program);
    chmodSync(join(root, "bwrap"), 0o755);
    return bubblewrapSandbox({ ...agentWorld(), path: `${root}${delimiter}/usr/bin${delimiter}/bin` });
  }

  async function wrapped(sandbox: Sandbox, more: Partial<SandboxRequest>): Promise<readonly string[] | undefined> {
    const box = await sandbox.around({ mode: "auto", cwd: "/tmp", writable: [], ...more });
    return box.ok ? box.value.wrap?.("agent", []) : [box.error];
  }

  test("makes the folders that an agent keeps at home before it binds them, and no files", async () => {
    await using it = bench();
    const folder = join(it.root, "home/.local/share/x");
    const file = join(it.root, "home/.x.json");
    const args = await wrapped(triedBy(it.root, "nothing-of-this"), { made: [folder], writable: [file] });
    expect(existsSync(folder)).toBe(true);
    expect(args?.[args.indexOf(realpathSync(folder)) - 1]).toBe("--bind");
    expect(existsSync(file)).toBe(false);
    expect(args).not.toContain("CAP_SETFCAP");
  });

  test("lets root make another one inside, where that was tried out", async () => {
    await using it = bench();
    const args = await wrapped(triedBy(it.root, "nothing-of-this"), { isNested: true });
    expect(args?.includes("CAP_SETFCAP")).toBe(process.getuid?.() === 0);
    // No box at all is better than one in which each command of the agent fails.
    const sandbox = triedBy(it.root, "--unshare-user");
    expect(await wrapped(sandbox, { isNested: true })).toBeUndefined();
    expect(await wrapped(sandbox, { isNested: true, mode: "require" })).toEqual([
      expect.stringContaining("a sandbox inside bubblewrap does not work here: Operation not permitted"),
    ]);
    expect(await wrapped(sandbox, {})).toContain("--unshare-pid");
    // Root's box lets none inside have a `/proc` of its own: codex does without.
    expect(await wrapped(triedBy(it.root, "--unshare-user*--proc"), { isNested: true })).toContain("--unshare-pid");
  });

  test.skipIf(bwrap === undefined)("has room for another one", async () => {
    const sandbox = bubblewrapSandbox(agentWorld());
    const probed = await sandbox.probe();
    expect(await sandbox.probeNested()).toEqual(probed);
  });

  // A box hides the agent's program where this checkout lies in `/tmp`.
  test.skipIf(bwrap === undefined || import.meta.filename.startsWith("/tmp/"))(
    "keeps writes inside, and lets nothing live",
    async () => {
      await using it = bench();
      mkdirSync(join(it.root, "home"));
      const script = `
do:
  - write: {path: inside.txt, text: ok}
  - write: {path: ../outside.txt, text: breach}
  - run: echo x > "$HOME/file" || echo refused >> inside.txt
  - run: echo t > "$TMPDIR/t" && cat "$TMPDIR/t" >> inside.txt
  - daemon: {stubborn: true}
  - say: done
`;
      const outcome = await it.agents.start(it.turn(script, { sandbox: "require" })).outcome;
      expect(outcome).toMatchObject({ kind: "succeeded", agent: { sandbox: "bubblewrap" } });
      expect(existsSync(join(it.root, "outside.txt"))).toBe(false);
      expect(existsSync(join(it.root, "home/file"))).toBe(false);
      expect(readFileSync(join(it.root, "work/inside.txt"), "utf8")).toBe("okrefused\nt\n");
    },
  );
});
