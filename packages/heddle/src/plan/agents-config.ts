/**
 * Agent settings of a plan: the types of `agents:` and of a step's `agent:`, with their defaults. In the keys and units
 * of plan files, because journals of every version record them so. Knows no adapter and no git; `check-agents.ts` checks
 * what names and rules mean before anything runs.
 *
 * Invariant: the schema of plan files, the check of recorded plans and the library's options are held to these types by
 * the compiler: there is no second list of the keys.
 */
import type { WrittenDuration } from "../base/duration.ts";

/** How an agent is spoken to: the Agent Client Protocol, its own headless form, or its standard input and output. */
export type AgentProtocol = "acp" | "native" | "exec";

export type KnownAgent = "claude" | "codex" | "gemini" | "opencode" | "scripted";

/** Agents that need no entry in `use`, each with the protocols it is known to speak, the default first. */
export const KNOWN_AGENTS: Readonly<Record<KnownAgent, readonly AgentProtocol[]>> = {
  claude: ["acp", "native"],
  codex: ["acp", "native"],
  gemini: ["acp"],
  opencode: ["acp"],
  scripted: ["acp"],
};

/** heddle's own program, no model: it does what a script of the plan says. */
export const SCRIPTED = "scripted";

export function isKnownAgent(name: string): name is KnownAgent {
  return Object.hasOwn(KNOWN_AGENTS, name);
}

/** How an agent is held to rules, besides by what it has changed. */
export type RuleBinding =
  /** It asks before it acts; the rules answer. */
  | "asks"
  /** It gets the rules that refuse something as its own settings. */
  | "told"
  /** It knows no rules; a sandbox of its own keeps it where it may write. */
  | "confined"
  /** Not at all. */
  | "none";

/** Of an agent by its preset, if it has one, and its protocol. */
export function ruleBinding(preset: string | undefined, protocol: AgentProtocol): RuleBinding {
  if (protocol === "exec") return "none";
  if (preset === "codex") return "confined";
  return protocol === "native" ? "told" : "asks";
}

export type PermissionPreset = "read-only" | "worktree" | "full" | "ask";

/** Kinds of tools as the Agent Client Protocol names them. */
export const TOOL_KINDS = [
  "read",
  "edit",
  "delete",
  "move",
  "search",
  "execute",
  "think",
  "fetch",
  "switch_mode",
  "other",
] as const;
export type ToolKind = (typeof TOOL_KINDS)[number];

export function isToolKind(text: unknown): text is ToolKind {
  return (TOOL_KINDS as readonly unknown[]).includes(text);
}

/** One of `allow`, `deny` and `ask`; it applies where all of its conditions hold. */
export interface PermissionRuleConfig {
  /** Kinds of tools that go ahead without asking. */
  readonly allow?: ToolKind | "all" | readonly (ToolKind | "all")[];
  /** Kinds of tools that are refused. */
  readonly deny?: ToolKind | "all" | readonly (ToolKind | "all")[];
  /** Kinds of tools that a person is asked about. */
  readonly ask?: ToolKind | "all" | readonly (ToolKind | "all")[];
  /** Only for files that this glob matches, relative to the attempt's folder. Absent: whatever the files are, and for tools that name none. */
  readonly path?: string;
  /** Only for commands of this form; `*` is any text. Absent: whatever the command is, and for tools that run none. */
  readonly command?: string;
  /** Only for tools `SERVER/TOOL` of this form; `*` is any text. Absent: any tool. */
  readonly tool?: string;
}

/** A preset, or rules of which the first that matches decides, before those of the preset. */
export type PermissionsConfig =
  | PermissionPreset
  | {
      /** Absent: none. */
      readonly rules?: readonly PermissionRuleConfig[];
      /** For what no rule matches; default: `worktree`. */
      readonly preset?: PermissionPreset;
    };

