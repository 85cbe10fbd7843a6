/**
 * Composition root for plans that are tried without the machine: the real engine over a journal in memory, and over what a
 * {@link TestMachine} does in place of clock, commands, agents and git. Writes nothing, starts no process.
 */
import { dirname, resolve } from "node:path";
import { localBackend } from "../backend/local.ts";
import type { Execute } from "../backend/port.ts";
import type { AgentExecutor, AgentMaintenance } from "../agent/port.ts";
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { HeddleError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { executor } from "../engine/executor.ts";
import { engineOver } from "../engine/open.ts";
import type { EnginePorts } from "../engine/ports.ts";
import { memoryJournal } from "../journal/memory.ts";
import { baseEnvironments } from "../process/environment.ts";
import { layoutOf } from "../project/layout.ts";
import { loadSubplanFile } from "../project/load-plan.ts";
import { planFileContent } from "../project/plan-content.ts";
import type { EngineOptions, PlanThreads } from "../project/parts.ts";
import type { Project } from "../project/port.ts";
import { createProject } from "../project/project.ts";
import { checkEvent } from "../run/event-schema.ts";
import { moduleRunner } from "../runner/module.ts";
import type { Runner } from "../runner/port.ts";
import { VERSION } from "../version.ts";
import type { Workspaces } from "../workspace/port.ts";

/** What stands in for this machine. */
export interface TestMachine {
  readonly clock: Clock;
  readonly random: Random;
  /** What expressions know as `env`, and where secrets are looked up. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workspaces: Workspaces;
  /** Carries out all kinds of work; `functions`: the runner of real functions. */
  readonly runner: (functions: Runner) => Runner;
  readonly agents: AgentExecutor;
  /** Told of each attempt from its dispatch to its outcome. */
  readonly watched: (execute: Execute) => Execute;
  /** Told of all else that takes real time. */
  readonly during: <T>(work: Promise<T>) => Promise<T>;
}

/** `dir`: where files that the plan names are looked for. */
export function openTestProject(dir: string, machine: TestMachine): Project {
  const { clock, random, workspaces } = machine;
  return createProject({
    layout: layoutOf(dir),
    journal: memoryJournal({ validate: checkEvent }),
    workspaces,
    clock,
    random,
    title: "a test",
    holder: () => ({ pid: process.pid, started: "", title: "a test" }),
    pollMs: 0,
    deleteRunFiles: false,
    checkOutput,
    openEngine: async (options) => engineOver(testPorts(options, machine)),
    openAgents: () => Promise.reject<AgentMaintenance>(new HeddleError(noGit())),
    openPlanThreads: () => Promise.reject<PlanThreads>(new HeddleError(NO_THREADS)),
  });
}

/** Tests check their own outputs: nothing bounds it. */
async function checkOutput(schema: JsonObject, output: Json): Promise<string | undefined> {
  return (await loadCheck())(schema, output);
}

async function loadCheck(): Promise<(schema: JsonObject, output: Json) => string | undefined> {
  return (await import("../plan/schema/output-check.ts")).outputProblem;
}

const NO_THREADS = { code: "Usage", message: "a test has no threads in which plans are looked at" } as const;

function noGit(): { readonly code: string; readonly message: string } {
  return { code: "NotARepository", message: "a test has no git repository" };
}

function testPorts({ dir, journal, title, codeFor }: EngineOptions, machine: TestMachine): EnginePorts {
  const { clock, random, environment, workspaces, agents } = machine;
  const runner = machine.runner(moduleRunner({ clock, bases: baseEnvironments(environment) }));
  const execute = executor({
    runner,
    workspaces,
    codeFor,
    environment,
    checkOutput: (schema, output) => machine.during(checkOutput(schema, output)),
    agents: () => Promise.resolve(agents),
  });
  return {
    journal,
    backend: localBackend({
      execute: machine.watched(execute),
      sweeper: { sweep: () => Promise.resolve(0) },
      clock,
      mayHaveLeftovers: () => false,
      dispose: () => runner[Symbol.asyncDispose](),
    }),
    clock,
    random,
    holder: { pid: process.pid, started: "", title },
    probe: { usedMemoryMb: () => 0, cpuPercent: () => 0 },
    version: VERSION,
    gitHead: () => undefined,
    loadSubplan(run, subplan) {
      const { folder, planModule } = codeFor(run);
      return machine.during(loadSubplanFile(defined({ folder, root: planModule }), subplan));
    },
    subplanContent: (planFile, file) =>
      machine.during(planFileContent(planFile === undefined ? dir : dirname(resolve(dir, planFile)), file)),
    loadOutputCheck: async () => ({ now: await machine.during(loadCheck()), later: checkOutput }),
    batchTick: () => machine.during(new Promise<void>((done) => setImmediate(done))),
    environment,
    pollMs: 0,
  };
}
