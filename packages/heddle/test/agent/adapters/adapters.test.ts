/** Every way of driving an agent keeps the same promises. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AgentAdapter } from "../../../src/agent/adapters/port.ts";
import { agentRegistry } from "../../../src/agent/adapters/registry.ts";
import { type AgentSetting, type Behaviour, agentSuite } from "../../support/suites/agent-adapter.ts";
import { nastyTree, newMark, pidsWith } from "../../runner/rig.ts";
import { fixture } from "../../support/built.ts";
import { type Place, living, place } from "./rig.ts";
import { until } from "../../support/until.ts";
import { writeFileSync } from "node:fs";

const CLI = fixture("agent-cli");

type Make = (here: Place, behaviour: Behaviour, tree: string) => AgentAdapter;

/** `bare`: an adapter of this command, with no other words. */
function settingOf(make: Make, bare: (here: Place, command: readonly string[]) => AgentAdapter): AgentSetting {
  const here = place();
  const mark = newMark();
  return {
    adapter: (behaviour) => make(here, behaviour, nastyTree(mark, false)),
    missing: bare(here, ["/nowhere/agent"]),
    silent: bare(here, [process.execPath, "-e", "setInterval(() => {}, 1e6)"]),
    context: (extra) => here.context(extra),
    events: here.events,
    log: here.log,
    read: (file) => here.read(file),
    living: () => Math.max(living(here.run), pidsWith(mark).length),
    until,
    memoryMb() {
      return process.memoryUsage().rss / 1024 / 1024;
    },
    end: () => here[Symbol.dispose](),
  };
}

function adapterOf(here: Place, id: string, config: object): AgentAdapter {
  const made = agentRegistry({ world: here.world, agents: { [id]: config } });
  if (!made.ok) throw new Error(made.error);
  const adapter = made.value.get(id);
  if (adapter === undefined) throw new Error(`no ${id}`);
  return adapter;
}

for (const [name, config] of [
  ["exec", { protocol: "exec", form: "plain" }],
  ["claude", { protocol: "native", form: "claude" }],
  ["codex", { protocol: "native", form: "codex" }],
] as const) {
  const { protocol, form } = config;
  agentSuite({ describe, it, expect }, name, { tells: name !== "exec" }, () =>
    settingOf(
      (here, behaviour, tree) =>
        adapterOf(here, name, { protocol, command: [process.execPath, CLI, form, behaviour, tree] }),
      (here, command) => adapterOf(here, name, { protocol, command }),
    ),
  );
}

const WORKING = `- say: "Working.\\n"`;
const scripts: Readonly<Record<Behaviour, (tree: string) => string>> = {
  works: () => `${WORKING}
- run: node -e 'require("fs").writeFileSync("env.json", JSON.stringify(process.env))'
- run: cp "$HEDDLE_PROMPT_COPY" prompt.txt
- say: All done.`,
  "rate-limited": () => `${WORKING}\n- rate-limit: {retryAfter: 7s}`,
  unauthorised: () => `${WORKING}\n- error: {code: -32000, message: Authentication required}`,
  crashes: () => `${WORKING}\n- run: echo it broke >&2\n- exit: 3`,
  hangs: (tree) => `${WORKING}\n- run: ${JSON.stringify(tree)}`,
  deaf: () => `${WORKING}\n- stall: {deaf: true}`,
  floods: () => `${WORKING}\n- print: {bytes: 52428800}\n- run: "true"\n- say: All done.`,
  "floods a line": () => `${WORKING}\n- print: {bytes: 40000000, as: line}`,
  complains: () => `${WORKING}\n- print: {bytes: 20971520, as: stderr}`,
  garbles: () => `${WORKING}\n- raw: "this is no message\\n"\n- say: All done.`,
  "leaves a daemon": () => `${WORKING}\n- daemon: {stubborn: true}\n- say: All done.`,
};

agentSuite({ describe, it, expect }, "acp", { tells: true }, () =>
  settingOf(
    (here, behaviour, tree) => {
      const inner = here.scripted(`do:\n${scripts[behaviour](tree)}\n`);
      return {
        ...inner,
        start(context) {
          const copy = join(here.folder, "../prompt-copy");
          writeFileSync(copy, context.prompt);
          return inner.start({ ...context, env: { ...context.env, HEDDLE_PROMPT_COPY: copy } });
        },
      };
    },
    (here, command) => adapterOf(here, "gemini", { command }),
  ),
);
