/**
 * Schema of recorded agent settings, held equal to the plan's types by the compiler. Knows shapes only: that a name
 * means something was checked before the run began, by the rules of that version.
 *
 * Invariant: every shape that a version recorded is accepted, after its event was upgraded.
 */
import { anything, finite, flag, listOf, mapOf, object, oneOf, optional, text, type Check } from "../base/check.ts";
import type {
  AgentEntry,
  AgentLimitsConfig,
  AgentProtocol,
  AgentsConfig,
  AgentStepConfig,
  ExpectedChanges,
  PermissionPreset,
  PermissionRuleConfig,
  PermissionsConfig,
  ToolKind,
  WorktreesConfig,
} from "../plan/agents-config.ts";

const texts = listOf(text);
const duration = anything<string | number>("duration", (value) => typeof value === "string" || Number.isFinite(value));
const words = either<string, readonly string[]>(text, texts);

/** Distinguished by whether it is a string: the check of the matching kind says what is wrong. */
function either<A extends string, B extends object>(asText: Check<A>, asObject: Check<B>): Check<A | B> {
  return { test: (value) => (typeof value === "string" ? asText.test(value) : asObject.test(value)) };
}

const kind = oneOf<ToolKind | "all">({
  read: true,
  edit: true,
  delete: true,
  move: true,
  search: true,
  execute: true,
  think: true,
  fetch: true,
  switch_mode: true,
  other: true,
  all: true,
});
const kinds = optional(either<ToolKind | "all", readonly (ToolKind | "all")[]>(kind, listOf(kind)));
const preset = oneOf<PermissionPreset>({ "read-only": true, worktree: true, full: true, ask: true });
const rule: Check<PermissionRuleConfig> = object({
  allow: kinds,
  deny: kinds,
  ask: kinds,
  path: optional(text),
  command: optional(text),
  tool: optional(text),
});
const permissions: Check<PermissionsConfig> = either(
  preset,
  object<Exclude<PermissionsConfig, string>>({ rules: optional(listOf(rule)), preset: optional(preset) }),
);

const limits: Check<AgentLimitsConfig> = object({
  start: optional(duration),
  idle: optional(duration),
  toolIdle: optional(duration),
  ask: optional(duration),
  wait: optional(duration),
  verify: optional(duration),
});

const work = {
  model: optional(text),
  permissions: optional(permissions),
  sandbox: optional(oneOf<"auto" | "off" | "require">({ auto: true, off: true, require: true })),
  home: optional(text),
  writable: optional(texts),
  limits: optional(limits),
};
const conflict = {
  onConflict: optional(listOf(oneOf<"agent" | "human">({ agent: true, human: true }))),
  tries: optional(finite),
};

const entry: Check<AgentEntry> = object({
  ...work,
  preset: optional(text),
  protocol: optional(oneOf<AgentProtocol>({ acp: true, native: true, exec: true })),
  command: optional(words),
  args: optional(texts),
  env: optional(mapOf(text)),
  provider: optional(text),
  script: optional(text),
  passEnv: optional(texts),
});

const worktrees: Check<WorktreesConfig> = object({
  max: optional(finite),
  maxMb: optional(finite),
  keep: optional(flag),
  allowOmitted: optional(flag),
});

type Land = NonNullable<AgentsConfig["land"]>;

/** A plan's `agents:`. */
export const recordedAgents: Check<AgentsConfig> = object({
  ...work,
  ...conflict,
  default: optional(text),
  use: optional(mapOf(entry)),
  passEnv: optional(texts),
  setup: optional(words),
  verify: optional(words),
  merge: optional(oneOf<"squash" | "merge" | "rebase">({ squash: true, merge: true, rebase: true })),
  mergeQueue: optional(
    object<NonNullable<AgentsConfig["mergeQueue"]>>({ ahead: optional(finite), batch: optional(finite) }),
  ),
  land: optional(
    either(
      oneOf<Extract<Land, string>>({ none: true, ff: true, merge: true, branch: true }),
      object<Exclude<Land, string>>({ branch: text }),
    ),
  ),
  conflicts: optional(oneOf<"warn" | "serialize">({ warn: true, serialize: true })),
  allowNewSteps: optional(flag),
  worktrees: optional(worktrees),
});

/** A step's `agent:` without its prompt. */
export const recordedAgentOptions: Check<AgentStepConfig> = object({
  ...work,
  ...conflict,
  use: optional(text),
  expect: optional(
    either(
      oneOf<Extract<ExpectedChanges, string>>({ changes: true, none: true }),
      object<Exclude<ExpectedChanges, string>>({ files: texts }),
    ),
  ),
});
