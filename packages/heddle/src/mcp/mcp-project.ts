/**
 * MCP project: the project of this server, opened when a tool needs it, to be read or to be written.
 *
 * Invariants:
 *  1. Reading makes nothing in the folder.
 *  2. A server that only reads opens nothing to be written.
 */
import type { Problem } from "../base/errors.ts";
import { err, type Result } from "../base/result.ts";
import type { ProjectAccess } from "../project/folder.ts";
import type { Project } from "../project/port.ts";

export type OpenForMcp = (access: ProjectAccess) => Promise<Result<Project, Problem>>;

type Opening = Promise<Result<Project, Problem>>;

/** The project, as tools ask for it. */
export interface McpAccess {
  toRead(): Promise<Result<Project, Problem>>;
  /** `create`: the folder need not have runs yet. */
  toAct(access: "create" | "change"): Promise<Result<Project, Problem>>;
}

export class McpProject implements McpAccess, AsyncDisposable {
  readonly #open: OpenForMcp;
  readonly #isReadOnly: boolean;
  #reading: Opening | undefined;
  #acting: Opening | undefined;

  constructor(open: OpenForMcp, isReadOnly: boolean) {
    this.#open = open;
    this.#isReadOnly = isReadOnly;
  }

  /** The one that runs are carried out in, where there is one: it knows of their events first. */
  async toRead(): Promise<Result<Project, Problem>> {
    const acting = await this.#acting;
    if (acting?.ok === true) return acting;
    const opening = (this.#reading ??= this.#open("read"));
    const opened = await opening;
    // Tried again at the next call: a run may have been started meanwhile.
    if (!opened.ok && this.#reading === opening) this.#reading = undefined;
    return opened;
  }

  async toAct(access: "create" | "change"): Promise<Result<Project, Problem>> {
    if (this.#isReadOnly) return err(readOnlyServer());
    const opening = (this.#acting ??= this.#open(access));
    const opened = await opening;
    if (!opened.ok && this.#acting === opening) this.#acting = undefined;
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opening of [this.#acting, this.#reading]) {
      const opened = await opening;
      if (opened?.ok === true) await opened.value[Symbol.asyncDispose]();
    }
  }
}

export function readOnlyServer(): Problem {
  return {
    code: "ReadOnlyServer",
    message: "this server only reads: it was started with --read-only, or asked with a token that only reads",
    hint: "Ask whoever set it up for one that acts.",
  };
}
