/**
 * What every adapter has to do, as tests. Registers them through the `describe`, `it` and `expect` that it is handed, so that
 * nothing here needs a test runner; agents that behave as a test needs are made by whoever runs the suite.
 */
import {
  type AgentAdapter,
  type AgentContext,
  type AgentEvent,
  type AgentOutcome,
  TEXT_LIMIT,
} from "../../../src/agent/adapters/port.ts";
import { NEVER_MS } from "../until.ts";
import type { TestTools } from "./test-tools.ts";

/** What the agent under an adapter does with its prompt. */
export type Behaviour =
  /** Writes the prompt to `prompt.txt` and its environment to `env.json`, says `Working.`, uses a tool, says `All done.` */
  | "works"
  /** Its provider says: too many requests, try again in 7 seconds. */
  | "rate-limited"
  /** Its provider refuses the key. */
  | "unauthorised"
  /** Ends with exit code 3 in the middle of its turn, with `it broke` as its last words. */
  | "crashes"
  /** Says `Working.` and then starts a tree of processes that does everything to outlive it, and waits. */
  | "hangs"
  /** Says `Working.`, and nothing any more; heeds no request to end. */
  | "deaf"
  /** Says 50 MB of text, then `All done.` */
  | "floods"
  /** One line of 40 MB. */
  | "floods a line"
  /** 20 MB of error output, then ends well. */
  | "complains"
  /** Prints what is no line of its protocol, in the middle of its turn. */
  | "garbles"
  /** Leaves a process of another session behind, and ends well. */
  | "leaves a daemon";

export interface AgentSetting {
  readonly adapter: (behaviour: Behaviour) => AgentAdapter;
  /** An adapter whose program does not exist. */
  readonly missing: AgentAdapter;
  /** An adapter whose program says nothing, and does nothing. */
  readonly silent: AgentAdapter;
  readonly context: (extra?: Partial<AgentContext>) => AgentContext;
  readonly events: readonly AgentEvent[];
  readonly log: readonly string[];
  /** Text of a file in the agent's folder. */
  readonly read: (file: string) => string;
  /** How many processes of the attempt live. */
  readonly living: () => number;
  /** Waits until `isTrue`, and fails after some seconds. */
  readonly until: (isTrue: () => boolean) => Promise<void>;
  readonly memoryMb: () => number;
  readonly end: () => void;
}

export interface AgentTraits {
  /** It tells of sessions, tools and texts; a plain command does not. */
  readonly tells: boolean;
}

