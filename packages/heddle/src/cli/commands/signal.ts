/** `heddle signal`: sends the word that a step of a run waits for, whether a process works on the run or not. */
import type { Problem } from "../../base/errors.ts";
import { type Json, toJson } from "../../base/json.ts";
import { readJsonText } from "../../base/json-text.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { EXIT, fail, openToChange, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import { userName } from "../user.ts";

export async function signalCommand(
  context: Context,
  [word, signal = "", text]: readonly (string | undefined)[],
): Promise<number> {
  const value: Result<Json, Problem> = text === undefined ? ok(null) : valueOf(text);
  if (!value.ok) return fail(context, value.error);
  const opened = await openToChange(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const sent = await project.control.signal(run.value, { signal, value: value.value, by: userName() });
  if (!sent.ok) return fail(context, sent.error);
  if (context.json) context.out.json({ run: run.value, signal, value: value.value, result: sent.value });
  else {
    const next = sent.value === "done" ? ` Continue: heddle resume ${run.value}` : "";
    context.out.line(`Sent the signal ${safeLine(signal)} to run ${run.value}.${next}`);
  }
  return EXIT.ok;
}

/** What was typed, as JSON. Words that look like text but are not quoted are no value: a typing error would become one. */
function valueOf(text: string): Result<Json, Problem> {
  const read = readJsonText(text, "the value");
  const json = read.ok ? toJson(read.value, "the value") : err(read.error.message);
  if (json.ok) return json;
  return err({
    code: "Usage",
    message: `the value of the signal is not JSON: ${json.error}`,
    hint: `Quote JSON for the shell: '{"paid": true}', '"text"', 42.`,
  });
}
