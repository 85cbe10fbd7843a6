/** Schemas of what a plan may say of agents: its `agents:`, and the `agent:` of a step. Shapes only; names are `check-agents.ts`'s. */
import * as z from "zod/mini";
import {
  type AgentEntry,
  type AgentLimitsConfig,
  type AgentsConfig,
  type AgentStepConfig,
  type AgentWorkConfig,
  type PermissionRuleConfig,
  TOOL_KINDS,
  type WorktreesConfig,
} from "../agents-config.ts";
import type { WrittenAgent } from "../document.ts";
import {
  command,
  count,
  duration,
  envName,
  flag,
  lazy,
  type Lazy,
  list,
  oneOf,
  optional,
  type ShapeOf,
  someTime,
  strict,
  text,
  texts,
  wholeNumber,
} from "./parts.ts";

function decidesOnce(rule: object): boolean {
  return ["allow", "deny", "ask"].filter((key) => key in rule).length === 1;
}

const commands = lazy(() => z.union([command(), list(command)()], "expected a command or a list of commands"));
const tool = oneOf([...TOOL_KINDS, "all"], `expected a kind of tool: ${TOOL_KINDS.join(", ")}, or all`);
const toolList = lazy(() => z.array(tool(), "expected a list").check(z.minLength(1, "must name at least one kind")));
const tools = optional(() => z.union([tool(), toolList()], "expected a kind of tool, or a list of them"));
const ruleShape: ShapeOf<PermissionRuleConfig> = {
  allow: tools,
  deny: tools,
  ask: tools,
  path: optional(command),
  command: optional(command),
  tool: optional(command),
};
const rule = lazy(() =>
  strict(ruleShape)().check(z.refine(decidesOnce, "a rule has exactly one of allow, deny and ask")),
);
const preset = oneOf(["read-only", "worktree", "full", "ask"], "expected read-only, worktree, full or ask");
const permissions = optional(
  () =>
    z.union(
      [preset(), strict({ rules: optional(list(rule)), preset: optional(preset) })()],
      "expected read-only, worktree, full, ask, or a mapping with `rules` and `preset`",
    ),
  "What an agent may do without asking.",
);
const sandbox = optional(oneOf(["auto", "off", "require"], "expected auto, off or require"));

const limits: ShapeOf<AgentLimitsConfig> = {
  start: optional(someTime, "Until the agent accepts a prompt; default: 90s."),
  idle: optional(someTime, "Without any report of the agent; default: 10m."),
  toolIdle: optional(someTime, "The same while a tool of the agent is running; default: 1h."),
  ask: optional(duration, "For an answer to a permission request; default: 1h."),
  wait: optional(duration, "For a provider that refuses requests, in one turn together; default: 2h."),
  verify: optional(someTime, "For one verification of a commit, setup included; default: 30m."),
};
const worktrees: ShapeOf<WorktreesConfig> = {
  max: optional(count, "Worktrees of the repository at the same time; default: 100."),
  maxMb: optional(count, "The disk space that they use together, in MB; default: 51200."),
  keep: optional(flag, "Do not remove worktrees of succeeded steps."),
  allowOmitted: optional(
    flag,
    "Accept work with files that are too large to be captured (50 MB each, 500 MB together).",
  ),
};
const upTo = (most: number): Lazy => lazy(() => count().check(z.maximum(most, `must be at most ${most}`)));
const mergeQueue: ShapeOf<NonNullable<AgentsConfig["mergeQueue"]>> = {
  ahead: optional(upTo(16), "Verifications at the same time, each on top of the one before; default: 2."),
  batch: optional(
    upTo(100),
    "Waiting steps that are verified together; halved when the verification fails; default: 1.",
  ),
};

/** May stand in `agents:`, in an entry of `use`, and in a step's `agent:`; the nearest counts. */
const everywhere: ShapeOf<AgentWorkConfig> = {
  model: optional(command),
  permissions,
  sandbox,
  home: optional(command, "The agent's home folder."),
  writable: optional(list(command), "Folders outside the worktree that it may write to in a sandbox."),
  limits: optional(strict(limits, "expected a mapping such as {idle: 10m}")),
};
const ladder: ShapeOf<Pick<AgentStepConfig, "onConflict" | "tries">> = {
  onConflict: optional(
    list(oneOf(["agent", "human"], "expected agent or human")),
    "Who resolves work that does not merge, in this order.",
  ),
  tries: optional(
    () => wholeNumber().check(z.nonnegative("must not be negative")),
    "How often its agent may try to fix it.",
  ),
};

const words = lazy(() => z.tuple([command()], text(), "expected a list of arguments"));
const entry: ShapeOf<AgentEntry> = {
  preset: optional(command),
  protocol: optional(oneOf(["acp", "native", "exec"], "expected acp, native or exec")),
  command: optional(() => z.union([command(), words()], "expected a command or a list of arguments")),
  args: optional(texts),
  env: optional(() => z.record(envName(), text(), "expected a mapping of names to strings")),
  provider: optional(command),
  script: optional(command, "For the scripted agent: a file, relative to the plan's file."),
  passEnv: optional(list(envName)),
  ...everywhere,
};

const useEntry = strict(entry, "expected a mapping such as {command: my-agent}");

const plan: ShapeOf<AgentsConfig> = {
  default: optional(command, "The agent of steps without `use`; default: claude."),
  use: optional(
    () => z.record(text(), useEntry(), "expected a mapping of names"),
    "Your own agents, or changes to the known ones.",
  ),
  passEnv: optional(list(envName), "Environment variables passed to every agent, such as provider keys."),
  setup: optional(commands, "Commands to run in every new worktree."),
  verify: optional(commands, "Commands that must pass on each commit before it is merged."),
  merge: optional(oneOf(["squash", "merge", "rebase"], "expected squash, merge or rebase")),
  mergeQueue: optional(
    strict(mergeQueue, "expected a mapping such as {ahead: 2, batch: 5}"),
    "How many verifications run at once, and how many steps share one.",
  ),
  land: optional(
    () =>
      z.union(
        [z.enum(["none", "ff", "merge", "branch"]), strict({ branch: command })()],
        "expected none, ff, merge, branch, or {branch: name}",
      ),
    "Where the work goes when the run has succeeded; default: none.",
  ),
  conflicts: optional(
    oneOf(["warn", "serialize"], "expected warn or serialize"),
    "For unordered steps whose `writes` can match the same file; default: warn.",
  ),
  allowNewSteps: optional(flag, "Steps proposed by agents join the run without asking."),
  worktrees: optional(strict(worktrees, "expected a mapping such as {max: 20}")),
  ...everywhere,
  ...ladder,
};

const step: ShapeOf<WrittenAgent> = {
  prompt: optional(command),
  use: optional(command, "The agent's name."),
  expect: optional(
    () =>
      z.union(
        [z.enum(["changes", "none"]), strict({ files: list(command) })()],
        "expected changes, none, or {files: [...]}",
      ),
    "What must have changed; default: changes.",
  ),
  ...everywhere,
  ...ladder,
};

/** The keys of `agents:` and of a step's `agent:`, and one entry of `use`. */
export const AGENT_SHAPES: {
  readonly plan: ShapeOf<AgentsConfig>;
  readonly step: ShapeOf<WrittenAgent>;
  readonly entry: Lazy;
} = { plan, step, entry: useEntry };
