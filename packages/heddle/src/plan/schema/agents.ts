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
    .check(z.refine(decidesOnce, "a rule has one of allow, deny and ask")),
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
  start: optional(duration, "Until the agent takes a prompt."),
  idle: optional(duration, "Without a word from the agent."),
  toolIdle: optional(duration, "The same while a tool of the agent is at work."),
  ask: optional(duration, "For an answer to a request for leave."),
  wait: optional(duration, "For a provider that refuses, in sum of one turn; default: 2h."),
  verify: optional(
    duration,
    "For one verification of a commit, setup included; then it counts as failed; default: 30m.",
  ),
};
const worktrees: Shape = {
  max: optional(count, "Worktrees of the repository at once."),
  maxMb: optional(count, "What they take of the disk together."),
  keep: optional(flag, "Worktrees of steps that succeeded stay."),
  leaveOut: optional(
    flag,
    "Work counts although files of it are too large to be captured (50 MB each, 500 MB in all).",
  ),
};
const upTo = (most: number): Lazy => lazy(() => count().check(z.maximum(most, `must be at most ${most}`)));
const mergeQueue: Shape = {
  ahead: optional(upTo(16), "Verifications at the same time, each on top of the one before; default: 2."),
  batch: optional(upTo(100), "What waits is verified together, up to so many, and halved where it is red; default: 1."),
};

/** May stand in `agents:`, in an entry of `use`, and in a step's `agent:`; the nearest counts. */
const everywhere: Shape = {
  model: optional(text),
  permissions,
  sandbox,
  home: optional(command, "A folder that the agent takes for its home."),
  writable: optional(list(command), "Folders beside the worktree that it may write to in a sandbox."),
  limits: optional(strict(limits, "expected a mapping such as {idle: 10m}")),
};
const ladder: Shape = {
  onConflict: optional(
    list(oneOf(["agent", "human"], "expected agent or human")),
    "Who settles work that does not merge, in turn.",
  ),
  tries: optional(
    () => wholeNumber().check(z.nonnegative("must not be negative")),
    "Times that its agent may mend it.",
  ),
};

const entry: Shape = {
  preset: optional(text),
  protocol: optional(oneOf(["acp", "native", "exec"], "expected acp, native or exec")),
  command: optional(() => z.union([command(), list(text)()], "expected a command or a list of words")),
  args: optional(texts),
  env: optional(() => z.record(ENV_NAME_TEXT(), text(), "expected a mapping of names to text")),
  provider: optional(text),
  script: optional(command, "Of the scripted agent: a file, relative to the plan's."),
  passEnv: optional(list(text)),
  ...everywhere,
};
const ENV_NAME_TEXT = lazy(() => text().check(z.regex(ENV_NAME, "expected the name of an environment variable")));

const plan: Shape = {
  default: optional(command, "The agent of steps that name none; default: claude."),
  use: optional(
    () =>
      z.record(
        text(),
        strict(entry, "expected a mapping such as {command: my-agent}")(),
        "expected a mapping of names",
      ),
    "Agents beside, or in place of, those that are known.",
  ),
  passEnv: optional(list(text), "Variables that every agent finds: keys of providers."),
  setup: optional(commands, "Run in every new worktree."),
  verify: optional(commands, "Must pass on every commit before it is merged."),
  merge: optional(oneOf(["squash", "merge", "rebase"], "expected squash, merge or rebase")),
  mergeQueue: optional(
    strict(mergeQueue, "expected a mapping such as {ahead: 2, batch: 5}"),
    "How what succeeded is verified before it is merged.",
  ),
  land: optional(
    () =>
      z.union(
        [z.enum(["none", "ff", "merge", "branch"]), strict({ branch: command })()],
        "expected none, ff, merge, branch, or {branch: name}",
      ),
    "What becomes of the work when the run has succeeded; default: none.",
  ),
  conflicts: optional(
    oneOf(["warn", "serialize"], "expected warn or serialize"),
    "Of steps whose `writes` may match one file and that no edge orders; default: warn.",
  ),
  allowNewSteps: optional(flag, "Steps that agents propose join the run."),
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
    "What has to have changed; default: changes.",
  ),
  ...everywhere,
  ...ladder,
};

export const AGENT_SHAPES: Readonly<Record<"plan" | "step", Shape>> = { plan, step };
