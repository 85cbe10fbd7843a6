/**
 * What every way of carrying out commands has to do, as tests: run for helpers and for plain spawns. Registers tests through
 * the `describe`, `it` and `expect` that it is handed, so that nothing here needs a test runner.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomId } from "../../../src/base/ids.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { Attempt, Runner, RunningAttempt } from "../../../src/runner/port.ts";
import type { Outcome } from "../../../src/run/attempt.ts";
import { NEVER_MS } from "../until.ts";
import type { TestTools } from "./test-tools.ts";

/** A runner under test, made with the caller's environment `SUITE_ENV`, and an empty folder. */
export interface RunnerSetting {
  readonly runner: Runner;
  readonly folder: string;
  /** How many living processes carry the tag of this run. */
  living(run: string): number;
  /** Waits until `isTrue`, and fails after some seconds. */
  until(isTrue: () => boolean): Promise<void>;
  end(): Promise<void>;
}

/** The environment that heddle itself was started with, added to PATH. */
export const SUITE_ENV: Readonly<Record<string, string>> = {
  HOME: "/home/someone",
  LANG: "C.UTF-8",
  CALLERS: "own value",
  HEDDLE_TOKEN: "token-of-heddle",
  HEDDLE_ODD: "odd",
};

let count = 0;

/** An attempt of `command` with everything else plain. */
export function commandAttempt(folder: string, command: string, extra: Partial<Attempt> = {}): Attempt {
  const step = `step${++count}`;
  return {
    // Nobody else's, not even of an earlier process with this one's pid: leftovers of others are never counted.
    run: `suite${randomId(systemRandom, 16)}`,
    step,
    attempt: 1,
    work: { kind: "run", command, shell: "sh" },
    cwd: folder,
    env: {},
    envMode: "inherit",
    passEnv: [],
    secrets: [],
    isolate: false,
    deps: {},
    params: {},
    logFile: join(folder, `${step}.log`),
    exchangeBase: join(folder, step),
    graceMs: 2000,
    ...extra,
  };
}

const AWKWARD = [
  "",
  " leading and trailing ",
  "two\nlines\n",
  'it\'s "quoted"',
  "$(touch canary) `touch canary` ; touch canary & touch canary | touch canary > canary",
  "\\ \\n \\' % * ? [a-z] ~ ! # {a,b} $HOME",
  "tab\tbell\u0007 escape\u001b[31m",
  "grüße, 世界 👋",
  "-n -e --",
  "\u0081\u0088\u00ff",
];

const EXITS: readonly (readonly [command: string, exitCode: number, signal: string | undefined])[] = [
  ["exit 1", 1, undefined],
  ["exit 2", 2, undefined],
  ["exit 42", 42, undefined],
  ["exit 255", 255, undefined],
  ["no-such-command", 127, undefined],
  ["kill -TERM $$", 143, "SIGTERM"],
  ["kill -KILL $$", 137, "SIGKILL"],
  ["kill -HUP $$", 129, "SIGHUP"],
  ["kill -INT $$", 130, "SIGINT"],
  ["kill -PIPE $$", 141, "SIGPIPE"],
  ["sh -c 'kill -SEGV $$'; exit $?", 139, "SIGSEGV"],
];