/** Durations as in plan files: `"10m"`, or a number of seconds. */
export interface AgentLimitsConfig {
  /** Until the agent takes a prompt; default: 90s. */
  readonly start?: WrittenDuration;
  /** Without any report of the agent; default: 10m. */
  readonly idle?: WrittenDuration;
  /** Without any report of the agent while one of its tools runs; default: 1h. */
  readonly toolIdle?: WrittenDuration;
  /** For a person's answer to a permission request, which is then refused; default: 1h. */
  readonly ask?: WrittenDuration;
  /** For a provider that refuses requests, in one turn together; default: 2h. */
  readonly wait?: WrittenDuration;
  /** For one verification of a commit, setup included, which then counts as failed; default: 30m. */
  readonly verify?: WrittenDuration;
}

/** What may be said in `agents:`, in an entry of its `use`, and in a step's `agent:`; the nearest counts. */
export interface AgentWorkConfig {
  /** Name of the model; default: the agent's own choice, as with `auto`. */
  readonly model?: string;
  /** What the agent may do without asking; default: `worktree`. */
  readonly permissions?: PermissionsConfig;
  /** A sandbox around the agent: used where there is one, never, or else the step fails; default: `auto`, of the scripted agent `off`. */
  readonly sandbox?: "auto" | "off" | "require";
  /** A folder that the agent takes for its home, relative to the plan's file. Absent: yours. */
  readonly home?: string;
  /** Folders beside its worktree that it may write to in a sandbox, relative to the plan's file; default: none. */
  readonly writable?: readonly string[];
  /** How long the agent and its provider are waited for; each has a default of its own. */
  readonly limits?: AgentLimitsConfig;
}

/** What may be said in `agents:` and in a step's `agent:`; the nearest counts. */
interface ConflictConfig {
  /** Who resolves work that does not merge, in this order; default: `["agent", "human"]`. */
  readonly onConflict?: readonly ("agent" | "human")[];
  /** How often its agent may try to fix what was not merged; default: 2. */
  readonly tries?: number;
}

/** One entry of `use`: a known agent with changes, or a command of one's own. */
export interface AgentEntry extends AgentWorkConfig {
  /** The known agent that this one is; default: that of the entry's name, if there is one. */
  readonly preset?: string;
  /** How it is spoken to; default: the preset's first, `exec` for a command of one's own. */
  readonly protocol?: AgentProtocol;
  /** The program and its first arguments, as one string or as a list; default: the preset's. */
  readonly command?: string | readonly string[];
  /** Further arguments; default: none. */
  readonly args?: readonly string[];
  /** Environment variables of its process; default: none. */
  readonly env?: { readonly [name: string]: string };
  /** Whose rate limits it shares; default: the preset's, else the entry's name. */
  readonly provider?: string;
  /** Of the scripted agent: its script, relative to the plan's file; default: none, so that it has to be among `args`. */
  readonly script?: string;
  /** Variables of yours that it finds in its environment, beside those of `agents:`; default: none. */
  readonly passEnv?: readonly string[];
}

/**
 * Where an agent works that changes nothing, instead of in a worktree of its own: in the project folder, or in an empty one. It
 * may read only, nothing is captured or merged, and what it says is its output. No key of plan files: steps that heddle
 * itself makes say it.
 */
export type ReadOnlyWorkspace = "project" | "empty";

/** What has to have changed for a step to succeed: anything, nothing, or these files, relative to where the step works. */
export type ExpectedChanges =
  | "changes"
  | "none"
  | {
      /** Each of them has to have changed. */
      readonly files: readonly string[];
    };

/** A step's `agent:`, its prompt left out. */
export interface AgentStepConfig extends AgentWorkConfig, ConflictConfig {
  /** Name of the agent; default: that of `agents.default`. */
  readonly use?: string;
  /** What has to have changed; default: `changes`. */
  readonly expect?: ExpectedChanges;
}

