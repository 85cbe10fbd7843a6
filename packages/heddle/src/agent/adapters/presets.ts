/**
 * Agent presets: how each known agent is started, which settings keep it from phoning home, asking or hanging, and where
 * it deviates from its protocol. Measured facts as of November 2026; each agent has its page in docs/guide/agents. Pure
 * data and small functions.
 */
import { defined } from "../../base/defined.ts";
import type { JsonObject } from "../../base/json.ts";
import type { KnownAgent } from "../../plan/agents-config.ts";
import type { AcpQuirks } from "./acp-agent.ts";
import type { Program } from "./program.ts";
import { reachOf } from "./permissions.ts";
import type { AgentContext } from "./port.ts";

export interface Preset {
  readonly provider: string;
  /** The model if none is named: never left to an agent whose own choice is the most expensive. */
  readonly defaultModel?: string;
  /** Names of variables that hold its keys: what `passEnv` usually names. */
  readonly keys: readonly string[];
  /** Its folders in the home folder. */
  readonly homePaths: readonly string[];
  /** Its files directly in the home folder. */
  readonly homeFiles?: readonly string[];
  /** Files in the home folder that a login makes. */
  readonly loginFiles: readonly string[];
  /** It puts the commands that it runs into a sandbox of its own. */
  readonly nestsSandbox?: true;
  readonly env: (context: AgentContext) => Readonly<Record<string, string>>;
  readonly acp?: {
    readonly program: Program;
    readonly args?: (context: AgentContext) => readonly string[];
    readonly quirks: Partial<AcpQuirks>;
  };
  readonly native?: { readonly program: Program; readonly form: "claude" | "codex" };
}

const VERSION = ["--version"];

const claude: Preset = {
  provider: "anthropic",
  defaultModel: "sonnet",
  keys: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_OAUTH_TOKEN"],
  homePaths: [".claude"],
  homeFiles: [".claude.json"],
  loginFiles: [".claude/.credentials.json"],
  env: (context) =>
    defined({
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      // With its own ten retries it reports a refused key only after most of a minute.
      CLAUDE_CODE_MAX_RETRIES: "2",
      // Each is a call with the whole conversation, after each turn, that is in no usage.
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
      // Over ACP the default is the most expensive model.
      ANTHROPIC_MODEL: context.model,
      IS_SANDBOX: reachOf(context.policy, context.cwd) === "full" ? "1" : undefined,
    }),
  acp: {
    program: {
      command: "claude-agent-acp",
      args: [],
      install: "npm install -g @agentclientprotocol/claude-agent-acp (Node 22 or newer)",
    },
    // `usage` counts only the main loop; side calls are listed separately.
    quirks: {
      usage: { tokens: "model-usage", inputHoldsCached: false },
      errorNoise: /^\[session\/\w+\]/,
    },
  },
  native: {
    form: "claude",
    program: { command: "claude", args: [], version: VERSION, install: "npm install -g @anthropic-ai/claude-code" },
  },
};

const codex: Preset = {
  provider: "openai",
  keys: ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME"],
  homePaths: [".codex"],
  loginFiles: [".codex/auth.json"],
  nestsSandbox: true,
  // As with claude.
  env: () => ({ CODEX_ACP_PROMPT_SUGGESTIONS: "false" }),
  acp: {
    program: { command: "codex-acp", args: [], install: "npm install -g @agentclientprotocol/codex-acp" },
    quirks: {
      usage: { tokens: "response", inputHoldsCached: false },
      // Its mode, not its configuration, says what its own sandbox lets through.
      modes: {
        "read-only": ["read-only"],
        worktree: ["agent", "workspace-write", "auto"],
        full: ["agent-full-access", "full-access", "danger-full-access"],
      },
      keyMethods: ["api-key", "openai-api-key", "codex-api-key"],
      // Without its report of a failed session it ends the turn as a success, with the error as its last line.
      swallowed:
        /^(?:error:|unexpected status \d|stream (?:error|disconnected)|exceeded retry limit|we're currently experiencing)/i,
    },
  },
  native: {
    form: "codex",
    program: { command: "codex", args: [], version: VERSION, install: "npm install -g @openai/codex" },
  },
};

const gemini: Preset = {
  provider: "google",
  defaultModel: "gemini-2.5-pro",
  keys: ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"],
  homePaths: [".gemini"],
  loginFiles: [".gemini/oauth_creds.json"],
  env: () => ({ GEMINI_CLI_TRUST_WORKSPACE: "true", GEMINI_TELEMETRY_ENABLED: "false" }),
  acp: {
    program: { command: "gemini", args: ["--acp"], version: VERSION, install: "npm install -g @google/gemini-cli" },
    args: (context) => (context.model === undefined ? [] : ["-m", context.model]),
    quirks: {
      usage: { tokens: "token-count", inputHoldsCached: false },
      cannotResume: true,
      keyMethods: ["gemini-api-key"],
      noise: /^\[MODE_UPDATE\]/,
      errorNoise: /^Ripgrep is not available|^\[STARTUP\] Phase |^\s*at .+:\d+:\d+\)?$/,
    },
  },
};

const opencode: Preset = {
  provider: "opencode",
  keys: ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"],
  homePaths: [".config/opencode", ".local/share/opencode", ".local/state/opencode", ".cache/opencode"],
  loginFiles: [".local/share/opencode/auth.json"],
  env: (context) => ({
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig(context)),
  }),
  acp: {
    program: { command: "opencode", args: ["acp"], version: VERSION, install: "npm install -g opencode-ai" },
    // Its usage is that of the last message only.
    quirks: {
      usage: { tokens: "none", inputHoldsCached: false },
      zeroIsUnknown: true,
      // For each write it first tries a method that it was told is not offered, and prints where that failed.
      errorNoise:
        /fs\/write_text_file|"?Method not found|^\s*at .+:\d+:\d+\)?$|^\s*[{}\]],?$|^\s*(code: -32601|data: \{)/,
    },
  },
};

/** It asks for nothing unless told to; what it asks, the policy answers. */
function opencodeConfig(context: AgentContext): JsonObject {
  const reach = reachOf(context.policy, context.cwd);
  const permission =
    reach === "full"
      ? { edit: "allow", bash: "allow", webfetch: "allow", external_directory: "allow" }
      : reach === "worktree"
        ? { edit: "ask", bash: "ask", webfetch: "ask", external_directory: "deny" }
        : { edit: "ask", bash: "ask", webfetch: "ask", external_directory: "ask" };
  const { model } = context;
  return defined({
    autoupdate: false,
    share: "disabled",
    model,
    small_model: model,
    permission,
    // Else the first refusal ends its turn as if all were done.
    experimental: { continue_loop_on_deny: true },
  });
}

/** All agents that a plan can name, except the scripted one, which has no program to find. */
export const PRESETS: Readonly<Record<string, Preset>> = { claude, codex, gemini, opencode } satisfies Readonly<
  Record<Exclude<KnownAgent, "scripted">, Preset>
>;

/** The model that an attempt of this agent gets where none is named. */
export function defaultModelOf(preset: string): string | undefined {
  return Object.hasOwn(PRESETS, preset) ? PRESETS[preset]?.defaultModel : undefined;
}