export function agentSuite(
  { describe, it, expect }: TestTools,
  name: string,
  traits: AgentTraits,
  make: () => AgentSetting,
): void {
  function check(what: string, body: (setting: AgentSetting) => Promise<void>): void {
    it(what, async () => {
      const setting = make();
      try {
        await body(setting);
        expect(setting.living(), "processes left").toBe(0);
      } finally {
        setting.end();
      }
    });
  }
  async function run(
    setting: AgentSetting,
    behaviour: Behaviour,
    extra?: Partial<AgentContext>,
  ): Promise<AgentOutcome> {
    return await setting.adapter(behaviour).start(setting.context(extra)).outcome;
  }
  const limits = (setting: AgentSetting, more: Partial<AgentContext["limits"]>): Partial<AgentContext> => ({
    limits: { ...setting.context().limits, ...more },
  });

  describe(`${name}: a turn`, () => {
    check("ends well", async (setting) => {
      const outcome = await run(setting, "works", { prompt: "Say 'hello' to $HOME; \"quoted\"\nand a second line" });
      expect(outcome).toMatchObject({ status: "ok" });
      expect(outcome.text).toContain("All done.");
      expect(setting.read("prompt.txt")).toContain("Say 'hello' to $HOME; \"quoted\"\nand a second line");
      const types = setting.events.map((event) => event.type);
      expect(types).toContain("started");
      if (!traits.tells) return;
      expect(outcome.text).toBe("All done.");
      expect(typeof outcome.sessionId).toBe("string");
      for (const type of ["session", "text", "tool"]) expect(types).toContain(type);
    });
    check("sees its environment and nothing more", async (setting) => {
      await run(setting, "works");
      const env = JSON.parse(setting.read("env.json")) as Record<string, string>;
      expect(env).toMatchObject({
        GIT_TERMINAL_PROMPT: "0",
        GIT_EDITOR: "true",
        HEDDLE_STEP: "s",
        HEDDLE_ATTEMPT: "1",
      });
      expect(env["CALLERS"]).toBe(undefined);
      expect(env["HEDDLE_TOKEN"]).toBe(undefined);
      expect(env["GIT_CEILING_DIRECTORIES"]?.startsWith("/")).toBe(true);
    });
    check("unknown usage is absent", async (setting) => {
      const outcome = await run(setting, "crashes");
      expect("usage" in outcome).toBe(false);
      expect("cost" in outcome).toBe(false);
    });
    check("is told as it comes", async (setting) => {
      const running = setting.adapter("deaf").start(setting.context());
      await setting.until(() => setting.log.some((line) => line.includes("Working.")));
      running.kill();
      expect((await running.outcome).status).toBe("cancelled");
    });
  });

  describe(`${name}: failures`, () => {
    check("too many requests", async (setting) => {
      const outcome = await run(setting, "rate-limited");
      expect(outcome).toMatchObject({ status: "failed", class: "rate-limit", rateLimit: { retryAfterMs: 7000 } });
    });
    check("a refused key", async (setting) => {
      expect(await run(setting, "unauthorised")).toMatchObject({ status: "failed", class: "auth" });
    });
    check("a crash, with its last words", async (setting) => {
      const outcome = await run(setting, "crashes");
      expect(outcome).toMatchObject({ status: "failed", class: "crash" });
      expect(outcome.message).toContain("it broke");
    });
    check("a program that is not there", async (setting) => {
      expect(await setting.missing.start(setting.context()).outcome).toMatchObject({
        status: "failed",
        class: "spawn",
      });
      expect((await setting.missing.probe()).found).toBe(false);
    });
    check("silence", async (setting) => {
      const outcome = await run(
        setting,
        "deaf",
        limits(setting, { idleMs: 300, cancelMs: 100, exitMs: 100, graceMs: 100 }),
      );
      expect(outcome).toMatchObject({ status: "timeout", timeout: "idle", class: "stall" });
    });
    check("an attempt that takes too long", async (setting) => {
      const outcome = await run(
        setting,
        "deaf",
        limits(setting, { attemptMs: 900, cancelMs: 100, exitMs: 100, graceMs: 100 }),
      );
      expect(outcome).toMatchObject({ status: "timeout", timeout: "attempt" });
      expect(outcome.class).toBe(undefined);
    });
    if (traits.tells) {
      check("lines that are no protocol", async (setting) => {
        expect(await run(setting, "garbles")).toMatchObject({ status: "failed", class: "protocol" });
      });
      check("an agent that never begins", async (setting) => {
        const context = setting.context(limits(setting, { startMs: 1, cancelMs: 100, exitMs: 100, graceMs: 100 }));
        const outcome = await setting.silent.start(context).outcome;
        expect(outcome).toMatchObject({ status: "timeout", timeout: "start", class: "stall" });
      });
    }
  });

  describe(`${name}: bounds`, () => {
    check("50 MB of text", async (setting) => {
      const before = setting.memoryMb();
      const outcome = await run(setting, "floods");
      expect(outcome).toMatchObject({ status: "ok" });
      expect(outcome.text.length <= TEXT_LIMIT).toBe(true);
      expect(outcome.text).toContain("All done.");
      const grown = setting.memoryMb() - before;
      expect(grown < 64, `${grown} MB`).toBe(true);
    });
    check("one line without end", async (setting) => {
      const outcome = await run(setting, "floods a line");
      expect(outcome).toMatchObject({ status: "failed", class: "protocol" });
    });
    check("20 MB of error output", async (setting) => {
      expect(await run(setting, "complains")).toMatchObject({ status: "ok" });
    });
  });

  describe(`${name}: the end`, () => {
    check("cancel leaves no process, whatever the agent started", async (setting) => {
      const running = setting
        .adapter("hangs")
        .start(setting.context(limits(setting, { cancelMs: 300, exitMs: 200, graceMs: 300 })));
      await setting.until(() => setting.living() >= 5);
      running.stop("cancel");
      running.stop("budget");
      expect(await running.outcome).toMatchObject({ status: "cancelled" });
      expect(setting.living()).toBe(0);
      expect(running.members()).toEqual([]);
    });
    check("kill waits for nothing", async (setting) => {
      const running = setting
        .adapter("hangs")
        .start(setting.context(limits(setting, { cancelMs: NEVER_MS, graceMs: NEVER_MS })));
      await setting.until(() => setting.living() >= 5);
      running.stop("cancel");
      running.kill();
      expect((await running.outcome).status).toBe("cancelled");
    });
    check("stopped at once, before it began", async (setting) => {
      const running = setting
        .adapter("works")
        .start(setting.context(limits(setting, { cancelMs: 100, exitMs: 100, graceMs: 200 })));
      running.stop("needs-input");
      expect((await running.outcome).status).toBe("needs-input");
    });
    check("what a good agent leaves behind ends with it", async (setting) => {
      expect(await run(setting, "leaves a daemon")).toMatchObject({ status: "ok" });
    });
    check("a budget that is used up is a failure of its own class", async (setting) => {
      const running = setting
        .adapter("deaf")
        .start(setting.context(limits(setting, { cancelMs: 100, exitMs: 100, graceMs: 100 })));
      await setting.until(() => setting.log.some((line) => line.includes("Working.")));
      running.stop("budget");
      expect(await running.outcome).toMatchObject({ status: "failed", class: "budget" });
    });
  });
}
