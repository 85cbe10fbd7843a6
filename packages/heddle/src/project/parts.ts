/** Parts of a project on this machine: `host/` picks them, `project.ts` combines them. Types only. */
import type { AgentMaintenance } from "../agent/port.ts";
import type { Clock } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { PlanCode } from "../engine/executor.ts";
import type { Engine } from "../engine/open.ts";
import type { EngineJournal } from "../engine/ports.ts";
import type { TraceContext } from "../run/attempt.ts";
import type { Holder, Journal, Outbox } from "../journal/port.ts";
import type { NoticeCourier } from "../notify/port.ts";
import type { Workspaces } from "../workspace/port.ts";
import type { ProjectLayout } from "./layout.ts";
import type { PlanTask, PlanTaskAnswer } from "./plan-ask.ts";

export interface ProjectParts {
  readonly layout: ProjectLayout;
  readonly journal: Journal;
  readonly workspaces: Workspaces;
  readonly clock: Clock;
  readonly random: Random;
  /** What a person calls this process. */
  readonly title: string;
  /** This process, as what it holds in the journal names it. */
  readonly holder: () => Holder;
  /** How often the engine looks for requests of other processes, milliseconds; 0: never. */
  readonly pollMs: number;
  /** What commands print is shown with colours. */
  readonly colour?: boolean;
  /** The trace that this process is a part of. */
  readonly trace?: Partial<TraceContext> | undefined;
  /** Told what does not stop a run and somebody should know. Absent: it becomes a warning of the process. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Called when there is something to send to people outside. Absent: nothing is sent. */
  readonly openCourier?: (options: CourierParts) => Promise<NoticeCourier>;
  /** Whether the files of a run go when this process is done with it. */
  readonly deleteRunFiles: boolean;
  /** What is wrong with an output by its step's schema, in one line; `undefined`: nothing. Ends, whatever they are. */
  readonly checkOutput: (schema: JsonObject, output: Json) => Promise<string | undefined>;
  /** Called when the first run starts: looking at a project must not wait for the code of an engine. */
  readonly openEngine: (options: EngineOptions) => Promise<Engine>;
  /** Called when somebody asks what agents left. */
  readonly openAgents: () => Promise<AgentMaintenance>;
  /** Called when somebody looks at a plan. */
  readonly openPlanThreads: () => Promise<PlanThreads>;
}

/** Looks at plans beside what this process does. */
export interface PlanThreads extends AsyncDisposable {
  /** `signal`: it is given up at once. */
  carryOut(task: PlanTask, signal?: AbortSignal): Promise<PlanTaskAnswer>;
}

export interface CourierParts {
  readonly outbox: Outbox;
  /** What the project's folder is called. */
  readonly project: string;
  readonly title: string;
  readonly onWarning?: (text: string) => void;
}

export interface EngineOptions {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly journal: EngineJournal;
  readonly workspaces: Workspaces;
  readonly title: string;
  readonly pollMs: number;
  readonly colour?: boolean;
  readonly codeFor: (run: string) => PlanCode;
  readonly trace?: Partial<TraceContext>;
  readonly onWarning?: (text: string) => void;
  readonly onNotices?: () => void;
}
