/**
 * Progress stream of the parallel-execution API: the latest run of a project as messages about batches and tasks, for as long as the client
 * stays. What is said follows from the run's documents, so it is what the endpoints beside it say.
 */
import { HeddleError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { Batch } from "../view/protocol.ts";
import type { RunView, StepView } from "../view/run-view.ts";
import { askedRun, documentOf, readAsked } from "./asked-run.ts";
import { batchesOf, isOverIn, tasksOf, type TaskAbout, type Tasks } from "./batches.ts";
import type { OpenStream, StreamRoute } from "./stream-route.ts";
import { pause } from "./pause.ts";

/** How often the journal is asked whether anything was written. */
const LOOK_MS = 100;

export const PROGRESS_STREAM: StreamRoute = {
  kind: "stream",
  method: "GET",
  path: "/api/ws/:project",
  authority: "read",
  summary: "Progress of the latest run, as messages about batches and tasks",
  check: async ({ world, params, ticket }) => {
    const { project = "" } = params;
    if (ticket.project !== undefined && ticket.project !== project)
      throw new HeddleError({ code: "UnknownProject", message: "the ticket is for another project" });
    await world.projects.get(project);
  },
  open: (stream) => {
    follow(stream).catch((thrown: unknown) => {
      stream.onFault(thrown);
      stream.connection.close(1011, "the server met a fault");
    });
  },
};

async function follow({ world, params, connection }: OpenStream): Promise<void> {
  const { project: name = "" } = params;
  const project = await world.projects.get(name);
  const watcher = project.runs.watch();
  const progress = new Progress();
  const tell = async (): Promise<void> => {
    const [latest] = await project.runs.list({ limit: 1 });
    if (latest === undefined) return;
    const asked = await askedRun({ world, params: { ...params, run: latest.run } });
    const read = await readAsked(asked);
    const news = progress.take(documentOf(asked, read, world.clock.now()), tasksOf(read.state.steps));
    // Of a large run more than may wait for a client.
    for (const { type, data } of news)
      await connection.sendInTurn({ type, project_id: name, timestamp: world.clock.now(), data });
  };
  while (!connection.signal.aborted) {
    if (watcher.changed()) {
      try {
        await tell();
      } catch (thrown) {
        // Removed since it was listed: the next look finds another one, or none.
        if (!(thrown instanceof HeddleError) || thrown.code !== "UnknownRun") throw thrown;
      }
    }
    await pause(world.clock, LOOK_MS);
  }
}

interface ProgressNews {
  readonly type: string;
  readonly data: Json;
}

/** Says what is new in each document of a run that it is given. */
class Progress {
  #news: ProgressNews[] = [];
  #run: string | undefined;
  #steps = new Map<string, Pick<StepView, "status" | "attempts">>();
  #batches = new Map<number, Batch["status"]>();

  take(document: RunView, tasks: Tasks): readonly ProgressNews[] {
    this.#news = [];
    if (document.run !== this.#run) {
      this.#run = document.run;
      this.#steps = new Map();
      this.#batches = new Map();
    }
    const batches = batchesOf(document);
    for (const batch of batches) this.#takeBatch(batch, batches.length, document, tasks);
    const ended = document.steps.filter(isOverIn).length;
    this.#say("progress", {
      run: document.run,
      status: document.status,
      completed: ended,
      total: document.steps.length,
    });
    return this.#news;
  }

  #say(type: string, data: Json): void {
    this.#news.push({ type, data });
  }

  #takeBatch(batch: Batch, total: number, { steps }: RunView, tasks: Tasks): void {
    const { batch_number: number, status } = batch;
    const before = this.#batches.get(number) ?? "pending";
    this.#batches.set(number, status);
    const isOpen = (one: Batch["status"]): boolean => one === "pending" || one === "running";
    if (before === "pending" && status !== "pending")
      this.#say("batch_start", { batch_number: number, total_batches: total, task_count: batch.task_ids.length });
    for (const step of steps) if (step.layer === number) this.#takeStep(step, tasks.get(step.id));
    if (isOpen(before) && !isOpen(status))
      this.#say("batch_complete", { batch_number: number, result: batch as unknown as Json });
  }

  #takeStep({ id, status, attempts, cost, error }: StepView, about: TaskAbout | undefined): void {
    const before = this.#steps.get(id);
    this.#steps.set(id, { status, attempts });
    if (attempts > (before?.attempts ?? 0))
      this.#say("task_start", { task_id: id, epic_id: about?.group ?? null, model: about?.model ?? null });
    if (!isOverIn({ status }) || before?.status === status) return;
    if (status === "failed") this.#say("failed", { task_id: id, error: error?.message ?? null });
    this.#say("task_complete", { task_id: id, status, cost: cost ?? null });
  }
}