/** A plan's `agents:`. */
export interface AgentsConfig extends AgentWorkConfig, ConflictConfig {
  /** The agent of steps that name none; default: `claude`. */
  readonly default?: string;
  /** Agents by name, in addition to or instead of the known ones; default: none. */
  readonly use?: { readonly [name: string]: AgentEntry };
  /** Variables of yours that every agent finds, such as keys of providers; default: none. */
  readonly passEnv?: readonly string[];
  /** Commands run in every new worktree; default: none. */
  readonly setup?: string | readonly string[];
  /** Commands that must pass on every commit before it is merged; default: none. */
  readonly verify?: string | readonly string[];
  /** What becomes of a step's commits when they are merged; default: `squash`. */
  readonly merge?: "squash" | "merge" | "rebase";
  /** How what succeeded is verified before it is merged; each member has a default of its own. */
  readonly mergeQueue?: {
    /** Verifications at the same time, each on top of the one before; default: 2. */
    readonly ahead?: number;
    /** How many waiting steps are verified together; halved if the verification fails; default: 1. */
    readonly batch?: number;
  };
  /** Where the work goes when the run has succeeded; default: `none`. */
  readonly land?: "none" | "ff" | "merge" | "branch" | LandingBranch;
  /** What is done about steps whose `writes` may match one file and that no edge orders; default: `warn`. */
  readonly conflicts?: "warn" | "serialize";
  /** Steps that agents propose join the run without asking; default: false. */
  readonly allowNewSteps?: boolean;
  /** How many worktrees there may be, and which stay; each member has a default of its own. */
  readonly worktrees?: WorktreesConfig;
}

/** Landing on a branch of its own. */
export interface LandingBranch {
  /** Its name; not in `heddle/`. */
  readonly branch: string;
}

export interface WorktreesConfig {
  /** Worktrees of the repository at once; default: 100. */
  readonly max?: number;
  /** Megabytes that they take of the disk together; default: 51200. */
  readonly maxMb?: number;
  /** Worktrees of steps that succeeded stay; default: false. */
  readonly keep?: boolean;
  /** Accept work with files that are too large to be captured (50 MB each, 500 MB together); default: false. */
  readonly allowOmitted?: boolean;
}

/** The defaults, in the keys and units of plan files. */
export const AGENT_DEFAULTS: Readonly<
  Required<Omit<AgentsConfig, "use" | "model" | "home" | "limits" | "mergeQueue" | "worktrees">>
> & {
  readonly limits: Readonly<Required<AgentLimitsConfig>>;
  readonly mergeQueue: Readonly<Required<NonNullable<AgentsConfig["mergeQueue"]>>>;
  readonly worktrees: Readonly<Required<WorktreesConfig>>;
  readonly expect: ExpectedChanges;
} = {
  default: "claude",
  permissions: "worktree",
  sandbox: "auto",
  writable: [],
  limits: { start: "90s", idle: "10m", toolIdle: "1h", ask: "1h", wait: "2h", verify: "30m" },
  passEnv: [],
  setup: [],
  verify: [],
  merge: "squash",
  mergeQueue: { ahead: 2, batch: 1 },
  land: "none",
  conflicts: "warn",
  allowNewSteps: false,
  worktrees: { max: 100, maxMb: 51_200, keep: false, allowOmitted: false },
  onConflict: ["agent", "human"],
  tries: 2,
  expect: "changes",
};

/** The keys of a step's `agent:`, its prompt left out. */
export const AGENT_STEP_KEYS: Readonly<Record<keyof AgentStepConfig, true>> = {
  use: true,
  expect: true,
  model: true,
  permissions: true,
  sandbox: true,
  home: true,
  writable: true,
  limits: true,
  onConflict: true,
  tries: true,
};

/** Names that steps may give as their agent's. */
export function agentNames(config: AgentsConfig | undefined): readonly string[] {
  return [...new Set([...Object.keys(config?.use ?? {}), ...Object.keys(KNOWN_AGENTS)])];
}
