/**
 * Server metrics: what a monitoring system reads of this process and of its projects, as Prometheus takes it. What projects do is counted
 * when it is asked for, so that nothing is done for a server that nobody reads.
 *
 * Invariants:
 *  1. Labels have values of closed lists: statuses, kinds, patterns of routes, names of served projects. No id, no text that a plan or a
 *     client chose.
 *  2. Nothing here keeps the process alive.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { HeddleError } from "../../base/errors.ts";
import type { AttemptSink, RunMeasures, RunMeter } from "../../project/run-meter.ts";
import { VERSION } from "../../version.ts";
import type { ServedProjects } from "../projects.ts";
import { processMetrics } from "./process-metrics.ts";

const QUEUE_SECONDS = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];
const DURATION_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];

/** Of a request that no route answers. */
export const NO_ROUTE = "none";
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export interface AnsweredRequest {
  readonly method: string;
  /** The pattern in the table, or {@link NO_ROUTE}. */
  readonly route: string;
  readonly status: number;
}

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #streams: Gauge;
  readonly #projects: ProjectGauges;
  readonly #meters = new Map<string, RunMeter>();
  #reading: Promise<string> | undefined;

  constructor() {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "heddle_http_requests_total",
      help: "Answered requests by the pattern of their route.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#streams = new Gauge({
      name: "heddle_streams_open",
      help: "Open WebSockets and event streams.",
      registers,
    });
    new Gauge({
      name: "heddle_build_info",
      help: "Always 1; the version is a label.",
      labelNames: ["version"],
      registers,
    }).set({ version: VERSION }, 1);
    this.#projects = projectGauges(this.#registry);
    processMetrics(this.#registry);
  }

  /** Of what {@link text} gives. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  answered({ method, route, status }: AnsweredRequest): void {
    this.#requests.inc({ method: METHODS.has(method) ? method : "other", route, status });
  }

  /** A stream is open until `isOver` is aborted. */
  streamOpened(isOver: AbortSignal): void {
    this.#streams.inc();
    isOver.addEventListener("abort", () => this.#streams.dec(), { once: true });
  }

  /** Of all who ask at once, one reading. */
  text(projects: ServedProjects): Promise<string> {
    this.#reading ??= this.#read(projects).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(projects: ServedProjects): Promise<string> {
    const all = new Map<string, RunMeasures | undefined>();
    for (const name of projects.names) all.set(name, await this.#measuresOf(projects, name));
    this.#projects.set(all);
    return await this.#registry.metrics();
  }

  /** `undefined`: the project cannot be read. */
  async #measuresOf(projects: ServedProjects, name: string): Promise<RunMeasures | undefined> {
    try {
      const project = await projects.get(name);
      let meter = this.#meters.get(name);
      if (meter === undefined) this.#meters.set(name, (meter = await project.runs.meter(this.#projects.sinkOf(name))));
      return await meter.read();
    } catch (thrown) {
      if (thrown instanceof HeddleError) return undefined;
      throw thrown;
    }
  }
}

interface ProjectGauges {
  /** Of all projects: `undefined`: it cannot be read, and nothing else is told of it than that. */
  set(all: ReadonlyMap<string, RunMeasures | undefined>): void;
  sinkOf(project: string): AttemptSink;
}

function projectGauges(registry: Registry): ProjectGauges {
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, ...labels: readonly Label[]) =>
    new Gauge({ name: `heddle_${name}`, help, labelNames: ["project" as const, ...labels], registers });
  const up = gauge("project_up", "1: the project can be read; 0: it cannot, and its other numbers are absent.");
  const runs = gauge("runs", "Recorded runs by status.", "status");
  const steps = gauge("steps", "Steps of runs that have not ended, by status.", "status");
  const attempts = gauge("attempts_running", "Attempts at work.");
  const used = gauge("slots_used", "Slots that attempts take, of runs that a process works on.");
  const total = gauge("slots_total", "Slots of runs that a process works on.");
  const needsYou = gauge("needs_you", "What waits for a person.", "kind");
  const queued = new Histogram({
    name: "heddle_step_queue_seconds",
    help: "How long attempts were ready before they began.",
    labelNames: ["project"],
    buckets: QUEUE_SECONDS,
    registers,
  });
  const took = new Histogram({
    name: "heddle_step_duration_seconds",
    help: "How long attempts took, by what worked and how they ended.",
    labelNames: ["project", "kind", "outcome"],
    buckets: DURATION_SECONDS,
    registers,
  });
  return {
    set(all) {
      for (const one of [runs, steps, attempts, used, total, needsYou]) one.reset();
      for (const [project, measures] of all) {
        up.set({ project }, measures === undefined ? 0 : 1);
        if (measures === undefined) continue;
        for (const [status, number] of Object.entries(measures.runs)) runs.set({ project, status }, number);
        for (const [status, number] of Object.entries(measures.steps)) steps.set({ project, status }, number);
        for (const [kind, number] of Object.entries(measures.needsYou)) needsYou.set({ project, kind }, number);
        attempts.set({ project }, measures.runningAttempts);
        used.set({ project }, measures.slots.used);
        total.set({ project }, measures.slots.total);
      }
    },
    sinkOf: (project) => ({
      queued: (ms) => queued.observe({ project }, ms / 1000),
      ended: ({ kind, end, ms }) => took.observe({ project, kind, outcome: end }, ms / 1000),
    }),
  };
}
