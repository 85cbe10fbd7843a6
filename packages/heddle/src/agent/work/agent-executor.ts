/**
 * Agent executor: carries out the agent steps of every run in this process. Each run has one run context, created with
 * its first agent and closed with its end.
 */
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import type { Dispatched } from "../../backend/port.ts";
import { carryOut } from "./attempt.ts";
import { Control } from "./cancellation.ts";
import { finish } from "./finish-run.ts";
import { Leave } from "./permission-queue.ts";
import type { AgentJob, AgentRun, AgentWork } from "../port.ts";
import { type AgentWorkOptions, openRoom, type Room } from "./run-context.ts";
import { stepSettings, type StepSettings } from "./settings.ts";
import type { Outcome, Note, Landing } from "../../run/attempt.ts";

export function agentWork(options: AgentWorkOptions): AgentWork {
  return new Agents(options);
}

type RoomOf = AgentRun & { readonly folder: string };

function roomOf({ task, folder }: AgentJob): RoomOf {
  const { config = {}, maxAgents = 1, base, begin, branch } = task.agent ?? {};
  return defined({ run: task.run, folder, config, maxAgents, base, begin, branch });
}

class Agents implements AgentWork {
  readonly #options: AgentWorkOptions;
  readonly #rooms = new Map<string, Promise<Room>>();

  constructor(options: AgentWorkOptions) {
    this.#options = options;
  }

  start(job: AgentJob, onNote: (note: Note) => void): Dispatched {
    const control = new Control(this.#options.clock);
    const { action } = job.task.step;
    const own = action.kind === "agent" ? (action.options ?? {}) : {};
    const settings = stepSettings(job.task.agent?.config ?? {}, own, job.folder);
    const leave = new Leave(this.#options.clock, settings.limits.askMs, onNote);
    const worked = this.#work(job, settings, control, leave, onNote);
    return {
      outcome: worked.finally(() => leave.close()),
      stop(reason) {
        leave.close();
        control.stop(reason);
      },
      kill() {
        leave.close();
        control.kill();
      },
      answer: (decision) => leave.answer(decision),
    };
  }

  async finishRun(run: RoomOf, isDone: boolean): Promise<Landing | undefined> {
    const room = await this.#rooms.get(run.run)?.catch(() => undefined);
    this.#rooms.delete(run.run);
    if (room === undefined && !isDone) return undefined;
    // Whoever worked in it was another process, or is yet to be recorded as done.
    return await finish(room ?? (await openRoom(this.#options, run)), isDone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const room of this.#rooms.values()) {
      const opened = await room.catch(() => undefined);
      if (opened !== undefined) await finish(opened, false);
    }
    this.#rooms.clear();
  }

  async #work(
    job: AgentJob,
    settings: StepSettings,
    control: Control,
    leave: Leave,
    note: (note: Note) => void,
  ): Promise<Outcome> {
    let room: Room;
    try {
      room = await this.#roomOf(job);
    } catch (thrown) {
      return { kind: "failed", error: { code: "spawn", message: messageOf(thrown), final: true } };
    }
    return await carryOut({
      options: this.#options,
      room,
      job,
      settings,
      control,
      leave,
      note,
      spent: { usd: 0, isWhole: true },
      proposals: [],
      told: new Set(),
    });
  }

  #roomOf(job: AgentJob): Promise<Room> {
    const { run } = job.task;
    let room = this.#rooms.get(run);
    if (room === undefined) {
      room = openRoom(this.#options, roomOf(job));
      this.#rooms.set(run, room);
      room.catch(() => this.#rooms.delete(run));
    }
    return room;
  }
}
