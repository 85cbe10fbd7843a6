/** What a plan may say of agents: its `agents:`, and the `agent:` of a step. Shapes only. */
import * as z from "zod/mini";
import {
  command,
  count,
  duration,
  ENV_NAME,
  flag,
  lazy,
  type Lazy,
  list,
  oneOf,
  optional,
  strict,
  text,
  texts,
  wholeNumber,
} from "./parts.ts";

function decidesOnce(rule: object): boolean {
  return ["allow", "deny", "ask"].filter((key) => key in rule).length === 1;
}

type Shape = Readonly<Record<string, Lazy>>;

const commands = lazy(() => z.union([command(), list(command)()], "expected a command or a list of commands"));
const tool = oneOf(
  ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other", "all"],
  "expected a kind of tool: read, edit, delete, move, search, execute, think, fetch, switch_mode, other, or all",
);
const tools = optional(() => z.union([tool(), list(tool)()], "expected a kind of tool, or a list of them"));
const rule = lazy(() =>
  z
    .strictObject({
      allow: tools(),
      deny: tools(),
      ask: tools(),
      path: optional(text)(),
      command: optional(text)(),
      tool: optional(text)(),
    })
    .check(z.refine(decidesOnce, "a rule has exactly one of allow, deny and ask")),
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

const limits: Shape = {
  start: optional(duration, "Until the agent accepts a prompt."),
  idle: optional(duration, "Without any report of the agent."),
  toolIdle: optional(duration, "The same while a tool of the agent is running."),
  ask: optional(duration, "For an answer to a permission request."),
  wait: optional(duration, "For a provider that refuses requests, in one turn together; default: 2h."),
  verify: optional(duration, "For one verification of a commit, setup included; default: 30m."),
};
const worktrees: Shape = {
  max: optional(count, "Worktrees of the repository at the same time."),
  maxMb: optional(count, "The disk space that they use together."),
  keep: optional(flag, "Do not remove worktrees of succeeded steps."),
  allowOmitted: optional(
    flag,
    "Accept work with files that are too large to be captured (50 MB each, 500 MB together).",
  ),
};
const upTo = (most: number): Lazy => lazy(() => count().check(z.maximum(most, `must be at most ${most}`)));
const mergeQueue: Shape = {
  ahead: optional(upTo(16), "Verifications at the same time, each on top of the one before; default: 2."),
  batch: optional(
    upTo(100),
    "Waiting steps that are verified together; halved when the verification fails; default: 1.",
  ),
};

/** May stand in `agents:`, in an entry of `use`, and in a step's `agent:`; the nearest counts. */
const everywhere: Shape = {
  model: optional(text),
  permissions,
  sandbox,
  home: optional(command, "The agent's home folder."),
  writable: optional(list(command), "Folders outside the worktree that it may write to in a sandbox."),
  limits: optional(strict(limits, "expected a mapping such as {idle: 10m}")),
};
const ladder: Shape = {
  onConflict: optional(
    list(oneOf(["agent", "human"], "expected agent or human")),
    "Who resolves work that does not merge, in this order.",
  ),
  tries: optional(
    () => wholeNumber().check(z.nonnegative("must not be negative")),
    "How often its agent may try to fix it.",
  ),
};

const entry: Shape = {
  preset: optional(text),
  protocol: optional(oneOf(["acp", "native", "exec"], "expected acp, native or exec")),
  command: optional(() => z.union([command(), list(text)()], "expected a command or a list of arguments")),
  args: optional(texts),
  env: optional(() => z.record(ENV_NAME_TEXT(), text(), "expected a mapping of names to strings")),
  provider: optional(text),
  script: optional(command, "For the scripted agent: a file, relative to the plan's file."),
  passEnv: optional(list(text)),
  ...everywhere,
};
const ENV_NAME_TEXT = lazy(() => text().check(z.regex(ENV_NAME, "expected the name of an environment variable")));

const plan: Shape = {
  default: optional(command, "The agent of steps without `use`; default: claude."),
  use: optional(
    () =>
      z.record(
        text(),
        strict(entry, "expected a mapping such as {command: my-agent}")(),
        "expected a mapping of names",
      ),
    "Your own agents, or changes to the known ones.",
  ),
  passEnv: optional(list(text), "Environment variables passed to every agent, such as provider keys."),
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

const step: Shape = {
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

export const AGENT_SHAPES: Readonly<Record<"plan" | "step", Shape>> = { plan, step };
