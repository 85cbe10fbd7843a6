/**
 * Agent programs: the ways to speak to the known agents, and what each needs to use a model server on the loopback address.
 * Their settings keep them from the network.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { JsonObject } from "../../packages/heddle/src/base/json.ts";

export interface AgentForm {
  readonly id: string;
  readonly preset: string;
  readonly protocol: "acp" | "native";
  /** The program that has to be on PATH. */
  readonly program: string;
  readonly model: string;
  /** Variables that the plan passes on. */
  readonly env: (url: string) => Readonly<Record<string, string>>;
  /** Files of its home folder. */
  readonly home: (url: string) => Readonly<Record<string, string>>;
  /** It tells the words of the provider's errors without their status. */
  readonly hidesStatus?: true;
  /** What its usage holds, by the pages of the guide. */
  readonly usage: "exact" | "no-cached" | "none";
}

const claude = {
  preset: "claude",
  model: "fake-1",
  env: (url: string) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "dummy" }),
  home: () => ({}),
} as const;

const codex = {
  preset: "codex",
  model: "fake-1",
  env: () => ({ FAKE_API_KEY: "dummy" }),
  home: (url: string) => ({
    ".codex/config.toml": `model = "fake-1"
model_provider = "fake"
approval_policy = "never"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false
web_search = "disabled"
[model_providers.fake]
name = "fake"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "FAKE_API_KEY"
request_max_retries = 2
stream_max_retries = 2
stream_idle_timeout_ms = 20000
supports_websockets = false
[analytics]
enabled = false
[feedback]
enabled = false
[features]
plugins = false
apps = false
remote_plugin = false
`,
  }),
} as const;

const GEMINI: JsonObject = {
  security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
};

const openCode = (url: string): JsonObject => ({
  provider: {
    fake: {
      npm: "@ai-sdk/openai-compatible",
      options: { baseURL: `${url}/v1`, apiKey: "{env:FAKE_API_KEY}" },
      models: { "fake-1": { limit: { context: 128000, output: 8192 } } },
    },
  },
});

export const AGENT_FORMS: readonly AgentForm[] = [
  { ...claude, id: "claude acp", protocol: "acp", program: "claude-agent-acp", usage: "exact" },
  { ...claude, id: "claude native", protocol: "native", program: "claude", usage: "exact" },
  { ...codex, id: "codex acp", protocol: "acp", program: "codex-acp", usage: "exact" },
  { ...codex, id: "codex native", protocol: "native", program: "codex", usage: "exact" },
  {
    id: "gemini acp",
    preset: "gemini",
    protocol: "acp",
    program: "gemini",
    model: "gemini-2.5-pro",
    env: (url) => ({ GEMINI_API_KEY: "dummy", GOOGLE_GEMINI_BASE_URL: url }),
    home: () => ({ ".gemini/settings.json": JSON.stringify(GEMINI) }),
    usage: "no-cached",
  },
  {
    id: "opencode acp",
    preset: "opencode",
    protocol: "acp",
    program: "opencode",
    model: "fake/fake-1",
    env: () => ({ FAKE_API_KEY: "dummy" }),
    home: (url) => ({ ".config/opencode/opencode.json": JSON.stringify(openCode(url)) }),
    hidesStatus: true,
    usage: "none",
  },
];

export function makeHome(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
