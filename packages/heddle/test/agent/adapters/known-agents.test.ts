/** The known agents of a machine: in each way to speak to them, with version and login, and no adapter started for that. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { knownAgents } from "../../../src/agent/adapters/local.ts";
import { clock } from "../../runner/rig.ts";
import { temporaryFolder } from "../../support/temporary.ts";

function put(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

test("are found as they are installed", async () => {
  const root = temporaryFolder("known");
  try {
    // An adapter that would never end: its version is in its package.
    const adapter = put(join(root, "lib/claude-agent-acp/dist/index.js"), "#!/bin/sh\nexec sleep 600\n");
    put(join(root, "lib/claude-agent-acp/package.json"), '{"version": "0.100.0"}');
    mkdirSync(join(root, "bin"));
    symlinkSync(adapter, join(root, "bin/claude-agent-acp"));
    put(join(root, "bin/codex"), "#!/bin/sh\necho codex-cli 0.166.0\n");
    put(join(root, "home/.codex/auth.json"), "{}");
    const env = {
      PATH: [join(root, "bin"), "/usr/bin", "/bin"].join(delimiter),
      HOME: join(root, "home"),
      ANTHROPIC_API_KEY: "k",
      GEMINI_API_KEY: "",
    };
    const forms = knownAgents(clock, env);
    expect(forms.map(({ adapter: { id }, protocol, rules }) => `${id} ${protocol} ${rules}`)).toEqual([
      "claude acp asks",
      "claude native told",
      "codex acp confined",
      "codex native confined",
      "gemini acp asks",
      "opencode acp asks",
    ]);
    const probed = await Promise.all(
      forms.map(async ({ adapter: { id, probe }, protocol }) => [`${id} ${protocol}`, await probe()] as const),
    );
    const found = probed.filter(([, probe]) => probe.found);
    expect(found).toEqual([
      ["claude acp", { found: true, program: join(root, "bin/claude-agent-acp"), version: "0.100.0" }],
      ["codex native", { found: true, program: join(root, "bin/codex"), version: "0.166.0" }],
    ]);
    const logins = Object.fromEntries(forms.map(({ adapter: { id }, login }) => [id, login()]));
    expect(logins).toEqual({
      claude: { kind: "key", name: "ANTHROPIC_API_KEY" },
      codex: { kind: "file", path: join(root, "home/.codex/auth.json") },
      gemini: { kind: "none" },
      opencode: { kind: "key", name: "ANTHROPIC_API_KEY" },
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
