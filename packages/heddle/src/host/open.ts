/**
 * Composition root: with `host/engine.ts` the only file that picks implementations. Imported only by the faces,
 * `index.ts` and tests.
 *
 * What only a run needs is loaded when the first run starts, so that inspecting a project does not load the engine.
 */
import type { AgentMaintenance } from "../agent/port.ts";
import { systemClock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { ok, type Result } from "../base/result.ts";
import { thisProcess } from "../journal/liveness.ts";
import { memoryJournal } from "../journal/memory.ts";
import { openSqliteJournal } from "../journal/sqlite/open.ts";
import { checkEvent } from "../run/event-schema.ts";
import type { TraceContext } from "../run/attempt.ts";
import { upgradeEvent } from "../run/upgrade.ts";
import { VERSION } from "../version.ts";
import { directoryWorkspaces } from "../workspace/directory.ts";
import { memoryWorkspaces } from "../workspace/memory.ts";
import { prepareFolder, type ProjectAccess } from "../project/folder.ts";
import { layoutOf, type ProjectLayout } from "../project/layout.ts";
import type { Engine } from "../engine/open.ts";
import type { EngineOptions, ProjectParts } from "../project/parts.ts";
import type { Project } from "../project/port.ts";
import { createProject } from "../project/project.ts";

export interface OpenProjectOptions {
  /** What a person calls this process: shown to those who find a run held. */
  readonly title: string;
  /** Default: `create`. */
  readonly access?: ProjectAccess;
  /** What commands print is shown with colours: they are told so. Default: not. */
  readonly colour?: boolean;
  /** The trace that this process is a part of: its runs are too. Absent: they begin their own. */
  readonly trace?: Partial<TraceContext>;
  /** Told, once each, what does not stop a run and somebody should know. Default: a warning of the process. */
  readonly onWarning?: (text: string) => void;
}

/** How often the engine looks for requests from other processes. */
const POLL_MS = 100;

/** Opens the project in `dir`: its journal, and all that runs need. Nothing of the folder is executed. */
export async function openProject(dir: string, options: OpenProjectOptions): Promise<Result<Project, Problem>> {
  const { title, access = "create", colour = false, trace, onWarning } = options;
  const layout = layoutOf(dir);
  const prepared = prepareFolder(layout, access);
  if (!prepared.ok) return prepared;
  const journal = await openSqliteJournal(
    layout.journalFile,
    defined({
      validate: checkEvent,
      upgrade: upgradeEvent,
      writer: `heddle ${VERSION}`,
      readOnly: access === "read" ? true : undefined,
    }),
  );
  if (!journal.ok) return journal;
  return ok(
    createProject({
      ...shared(layout),
      journal: journal.value,
      workspaces: directoryWorkspaces({ projectDir: layout.dir, runsDir: layout.runsDir }),
      title,
      holder: () => thisProcess(title),
      pollMs: POLL_MS,
      colour,
      deleteRunFiles: false,
      trace,
      onWarning,
    }),
  );
}

/** A project in `dir` that writes nothing there: journal in memory, no logs. Its runs are gone when it is disposed. */
export function openMemoryProject(dir: string, options: Pick<OpenProjectOptions, "title">): Project {
  const layout = layoutOf(dir);
  return createProject({
    ...shared(layout),
    journal: memoryJournal({ validate: checkEvent }),
    workspaces: memoryWorkspaces({ projectDir: layout.dir }),
    title: options.title,
    holder: () => thisProcess(options.title),
    // Nobody else can leave a request in this journal.
    pollMs: 0,
    deleteRunFiles: true,
  });
}

function shared(
  layout: ProjectLayout,
): Pick<
  ProjectParts,
  "layout" | "clock" | "random" | "checkOutput" | "openEngine" | "openAgents" | "openCourier" | "openPlanThreads"
> {
  return {
    layout,
    clock: systemClock(),
    random: systemRandom,
    checkOutput: async (schema, output) => (await import("./output-checks.ts")).checkOnce(schema, output),
    openEngine,
    openCourier: async (options) => (await import("./courier.ts")).openCourier(options),
    openAgents: () => openAgentMaintenance(layout.dir),
    openPlanThreads: async () => (await import("./plan-threads.ts")).planThreads(),
  };
}

async function openEngine(options: EngineOptions): Promise<Engine> {
  const engine = await import("./engine.ts");
  return engine.openEngine(options);
}

/** What agents left in the repository of a folder, journal or not. */
export async function openAgentMaintenance(dir: string): Promise<AgentMaintenance> {
  const agents = await import("./agents.ts");
  return agents.localAgentMaintenance(dir);
}
