/**
 * Exchanges of real agents, replayed: written by hand from what was seen of them, with the errors and the peculiarities that
 * each fault came from. The second line of a file of `exchanges/` is its head, of the form of {@link Exchange}.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { defined } from "../../../src/base/defined.ts";
import { policyOf } from "../../../src/agent/adapters/policy.ts";
import { type AgentContext, DEFAULT_AGENT_LIMITS } from "../../../src/agent/adapters/port.ts";
import { agentRegistry } from "../../../src/agent/adapters/registry.ts";
import type { PermissionsConfig } from "../../../src/plan/agents-config.ts";
import { fixture } from "../../support/built.ts";
import { place } from "./rig.ts";

const FOLDER = path.resolve(import.meta.dirname, "exchanges");
const REPLAY = fixture("replay-agent");
const LIMITS = { ...DEFAULT_AGENT_LIMITS, idleMs: 300, cancelMs: 300, exitMs: 1000, graceMs: 200 };

interface Exchange {
  /** The preset and the protocol. */
  readonly agent: string;
  readonly permissions?: PermissionsConfig;
  /** The session that is to be continued. */
  readonly resume?: string;
  readonly model?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly expect: {
    /** In the failure's message. */
    readonly said?: string;
    /** Lines of the log, or parts of them, with `|` between. */
    readonly log?: string;
    /** One of the events. */
    readonly event?: object;
    /** What the outcome must not have. */
    readonly without?: string;
    /** Of the outcome. */
    readonly [member: string]: unknown;
  };
}

const files = readdirSync(FOLDER).toSorted();

test.concurrent.each(files)("%s", async (file) => {
  using here = place();
  const text = readFileSync(path.join(FOLDER, file), "utf8");
  const exchange = JSON.parse(text.split("\n")[1]?.slice(2) ?? "") as Exchange;
  const [preset = "", protocol = ""] = exchange.agent.split(" ");
  const command = [process.execPath, REPLAY, path.join(FOLDER, file)] as const;
  const made = agentRegistry({
    world: here.world,
    agents: { [preset]: { protocol: protocol as "acp" | "native", command } },
  });
  const adapter = made.ok ? made.value.get(preset) : undefined;
  if (adapter === undefined) throw new Error(`no adapter ${exchange.agent}`);
  const { resume, model, permissions = "worktree", env = {} } = exchange;
  const context = here.context({ limits: LIMITS, policy: policyOf(permissions) });
  const outcome = await adapter.start({
    ...context,
    env: { ...context.env, ...env },
    ...defined<Partial<AgentContext>>({ model, resume: resume === undefined ? undefined : { sessionId: resume } }),
  }).outcome;
  const { said, log, event, without, ...expected } = exchange.expect;
  expect(here.log.filter((line) => line.includes("another exchange"))).toEqual([]);
  expect(outcome).toMatchObject(expected);
  if (said !== undefined) expect(outcome.message).toContain(said);
  for (const part of log?.split("|") ?? []) expect(here.log.join("\n")).toContain(part);
  if (event !== undefined) expect(here.events).toContainEqual(expect.objectContaining(event));
  if (without !== undefined) expect(outcome).not.toHaveProperty(without);
});

test("every fault that shows in an exchange has one", () => {
  const faults = new Set(files.map((file) => /^f\d+b?(?=-)/.exec(file)?.[0]));
  expect(
    ["f0", "f1", "f2", "f2b", "f3", "f4", "f7", "f9", "f10", "f11", "f15", "f16"].filter((one) => !faults.has(one)),
  ).toEqual([]);
});
