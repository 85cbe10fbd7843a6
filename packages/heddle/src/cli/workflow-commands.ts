/**
 * Workflow commands: lines by which GitHub Actions is told to fold output and to mark errors. Knows no run.
 *
 * Invariants:
 *  1. From {@link WorkflowCommands.begin} to `end`, commands are stopped but for those of this file: nothing that a step prints, or that
 *     is quoted of it, is carried out, on standard error neither.
 *  2. Each stop has a token of its own, which nobody knew before it was printed.
 *  3. Text of others in a command can neither end it nor begin another.
 */
import { randomUUID } from "node:crypto";
import { isAbsolute, relative, resolve } from "node:path";
import { safeLine } from "../base/safe-text.ts";

/** Where an annotation is shown; `line` and `column` from 1. */
export interface AnnotationPlace {
  readonly title: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export class WorkflowCommands {
  readonly #print: (lines: string) => void;
  readonly #token: () => string;
  #stopped: string | undefined;

  /** `print`: whole lines, without the last line break. */
  constructor(print: (lines: string) => void, token: () => string = randomUUID) {
    this.#print = print;
    this.#token = token;
  }

  begin(): void {
    if (this.#stopped === undefined) this.#print(this.#stop());
  }

  /** Called again, it does nothing. */
  end(): void {
    if (this.#stopped !== undefined) this.#print(`::${this.#stopped}::`);
    this.#stopped = undefined;
  }

  group(title: string): void {
    this.#command(`::group::${dataOf(title)}`);
  }

  endGroup(): void {
    this.#command("::endgroup::");
  }

  annotate(level: "error" | "warning", place: AnnotationPlace, message: string): void {
    this.#command(annotation(level, place, message));
  }

  #command(text: string): void {
    this.#print(this.#stopped === undefined ? text : `::${this.#stopped}::\n${text}\n${this.#stop()}`);
  }

  #stop(): string {
    this.#stopped = this.#token();
    return `::stop-commands::${this.#stopped}`;
  }
}

/** One line: marks a file's line, or the job. */
export function annotation(
  level: "error" | "warning",
  { title, file, line, column }: AnnotationPlace,
  message: string,
): string {
  const all = [["title", title] as const, ["file", file] as const, ["line", line] as const, ["col", column] as const];
  const properties = all
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${propertyOf(String(value))}`]))
    .join(",");
  return `::${level} ${properties}::${dataOf(message)}`;
}

/** A file as annotations name it: from the folder that the repository was checked out in. */
export function annotatedFile(
  { dir, env }: { readonly dir: string; readonly env: NodeJS.ProcessEnv },
  file: string,
): string {
  const from = relative(env["GITHUB_WORKSPACE"] ?? dir, resolve(dir, file));
  return from.startsWith("..") || isAbsolute(from) ? file : from;
}

function dataOf(text: string): string {
  return (
    text
      .split("\n")
      .map(safeLine)
      .join("\n")
      .replaceAll("%", "%25")
      .replaceAll("\r", "%0D")
      .replaceAll("\n", "%0A")
      // The older form of commands is found anywhere in a line.
      .replaceAll("##[", "# #[")
  );
}

function propertyOf(text: string): string {
  return dataOf(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
