/**
 * The real command line in real folders, and what every ending of it must look like: one clear message with the next thing to
 * do, the right exit code, no stack trace, nothing recorded lost.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

export const PROGRAM: string = fileURLToPath(new URL("../heddle.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Asked {
  readonly cwd?: string;
  /** Over the test's own environment; `undefined` removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Before the program: `["faketime", "..."]`. */
  readonly through?: readonly string[];
  readonly timeoutMs?: number;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  readonly said: () => { readonly out: string; readonly err: string };
}

/** The test runner's own colours and modes must not show in what is looked at. */
const OURS = /^(VITEST|HEDDLE_|FORCE_COLOR|NO_COLOR|CI$|NODE_OPTIONS|TEST$)/;
const cache = join(tmpdir(), `heddle-compiled-${process.getuid?.() ?? 0}`);

export function environment(over: Asked["env"] = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: cache };
  for (const [name, value] of Object.entries(process.env)) if (!OURS.test(name)) env[name] = value;
  for (const [name, value] of Object.entries(over)) env[name] = value;
  return env;
}

/** Starts the command line; its input is empty. */
export function begin(args: readonly string[], asked: Asked = {}): Running {
  const words = [...(asked.through ?? []), process.execPath, "--no-warnings", PROGRAM, ...args];
  const child = spawn(words[0] ?? "", words.slice(1), {
    cwd: asked.cwd,
    env: environment(asked.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (err += text));
  const limit = setTimeout(() => child.kill("SIGKILL"), asked.timeoutMs ?? 50_000);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, out, err });
    });
  });
  return { process: child, ended, said: () => ({ out, err }) };
}

export function heddle(args: readonly string[], asked: Asked = {}): Promise<Ended> {
  return begin(args, asked).ended;
}

/** A shell line in which `$HEDDLE` is the command line: for pipes, closed inputs and folders that go. */
export async function shellLine(line: string, asked: Asked = {}): Promise<Ended> {
  const child = spawn("sh", ["-c", `heddle() { "$NODE" --no-warnings "$PROGRAM" "$@"; }; ${line}`], {
    cwd: asked.cwd,
    env: { ...environment(asked.env), NODE: process.execPath, PROGRAM },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (err += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}

export interface Place extends Disposable {
  readonly path: string;
  write(name: string, text: string | Buffer): string;
  heddle(args: readonly string[], asked?: Asked): Promise<Ended>;
  begin(args: readonly string[], asked?: Asked): Running;
  shell(line: string, asked?: Asked): Promise<Ended>;
}

/** A folder with files; `heddle` works in it. */
export function place(files: Readonly<Record<string, string>> = {}, root?: string): Place {
  const path = root ?? realpathSync(mkdtempSync(join(tmpdir(), "heddle-faults-")));
  const write = (name: string, text: string | Buffer): string => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    path,
    write,
    heddle: (args, asked = {}) => heddle(args, { cwd: path, ...asked }),
    begin: (args, asked = {}) => begin(args, { cwd: path, ...asked }),
    shell: (line, asked = {}) => shellLine(line, { cwd: path, ...asked }),
    [Symbol.dispose]() {
      if (root === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}

const STACK =
  /\n\s+at .+(:\d+|<anonymous>)|node:internal|Uncaught (Error|Exception)|UnhandledPromise|InternalError|BugError|\[object Object\]/;

/** No stack trace, no sign of a defect, nothing that moves the cursor. */
export function expectClean(ended: Ended): void {
  expect(ended.signal, ended.err).toBeNull();
  expect(`${ended.out}\n${ended.err}`).not.toMatch(STACK);
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  expect(`${ended.out}${ended.err}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
}

/** One problem on standard error: its code, its text, and a next thing to do. */
export function expectRefusal(ended: Ended, code: number, problem: string, said: RegExp | string = ""): void {
  expectClean(ended);
  const errors = [...ended.err.matchAll(/^(?:\S+: )?error ?\[(\w+)\]/gm)].map((match) => match[1]);
  expect({ code: ended.code, errors: errors.length, err: ended.err }).toMatchObject({ code, errors: 1 });
  expect(errors[0]).toMatch(new RegExp(`^(${problem})$`));
  expect(ended.err).toMatch(said);
  // What to do next: indented below a message, a hint below a place of a plan.
  expect(ended.err).toMatch(/\n {2}\S|\nFix: \S/);
}

/** Every rule holds over the recorded history, and it can be printed. */
export async function expectSound(at: Place, run?: string): Promise<readonly RecordedEvent[]> {
  const named = run === undefined ? [] : [run];
  const replayed = await at.heddle(["replay", ...named, "--json"]);
  expect(replayed.err).toBe("");
  expect(JSON.parse(replayed.out)).toMatchObject({ ok: true, violations: [] });
  const history = await at.heddle(["history", ...named, "--json"]);
  expect(history.code).toBe(0);
  const events = history.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RecordedEvent);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  return events;
}

export interface RecordedEvent {
  readonly run: string;
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events of a `run --json`. */
export function eventsOf(ended: Pick<Ended, "out">): readonly RecordedEvent[] {
  return ended.out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedEvent);
}

/** Types of events, with the step where there is one: `step.succeeded a`. */
export function kinds(events: readonly RecordedEvent[]): readonly string[] {
  return events.map(({ type, step }) => (step === undefined ? type : `${type} ${step}`));
}

export function plan(steps: Readonly<Record<string, string>>): string {
  return `steps:\n${Object.entries(steps)
    .map(([id, run]) => `  - id: ${JSON.stringify(id)}\n    run: ${JSON.stringify(run)}\n`)
    .join("")}`;
}

/** Waits for something that another process makes true. */
export async function until(isTrue: () => boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