export function commandSuite(tools: TestTools, name: string, make: () => Promise<RunnerSetting>): void {
  const { describe, it, expect } = tools;
  type Body = (
    setting: RunnerSetting,
    run: (command: string, extra?: Partial<Attempt>) => Promise<Outcome>,
  ) => Promise<void>;
  function check(title: string, body: Body): void {
    it(title, async () => {
      const setting = await make();
      try {
        await body(
          setting,
          (command, extra) => setting.runner.start(commandAttempt(setting.folder, command, extra)).outcome,
        );
      } finally {
        await setting.end();
      }
    });
  }
  const log = (attempt: Attempt): string => readFileSync(attempt.logFile ?? "", "utf8");
  const codeOf = (outcome: Outcome): string => (outcome.kind === "failed" ? outcome.error.code : outcome.kind);

  describe(`${name}: ends`, () => {
    check("an exit code or signal is reported", async (_, run) => {
      for (const [command, exitCode, signal] of EXITS) {
        const outcome = await run(command);
        expect(outcome, command).toMatchObject({ kind: "failed", error: { code: "exit", exitCode } });
        expect(outcome.kind === "failed" ? outcome.error.signal : "", command).toBe(signal);
      }
    });
    check("what surrounds the command is missing", async ({ folder }, run) => {
      const missing = join(folder, "missing");
      expect(await run("true", { cwd: missing })).toEqual({
        kind: "failed",
        error: { code: "spawn", message: `the folder ${missing} does not exist` },
      });
      const shell = { kind: "run", command: "true", shell: "/no/such-shell" } as const;
      expect(await run("", { work: shell })).toEqual({
        kind: "failed",
        error: { code: "spawn", message: "the shell /no/such-shell was not found" },
      });
      expect(codeOf(await run("true", { logFile: join(missing, "log") }))).toBe("spawn");
      expect(codeOf(await run("true", { env: { NUL: "a\0b" } }))).toBe("spawn");
      expect(await run("true")).toEqual({ kind: "succeeded", output: null });
    });
    check("a variable that is too large for the system", async (_, run) => {
      const outcome = await run("true", { env: { SMALL: "1", LARGE: "x".repeat(200_000) } });
      expect(codeOf(outcome)).toBe("spawn");
      const message = outcome.kind === "failed" ? outcome.error.message : "";
      expect([message.includes("the variable LARGE has 200000 bytes"), message.includes("$HEDDLE_DEPS")]).toEqual([
        true,
        true,
      ]);
    });
    check("another shell, with options", async (_, run) => {
      const work = { kind: "run", command: "false | true; exit 0", shell: "bash -e -o pipefail" } as const;
      expect(await run("", { work })).toMatchObject({ kind: "failed", error: { exitCode: 1 } });
    });
  });

  describe(`${name}: surroundings`, () => {
    check("values are data, whatever they hold (S9)", async ({ folder, runner }) => {
      for (const value of AWKWARD) {
        const attempt = commandAttempt(folder, 'printf %s "$VALUE" >value; printf %s "$HEDDLE_STEP" >step', {
          env: { VALUE: value },
        });
        const named = { ...attempt, step: `${attempt.step} ${value}`, item: value };
        expect((await runner.start(named).outcome).kind).toBe("succeeded");
        expect(readFileSync(join(folder, "value"), "utf8")).toBe(value);
        expect(readFileSync(join(folder, "step"), "utf8")).toBe(named.step);
      }
      expect(existsSync(join(folder, "canary"))).toBe(false);
    });
    check("folders and logs with odd names", async ({ folder, runner }) => {
      const odd = join(folder, "it's $(touch canary) -n\n é");
      mkdirSync(odd);
      for (const cwd of [odd, folder, odd]) {
        const attempt = commandAttempt(odd, 'printf %s "$PWD"; pwd -P >&2; [ -z "${OLDPWD+set}" ] || echo "$OLDPWD"', {
          cwd,
        });
        expect((await runner.start(attempt).outcome).kind).toBe("succeeded");
        expect(log(attempt)).toBe(`${cwd}${cwd}\n`);
      }
    });
    check("variables that mean something to shells", async ({ folder, runner }) => {
      const env = { IFS: "x", OPTIND: "1", "odd.name": "1", BASH_ENV: "/none", PS4: "p", UID: "7", LC_ALL: "C" };
      const attempt = commandAttempt(folder, "tr '\\0' '\\n' </proc/$$/environ", { env });
      expect((await runner.start(attempt).outcome).kind).toBe("succeeded");
      expect(
        log(attempt)
          .split("\n")
          .filter((line) => /^(?:odd\.name|BASH_ENV|LC_ALL)=/.test(line))
          .toSorted(),
      ).toEqual(["BASH_ENV=/none", "LC_ALL=C", "odd.name=1"]);
    });
    check("inherit: the caller's environment without heddle's own (S15)", async ({ folder, runner }) => {
      const attempt = commandAttempt(folder, "env", {
        passEnv: ["HEDDLE_TOKEN"],
        env: { HEDDLE_TOKEN: "x", MINE: "1" },
      });
      await runner.start(attempt).outcome;
      const lines = log(attempt).split("\n");
      expect(lines.includes("CALLERS=own value")).toBe(true);
      expect(lines.includes("MINE=1")).toBe(true);
      expect(log(attempt).includes("token-of-heddle")).toBe(false);
      const names = lines.map((line) => line.split("=")[0] ?? "").filter((key) => key.startsWith("HEDDLE_"));
      const given = ["ATTEMPT", "DEPS", "OUTPUT", "OWNER", "RUN", "STEP", "STEPS", "TAG"];
      expect(names.toSorted()).toEqual(given.map((key) => `HEDDLE_${key}`));
    });
    check("strict: an allow-list (S15)", async ({ folder, runner }) => {
      const attempt = commandAttempt(folder, "env", { envMode: "strict", env: { MINE: "1" } });
      await runner.start(attempt).outcome;
      const names = log(attempt)
        .split("\n")
        .map((line) => line.split("=")[0] ?? "");
      const foreign = names.filter(
        (key) => key !== "" && !key.startsWith("HEDDLE_") && !["_", "SHLVL", "OLDPWD"].includes(key),
      );
      expect(foreign.toSorted()).toEqual(["HOME", "LANG", "MINE", "PATH", "PWD"]);
      const passing = commandAttempt(folder, "env", { envMode: "strict", passEnv: ["CALLERS"] });
      await runner.start(passing).outcome;
      expect(log(passing).includes("CALLERS=own value")).toBe(true);
    });
    check(
      "reads nothing, ignores no signal, holds no file of ours, leads a group apart from ours",
      async ({ folder, runner }) => {
        const command =
          "cat; cat /proc/self/status | grep -E 'Sig(Ign|Blk)'; ls -l /proc/self/fd; cut -d' ' -f5 /proc/self/stat >group";
        const attempt = commandAttempt(folder, command);
        expect((await runner.start(attempt).outcome).kind).toBe("succeeded");
        const text = log(attempt);
        expect(text.match(/Sig(?:Ign|Blk):\t0000000000000000/g)?.length).toBe(2);
        expect(text.includes("0 -> /dev/null")).toBe(true);
        expect(text.includes("socket:")).toBe(false);
        const group = readFileSync(join(folder, "group"), "utf8").trim();
        expect(group === readFileSync("/proc/self/stat", "latin1").split(" ")[4]).toBe(false);
      },
    );
    check("both outputs reach the log in order, appended", async ({ folder, runner }) => {
      const attempt = commandAttempt(folder, "echo one; echo two >&2; echo three");
      writeFileSync(attempt.logFile ?? "", "zero\n");
      await runner.start(attempt).outcome;
      expect(log(attempt)).toBe("zero\none\ntwo\nthree\n");
    });
  });

  describe(`${name}: exchange`, () => {
    check("outputs", async (_, run) => {
      expect(await run(`echo '{"a": [1, null]}' >$HEDDLE_OUTPUT`)).toEqual({
        kind: "succeeded",
        output: { a: [1, null] },
      });
      expect(await run('echo a=1 >>"$HEDDLE_OUTPUT"; echo b.c=x=y >>"$HEDDLE_OUTPUT"')).toEqual({
        kind: "succeeded",
        output: { a: "1", "b.c": "x=y" },
      });
      expect(await run("echo 12 >$HEDDLE_OUTPUT; exit 1")).toMatchObject({ kind: "failed", error: { code: "exit" } });
      expect(codeOf(await run("echo not a value >$HEDDLE_OUTPUT"))).toBe("output");
      expect(codeOf(await run("head -c 1100000 /dev/zero >$HEDDLE_OUTPUT"))).toBe("output");
      expect(codeOf(await run("mkdir $HEDDLE_OUTPUT"))).toBe("output");
    });
    check("steps, deps and the item", async ({ folder, runner }, run) => {
      expect(await run(`echo '[{"id": "more", "run": "true"}]' >$HEDDLE_STEPS`)).toEqual({
        kind: "succeeded",
        output: null,
        steps: [{ id: "more", run: "true" }],
      });
      expect(codeOf(await run("echo '{}' >$HEDDLE_STEPS"))).toBe("output");
      const attempt = commandAttempt(folder, 'cat "$HEDDLE_DEPS"; echo "$ITEM"', {
        deps: { "a/b": { x: 1 } },
        item: { shard: 2 },
      });
      await runner.start(attempt).outcome;
      expect(log(attempt)).toBe('{"a/b":{"x":1}}\n{"shard":2}\n');
      const bare = commandAttempt(folder, 'cat "$HEDDLE_DEPS"; echo "${ITEM-none}"');
      await runner.start(bare).outcome;
      expect(log(bare)).toBe("{}\nnone\n");
    });
    check("secrets are masked in log, output and errors (S14)", async ({ folder, runner }) => {
      const env = { KEY: "p4ss word/+?" };
      const command = `printf 'p4ss w'; printf 'ord/+? '; printf %s "$KEY" | base64; printf '%s' "$KEY" >$HEDDLE_OUTPUT; printf '{"k":"%s"}' "$KEY" >$HEDDLE_OUTPUT`;
      const attempt = commandAttempt(folder, command, { env, secrets: ["KEY", "UNSET"] });
      expect(await runner.start(attempt).outcome).toEqual({ kind: "succeeded", output: { k: "***" } });
      expect(log(attempt)).toBe("*** ***\n");
      const failing = commandAttempt(folder, 'echo "oops $KEY" >$HEDDLE_OUTPUT', { env, secrets: ["KEY"] });
      const outcome = await runner.start(failing).outcome;
      expect(JSON.stringify(outcome).includes("p4ss")).toBe(false);
      expect(codeOf(outcome)).toBe("output");
    });
  });

  describe(`${name}: ending`, () => {
    check("nothing of the group outlives a command that ended by itself", async ({ living, folder, runner }, run) => {
      const attempt = commandAttempt(folder, "sleep 300 & sleep 301 & echo done");
      expect((await runner.start(attempt).outcome).kind).toBe("succeeded");
      expect(living(attempt.run)).toBe(0);
      expect((await run("true")).kind).toBe("succeeded");
    });
    check("TERM is enough for who heeds it", async ({ folder, runner, until, living }) => {
      const attempt = commandAttempt(folder, "echo up; sleep 300", { graceMs: NEVER_MS });
      const running = await started(runner, attempt, until);
      running.stop("cancel");
      running.stop("timeout");
      expect(await running.outcome).toMatchObject({ kind: "stopped", reason: "cancel" });
      expect(living(attempt.run)).toBe(0);
      running.stop("cancel");
      running.kill();
    });
    check("a command may tidy up in its grace", async ({ folder, runner, until }) => {
      const attempt = commandAttempt(folder, "trap 'echo tidied; exit 0' TERM; echo up; while :; do sleep 0.05; done");
      const running = await started(runner, attempt, until);
      running.stop("fail-fast");
      expect(await running.outcome).toMatchObject({ kind: "stopped", reason: "fail-fast" });
      expect(log(attempt).endsWith("tidied\n")).toBe(true);
    });
    check("KILL follows the grace", async ({ folder, runner, until, living }) => {
      const attempt = commandAttempt(folder, "trap '' TERM; echo up; while :; do sleep 300; done", { graceMs: 400 });
      const running = await started(runner, attempt, until);
      running.stop("timeout");
      expect(await running.outcome).toMatchObject({ kind: "stopped", reason: "timeout" });
      expect(living(attempt.run)).toBe(0);
    });
    check("success stays success where what a command left must be killed", async ({ living, folder, runner }) => {
      const left = "sh -c 'trap \"\" TERM; while :; do sleep 0.2; done' >/dev/null 2>&1 &";
      const attempt = commandAttempt(folder, `${left} echo 1 >$HEDDLE_OUTPUT`, { graceMs: 100 });
      expect(await runner.start(attempt).outcome).toMatchObject({ kind: "succeeded", output: 1 });
      expect(living(attempt.run)).toBe(0);
    });
    check("kill waits for no grace, before and after a stop", async ({ folder, runner, until }, run) => {
      for (const stopFirst of [false, true]) {
        const attempt = commandAttempt(folder, "trap '' TERM; echo up; while :; do sleep 300; done", {
          graceMs: NEVER_MS,
        });
        const running = await started(runner, attempt, until);
        if (stopFirst) running.stop("cancel");
        running.kill();
        expect(await running.outcome).toMatchObject({ kind: "stopped", reason: "cancel" });
      }
      expect(await run("echo 1 >$HEDDLE_OUTPUT")).toEqual({ kind: "succeeded", output: 1 });
    });
    check("signals to its own group hurt nobody else", async (_, run) => {
      expect(await run("kill -TERM 0; sleep 5")).toMatchObject({ kind: "failed", error: { exitCode: 143 } });
      expect(await run("kill -KILL 0; sleep 5")).toMatchObject({
        kind: "failed",
        error: { exitCode: 137, signal: "SIGKILL" },
      });
      expect((await run("true")).kind).toBe("succeeded");
    });
    check("a step over its memory limit is ended with the figures", async ({ folder, runner }) => {
      const hog = `exec ${process.execPath} -e 'const b = Buffer.alloc(200 << 20, 1); setTimeout(() => b, 60000)'`;
      const attempt = commandAttempt(folder, hog, { maxMemoryMb: 100, graceMs: 100 });
      const outcome = await runner.start(attempt).outcome;
      expect(codeOf(outcome)).toBe("memory");
      const peak = outcome.usage?.peakMemoryMb ?? 0;
      expect(peak > 100 && peak < 2000).toBe(true);
      expect(outcome.kind === "failed" && outcome.error.message.includes("its limit is 100 MB")).toBe(true);
    });
    check("many at once", async ({ runner, folder }) => {
      const attempts = Array.from({ length: 12 }, (_, i) =>
        commandAttempt(folder, `echo ${i} >$HEDDLE_OUTPUT; echo ${i}`),
      );
      const outcomes = await Promise.all(attempts.map((attempt) => runner.start(attempt).outcome));
      expect(outcomes).toEqual(attempts.map((_, i) => ({ kind: "succeeded", output: i })));
      expect(attempts.map(log)).toEqual(attempts.map((_, i) => `${i}\n`));
    });
  });
}

/** Starts an attempt and waits until its command has written something. */
export async function started(
  runner: Runner,
  attempt: Attempt,
  until: RunnerSetting["until"],
): Promise<RunningAttempt> {
  const running = runner.start(attempt);
  await until(() => existsSync(attempt.logFile ?? "") && readFileSync(attempt.logFile ?? "", "utf8") !== "");
  return running;
}
