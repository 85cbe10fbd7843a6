/** Agents' steps of every run in this process: one room per run, made with the run's first agent, closed with its end. */
import { messageOf } from "../base/errors.ts";
import type { Dispatched, Note } from "../backend/port.ts";
import type { Outcome } from "../runner/port.ts";
import { carryOut } from "./attempt.ts";
import { Control } from "./control.ts";
import { finish } from "./finish.ts";
import type { AgentJob, AgentWork, Landing } from "./port.ts";
import { type AgentWorkOptions, openRoom, type Room } from "./room.ts";
import { stepSettings } from "./settings.ts";

export function agentWork(options: AgentWorkOptions): AgentWork {
  return new Agents(options);
}

class Agents implements AgentWork {
  readonly #options: AgentWorkOptions;
  readonly #rooms = new Map<string, Promise<Room>>();

  constructor(options: AgentWorkOptions) {
    this.#options = options;
  }

  start(job: AgentJob, onNote: (note: Note) => void): Dispatched {
    const control = new Control(this.#options.clock);
    return {
      outcome: this.#work(job, control, onNote),
      stop: (reason) => control.stop(reason),
      kill: () => control.kill(),
    };
  }

  async finishRun(run: string, isDone: boolean): Promise<Landing | undefined> {
    const room = await this.#rooms.get(run)?.catch(() => undefined);
    this.#rooms.delete(run);
    return room === undefined ? undefined : await finish(room, isDone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#rooms.keys()) await this.finishRun(run, false);
  }

  async #work(job: AgentJob, control: Control, note: (note: Note) => void): Promise<Outcome> {
    const { step, agent } = job.task;
    const own = step.action.kind === "agent" ? step.action.options : undefined;
    const settings = stepSettings(agent?.config ?? {}, own, job.folder);
    if (!settings.ok) return { kind: "failed", error: { code: "spawn", message: settings.error, final: true } };
    let room: Room;
    try {
      room = await this.#roomOf(job);
    } catch (thrown) {
      return { kind: "failed", error: { code: "spawn", message: messageOf(thrown), final: true } };
    }
    return await carryOut({ options: this.#options, room, job, settings: settings.value, control, note });
  }

  #roomOf(job: AgentJob): Promise<Room> {
    const { run } = job.task;
    let room = this.#rooms.get(run);
    if (room === undefined) {
      room = openRoom(this.#options, job);
      this.#rooms.set(run, room);
      room.catch(() => this.#rooms.delete(run));
    }
    return room;
  }
}
