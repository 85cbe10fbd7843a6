/** Schema of `agents:` in a plan and of `agent:` in a step. Shapes only; `check-agents.ts` checks names. */
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
  commandSchema,
  countSchema,
  durationSchema,
  envName,
  flagSchema,
  lazySchema,
  type Lazy,
  listSchema,
  oneOfSchema,
  optionalSchema,
  type ShapeOf,
  someTime,
  strictSchema,
  textSchema,
  textsSchema,
  wholeNumberSchema,
} from "./parts.ts";

function decidesOnce(rule: object): boolean {
  return ["allow", "deny", "ask"].filter((key) => key in rule).length === 1;
}

const commands = lazySchema(() =>
  z.union([commandSchema(), listSchema(commandSchema)()], "expected a command or a list of commands"),
);
const tool = oneOfSchema([...TOOL_KINDS, "all"], `expected a kind of tool: ${TOOL_KINDS.join(", ")}, or all`);
const toolList = lazySchema(() =>
  z.array(tool(), "expected a list").check(z.minLength(1, "must name at least one kind")),
);
const tools = optionalSchema(() => z.union([tool(), toolList()], "expected a kind of tool, or a list of them"));
const ruleShape: ShapeOf<PermissionRuleConfig> = {
  allow: tools,
  deny: tools,
  ask: tools,
  path: optionalSchema(commandSchema),
  command: optionalSchema(commandSchema),
  tool: optionalSchema(commandSchema),
};
const rule = lazySchema(() =>
  strictSchema(ruleShape)().check(z.refine(decidesOnce, "a rule has exactly one of allow, deny and ask")),
);
const preset = oneOfSchema(["read-only", "worktree", "full", "ask"], "expected read-only, worktree, full or ask");
const permissions = optionalSchema(
  () =>
    z.union(
      [preset(), strictSchema({ rules: optionalSchema(listSchema(rule)), preset: optionalSchema(preset) })()],
      "expected read-only, worktree, full, ask, or a mapping with `rules` and `preset`",
    ),
  "What an agent may do without asking.",
);
const sandbox = optionalSchema(oneOfSchema(["auto", "off", "require"], "expected auto, off or require"));

const limits: ShapeOf<AgentLimitsConfig> = {
  start: optionalSchema(someTime, "Until the agent accepts a prompt; default: 90s."),
  idle: optionalSchema(someTime, "Without any report of the agent; default: 10m."),
  toolIdle: optionalSchema(someTime, "The same while a tool of the agent is running; default: 1h."),
  ask: optionalSchema(durationSchema, "For an answer to a permission request; default: 1h."),
  wait: optionalSchema(durationSchema, "For a provider that refuses requests, in one turn together; default: 2h."),
  verify: optionalSchema(someTime, "For one verification of a commit, setup included; default: 30m."),
};
const worktrees: ShapeOf<WorktreesConfig> = {
  max: optionalSchema(countSchema, "Worktrees of the repository at the same time; default: 100."),
  maxMb: optionalSchema(countSchema, "The disk space that they use together, in MB; default: 51200."),
  keep: optionalSchema(flagSchema, "Do not remove worktrees of succeeded steps."),
  allowOmitted: optionalSchema(
    flagSchema,
    "Accept work with files that are too large to be captured (50 MB each, 500 MB together).",
  ),
};
const upTo = (most: number): Lazy => lazySchema(() => countSchema().check(z.maximum(most, `must be at most ${most}`)));
const mergeQueue: ShapeOf<NonNullable<AgentsConfig["mergeQueue"]>> = {
  ahead: optionalSchema(upTo(16), "Verifications at the same time, each on top of the one before; default: 2."),
  batch: optionalSchema(
    upTo(100),
    "Waiting steps that are verified together; halved when the verification fails; default: 1.",
  ),
};

/** Allowed in `agents:`, in an entry of `use`, and in a step's `agent:`; the nearest one wins. */
const everywhere: ShapeOf<AgentWorkConfig> = {
  model: optionalSchema(commandSchema),
  permissions,
  sandbox,
  home: optionalSchema(commandSchema, "The agent's home folder."),
  writable: optionalSchema(
    listSchema(commandSchema),
    "Folders outside the worktree that it may write to in a sandbox.",
  ),
  limits: optionalSchema(strictSchema(limits, "expected a mapping such as {idle: 10m}")),
};
const ladder: ShapeOf<Pick<AgentStepConfig, "onConflict" | "tries">> = {
  onConflict: optionalSchema(
    listSchema(oneOfSchema(["agent", "human"], "expected agent or human")),
    "Who resolves work that does not merge, in this order.",
  ),
  tries: optionalSchema(
    () => wholeNumberSchema().check(z.nonnegative("must not be negative")),
    "How often its agent may try to fix it.",
  ),
};

const words = lazySchema(() => z.tuple([commandSchema()], textSchema(), "expected a list of arguments"));
const entry: ShapeOf<AgentEntry> = {
  preset: optionalSchema(commandSchema),
  protocol: optionalSchema(oneOfSchema(["acp", "native", "exec"], "expected acp, native or exec")),
  command: optionalSchema(() => z.union([commandSchema(), words()], "expected a command or a list of arguments")),
  args: optionalSchema(textsSchema),
  env: optionalSchema(() => z.record(envName(), textSchema(), "expected a mapping of names to strings")),
  provider: optionalSchema(commandSchema),
  script: optionalSchema(commandSchema, "For the scripted agent: a file, relative to the plan's file."),
  passEnv: optionalSchema(listSchema(envName)),
  ...everywhere,
};

const useEntry = strictSchema(entry, "expected a mapping such as {command: my-agent}");

const plan: ShapeOf<AgentsConfig> = {
  default: optionalSchema(commandSchema, "The agent of steps without `use`; default: claude."),
  use: optionalSchema(
    () => z.record(textSchema(), useEntry(), "expected a mapping of names"),
    "Your own agents, or changes to the known ones.",
  ),
  passEnv: optionalSchema(listSchema(envName), "Environment variables passed to every agent, such as provider keys."),
  setup: optionalSchema(commands, "Commands to run in every new worktree."),
  verify: optionalSchema(commands, "Commands that must pass on each commit before it is merged."),
  merge: optionalSchema(oneOfSchema(["squash", "merge", "rebase"], "expected squash, merge or rebase")),
  mergeQueue: optionalSchema(
    strictSchema(mergeQueue, "expected a mapping such as {ahead: 2, batch: 5}"),
    "How many verifications run at once, and how many steps share one.",
  ),
  land: optionalSchema(
    () =>
      z.union(
        [z.enum(["none", "ff", "merge", "branch"]), strictSchema({ branch: commandSchema })()],
        "expected none, ff, merge, branch, or {branch: name}",
      ),
    "Where the work goes when the run has succeeded; default: none.",
  ),
  conflicts: optionalSchema(
    oneOfSchema(["warn", "serialize"], "expected warn or serialize"),
    "For unordered steps whose `writes` can match the same file; default: warn.",
  ),
  allowNewSteps: optionalSchema(flagSchema, "Steps proposed by agents join the run without asking."),
  worktrees: optionalSchema(strictSchema(worktrees, "expected a mapping such as {max: 20}")),
  ...everywhere,
  ...ladder,
};

const step: ShapeOf<WrittenAgent> = {
  prompt: optionalSchema(commandSchema),
  use: optionalSchema(commandSchema, "The agent's name."),
  expect: optionalSchema(
    () =>
      z.union(
        [z.enum(["changes", "none"]), strictSchema({ files: listSchema(commandSchema) })()],
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
