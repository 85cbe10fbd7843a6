/**
 * The real command line in real folders, and what every ending of it must look like: one clear message with the next thing to
 * do, the right exit code, no stack trace, nothing recorded lost.
 */
import { expect } from "vitest";
import { type Finished, Rig } from "../support/command-line.ts";

/** A folder with files; commands work in it. `dir`: one that is there already. */
export function place(files: Readonly<Record<string, string>> = {}, dir?: string): Rig {
  const rig = new Rig(dir === undefined ? {} : { dir });
  for (const [name, text] of Object.entries(files)) rig.write(name, text);
  return rig;
}

const STACK =
  /\n\s+at .+(:\d+|<anonymous>)|node:internal|Uncaught (Error|Exception)|UnhandledPromise|InternalError|BugError|\[object Object\]/;

/** No stack trace, no sign of a defect, nothing that moves the cursor. */
export function expectClean(ended: Finished): void {
  expect(ended.signal, ended.stderr).toBeNull();
  expect(`${ended.stdout}\n${ended.stderr}`).not.toMatch(STACK);
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  expect(`${ended.stdout}${ended.stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
}

/** One problem on standard error: its code, its text, and a next thing to do. */
export function expectRefusal(ended: Finished, code: number, problem: string, said: RegExp | string = ""): void {
  expectClean(ended);
  const errors = [...ended.stderr.matchAll(/^(?:\S+: )?error ?\[(\w+)\]/gm)].map((match) => match[1]);
  expect({ code: ended.code, errors: errors.length, stderr: ended.stderr }).toMatchObject({ code, errors: 1 });
  expect(errors[0]).toMatch(new RegExp(`^(${problem})$`));
  expect(ended.stderr).toMatch(said);
  // What to do next: indented below a message, a hint below a place of a plan.
  expect(ended.stderr).toMatch(/\n {2}\S|\nFix: \S/);
}

/** Every rule holds over the recorded history, and it can be printed. */
export async function expectSound(at: Rig, run?: string): Promise<readonly RecordedEvent[]> {
  const named = run === undefined ? [] : [run];
  const replayed = await at.heddle(["replay", ...named, "--json"]);
  expect(replayed.stderr).toBe("");
  expect(JSON.parse(replayed.stdout)).toMatchObject({ ok: true, violations: [] });
  const history = await at.heddle(["history", ...named, "--json"]);
  expect(history.code).toBe(0);
  const events = history.stdout
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
export function eventsOf(ended: Pick<Finished, "stdout">): readonly RecordedEvent[] {
  return ended.stdout
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
