/**
 * Served projects: the project folders of one server, by name. A project that cannot be opened is named with its problem, and the others
 * go on; it is tried again when it is asked for.
 */
import { basename } from "node:path";
import { defined } from "../base/defined.ts";
import { HeddleError, type Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { Project } from "../project/port.ts";

/** Opens a project folder to be written. */
export type OpenServed = (dir: string) => Promise<Result<Project, Problem>>;

interface Served {
  readonly name: string;
  readonly dir: string;
  /** Settled with the project; absent: not asked for yet, or it could not be opened. */
  opened: Promise<Result<Project, Problem>> | undefined;
}

export class ServedProjects {
  readonly #open: OpenServed;
  readonly #served: ReadonlyMap<string, Served>;

  /** `dirs`: absolute. */
  constructor(dirs: readonly string[], open: OpenServed) {
    this.#open = open;
    const served = new Map<string, Served>();
    for (const dir of dirs) {
      const name = freeName(nameOf(dir), served);
      served.set(name, { name, dir, opened: undefined });
    }
    this.#served = served;
  }

  /** Their names, in the order in which they were given. */
  get names(): readonly string[] {
    return [...this.#served.keys()];
  }

  /** Absolute; `undefined`: no project has this name. */
  dirOf(name: string): string | undefined {
    return this.#served.get(name)?.dir;
  }

  /** Throws a `HeddleError`: `UnknownProject`, or why it cannot be opened. */
  async get(name: string): Promise<Project> {
    const served = this.#served.get(name);
    if (served === undefined)
      throw new HeddleError({
        code: "UnknownProject",
        message: `no project is called ${JSON.stringify(name)}`,
        hint: `Served here: ${this.names.join(", ")}.`,
      });
    const opening = (served.opened ??= this.#open(served.dir));
    const opened = await opening;
    if (opened.ok) return opened.value;
    if (served.opened === opening) served.opened = undefined;
    const { hint, ...problem } = opened.error;
    const message = withoutFolder(opened.error.message, served.dir);
    throw new HeddleError(defined({ ...problem, message, hint: hint && withoutFolder(hint, served.dir) }));
  }

  /** What a problem of a project says to its clients. */
  saidOf(name: string, { message }: Problem): string {
    return withoutFolder(message, this.dirOf(name) ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const served of this.#served.values()) {
      const opened = await served.opened;
      if (opened?.ok === true) await opened.value[Symbol.asyncDispose]();
    }
  }
}

/** Where on the machine a project is concerns none of its clients. */
function withoutFolder(text: string, dir: string): string {
  return dir === "" ? text : text.replaceAll(dir, basename(dir));
}

/** In addresses as it is: what else is in the folder's name becomes `-`. */
function nameOf(dir: string): string {
  const name = basename(dir)
    .replaceAll(/[^\w.-]+/g, "-")
    .replaceAll(/^[.-]+|[.-]+$/g, "");
  return name === "" ? "project" : name;
}

function freeName(name: string, taken: ReadonlyMap<string, unknown>): string {
  for (let number = 1; ; number++) {
    const wanted = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(wanted)) return wanted;
  }
}
