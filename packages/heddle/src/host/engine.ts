/**
 * Composition root for runs: picks what runs need besides the journal. Imported only by `host/open.ts`, when the first
 * run starts.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { AgentExecutor } from "../agent/port.ts";
import { localBackend } from "../backend/local.ts";
import { machineProbe } from "../backend/machine-probe.ts";
import { systemClock, type Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { randomId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { executor, type ExecuteOptions } from "../engine/executor.ts";
import { type Engine, engineOver } from "../engine/open.ts";
import type { EnginePorts } from "../engine/ports.ts";
import { thisProcess } from "../journal/liveness.ts";
import { loadSubplanFile } from "../project/load-plan.ts";
import { planFileContent } from "../project/plan-content.ts";
import type { OpenedTracing } from "../telemetry/open.ts";
import { type LocalRunners, localRunners } from "../runner/local.ts";
import { VERSION } from "../version.ts";
import { localOutputChecks, runOutputCheck } from "./output-checks.ts";
import { programAt } from "./program-at.ts";
import { headOf } from "../git/git-head.ts";
import type { EngineOptions } from "../project/parts.ts";
import { warnProcess } from "./warn-process.ts";

export function openEngine(options: EngineOptions): Engine {
  return engineOver(portsOf(options));
}

function portsOf(options: EngineOptions): EnginePorts {
  const { dir, journal, workspaces, title, pollMs, codeFor, colour } = options;
  const clock = systemClock();
  const tracing = lazyTracing(options, clock);
  const runners = localRunners({
    clock,
    env: process.env,
    owner: randomId(systemRandom, 16),
    workerEntry: programAt("./isolated-worker"),
  });
  const checks = localOutputChecks();
  const agents = lazyAgents(dir, runners);
  const execute = executor({
    runner: runners.runner,
    workspaces,
    codeFor,
    environment: process.env,
    checkOutput: (schema, output, signal) => checks.check(schema, output, signal),
    colour,
    traced: tracing?.traced,
    agents: agents.get,
  });
  return defined<EnginePorts>({
    journal,
    backend: localBackend({
      execute,
      sweeper: runners.sweeper,
      clock,
      mayHaveLeftovers: runners.mayHaveLeftovers,
      warm: () => runners.runner.warm?.(),
      async dispose() {
        await (await agents.made())?.[Symbol.asyncDispose]();
        await runners.runner[Symbol.asyncDispose]();
        await checks[Symbol.asyncDispose]();
        await tracing?.dispose();
      },
    }),
    clock,
    random: systemRandom,
    holder: thisProcess(title),
    probe: machineProbe(),
    version: VERSION,
    gitHead: () => headOf(dir, process.env),
    loadSubplan(run, subplan) {
      const { folder, planModule } = codeFor(run);
      return loadSubplanFile(defined({ folder, root: planModule }), subplan);
    },
    subplanContent(planFile, file) {
      return planFileContent(planFile === undefined ? dir : dirname(resolve(dir, planFile)), file);
    },
    loadOutputCheck: () => runOutputCheck(checks),
    batchTick: () => new Promise<void>((done) => setImmediate(done)),
    environment: process.env,
    pollMs,
    async revertAgents(run, work) {
      return await (await agents.get()).revert({ ...run, folder: codeFor(run.run).folder }, work);
    },
    async finishAgents(run, isDone) {
      // Where the run is not done and no agent worked in it here, there is nothing to put in order.
      const work = isDone ? await agents.get() : await agents.made();
      return await work?.finishRun({ ...run, folder: codeFor(run.run).folder }, isDone);
    },
    openTracing: tracing?.open,
    onNotices: options.onNotices,
  });
}

interface LazyTracing {
  readonly open: NonNullable<EnginePorts["openTracing"]>;
  readonly traced: NonNullable<ExecuteOptions["traced"]>;
  readonly dispose: () => Promise<void>;
}

/** A run that nobody traces does not pay for it. */
function lazyTracing({ dir, trace, onWarning = warnProcess }: EngineOptions, clock: Clock): LazyTracing | undefined {
  if (!isTraced(process.env)) return undefined;
  let opening: Promise<OpenedTracing | undefined> | undefined;
  let opened: OpenedTracing | undefined;
  return {
    open: () =>
      (opening ??= import("../telemetry/open.ts").then(async ({ openTracing }) => {
        opened = await openTracing({ dir, env: process.env, clock, incoming: trace ?? {}, onWarning });
        return opened;
      })),
    traced: (task, work) => (opened === undefined ? work() : opened.within(task, work)),
    dispose: async () => await (await opening)?.[Symbol.asyncDispose](),
  };
}

/** Whether a provider of traces is there, or somewhere to send them. */
function isTraced(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return false;
  const there = (globalThis as { readonly [name: symbol]: { readonly trace?: unknown } | undefined })[
    Symbol.for("opentelemetry.js.api.1")
  ];
  const endpoint = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? env["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "";
  return there?.trace !== undefined || endpoint !== "";
}

/** Everything about agents is loaded with the first one: a run without agents does not pay for it. */
function lazyAgents(
  dir: string,
  runners: LocalRunners,
): { readonly get: () => Promise<AgentExecutor>; readonly made: () => Promise<AgentExecutor | undefined> } {
  const scripted = [process.execPath, fileURLToPath(programAt("../agent/scripted/scripted-worker"))] as const;
  let making: Promise<AgentExecutor> | undefined;
  const get = (): Promise<AgentExecutor> =>
    (making ??= import("./agents.ts").then(({ openAgentExecutor }) => openAgentExecutor(dir, runners, { scripted })));
  return { get, made: async () => await making };
}
