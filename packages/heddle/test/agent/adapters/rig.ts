/** Real agents (the scripted one, and small programs that print what agents print) over temporary folders. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomId } from "../../../src/base/ids.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { acpAdapter } from "../../../src/agent/adapters/acp.ts";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import {
  type AgentAdapter,
  type AgentContext,
  type AgentEvent,
  DEFAULT_AGENT_LIMITS,
} from "../../../src/agent/adapters/port.ts";
import type { AgentWorld } from "../../../src/agent/adapters/process.ts";
import { agentEnvironment } from "../../../src/agent/adapters/environment.ts";
import { COMPILED, SCRIPTED } from "../../support/built.ts";
import { living, processWorld } from "../../runner/rig.ts";
import { temporaryFolder } from "../../support/temporary.ts";

export { living };

export function agentWorld(): AgentWorld {
  return { ...processWorld(), path: process.env["PATH"] ?? "" };
}

export interface Place extends Disposable {
  readonly folder: string;
  readonly run: string;
  readonly events: AgentEvent[];
  readonly log: string[];
  readonly world: AgentWorld;
  context(extra?: Partial<AgentContext>): AgentContext;
  /** The scripted agent with this script. */
  scripted(script: string): AgentAdapter;
  read(file: string): string;
}

export function place(): Place {
  const root = temporaryFolder("agent");
  const folder = join(root, "work");
  mkdirSync(folder);
  const run = `r${randomId(systemRandom, 10)}`;
  const world = agentWorld();
  const bases = processWorld().bases;
  const events: AgentEvent[] = [];
  const log: string[] = [];
  return {
    folder,
    run,
    events,
    log,
    world,
    context: (extra = {}) => ({
      cwd: folder,
      prompt: "Do it.",
      env: agentEnvironment(bases, { run, step: "s", attempt: 1, cwd: folder, mode: "strict", env: {}, passEnv: [] }),
      mcp: [],
      policy: PERMISSION_PRESETS.worktree,
      limits: { ...DEFAULT_AGENT_LIMITS, graceMs: 500, cancelMs: 2000, exitMs: 1000, ...extra.limits },
      // What is long is a flood, whose memory a test measures.
      emit: (event) => void (JSON.stringify(event).length < 2000 && events.push(event)),
      log: (line) => void (line.length < 2000 && log.push(line)),
      ...extra,
    }),
    scripted(script) {
      const file = join(root, "script.yaml");
      writeFileSync(file, script);
      return acpAdapter(world, {
        id: "scripted",
        provider: "none",
        program: { command: process.execPath, args: [SCRIPTED, file] },
        env: () => ({ NODE_COMPILE_CACHE: COMPILED }),
        quirks: { costPerProcess: true },
      });
    },
    read: (file) => readFileSync(join(folder, file), "utf8"),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
