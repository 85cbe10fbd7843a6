/** Settings of the known agents without which they spend in secret, or end where they should go on. */
import { expect, test } from "vitest";
import { PRESETS } from "../../../src/agent/adapters/presets.ts";
import { place } from "./rig.ts";

function environmentOf(name: string): Readonly<Record<string, string>> {
  using here = place();
  return PRESETS[name]?.env(here.context({ model: "m" })) ?? {};
}

test("no agent makes suggestions that are in no usage", () => {
  expect(environmentOf("claude")).toMatchObject({ CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false" });
  expect(environmentOf("codex")).toMatchObject({ CODEX_ACP_PROMPT_SUGGESTIONS: "false" });
});

test("opencode goes on after a refusal", () => {
  expect(JSON.parse(environmentOf("opencode")["OPENCODE_CONFIG_CONTENT"] ?? "")).toMatchObject({
    model: "m",
    experimental: { continue_loop_on_deny: true },
  });
});

test.each([
  ["claude", "[session/create] options: ...", true],
  ["claude", "Error: listen EADDRINUSE", false],
  ["opencode", '  "Method not found": fs/write_text_file', true],
  ["opencode", "    at handle (/app/index.js:10:20)", true],
  ["opencode", "Error: EROFS: read-only file system, mkdir '.local'", false],
])("of the error output of %s, %j says nothing: %s", (name, line, isNoise) => {
  expect(PRESETS[name]?.acp?.quirks.errorNoise?.test(line)).toBe(isNoise);
});
