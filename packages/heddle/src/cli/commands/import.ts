/** `heddle import`: converts a file of another tool to a plan, and prints or writes it. Runs nothing. */
import { writeFileSync } from "node:fs";
import { defined } from "../../base/defined.ts";
import { messageOf, systemCode } from "../../base/errors.ts";
import type { ImportOptions } from "../../plan/import/plan-import.ts";
import type { RestingState } from "../../plan/import/states.ts";
import { planToDocument, planToYaml } from "../../plan/canonical.ts";
import type { Plan } from "../../plan/plan.ts";
import { importPlanFile } from "../../project/import-plan.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";
import { safeLine } from "../../base/safe-text.ts";
import { reportDiagnostics } from "../plans.ts";
import type { Flags } from "../spec.ts";

export async function importCommand(
  context: Context,
  [file = ""]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const options = defined<ImportOptions>({
    tag: textFlag(flags, "tag"),
    lenient: isFlagOn(flags, "lenient"),
    include: flags["include"] as readonly RestingState[] | undefined,
  });
  const imported = await importPlanFile(file, options);
  if (!imported.ok) {
    const { error } = imported;
    if (error.kind === "unreadable") return fail(context, error.problem);
    await reportDiagnostics(context, error.diagnostics[0]?.file ?? file, error.diagnostics);
    return EXIT.usage;
  }
  const { plan, document, notes, summary } = imported.value;
  const out = textFlag(flags, "out");
  const written = out === undefined ? EXIT.ok : write(context, out, plan);
  if (written !== EXIT.ok) return written;
  for (const { message, file: source, line, column } of notes) {
    context.out.note(safeLine(`${source}:${line}:${column}: note: ${message}`));
  }
  context.out.note(safeLine(`${file}: ${summary}`));
  if (context.json) context.out.json({ document, notes, summary });
  else if (out === undefined) context.out.write(planToYaml(plan));
  else context.out.line(`Wrote ${safeLine(out)}. Next: heddle plan${out === "heddle.yaml" ? "" : ` ${safeLine(out)}`}`);
  return EXIT.ok;
}

/** Never over a file: it may be a plan that somebody has worked on. */
function write(context: Context, file: string, plan: Plan): number {
  const text = file.endsWith(".json") ? `${JSON.stringify(planToDocument(plan), null, 2)}\n` : planToYaml(plan);
  try {
    writeFileSync(file, text, { flag: "wx" });
    return EXIT.ok;
  } catch (thrown) {
    if (systemCode(thrown) === "EEXIST") {
      const hint = "Remove it, or name another file with -o.";
      return fail(context, { code: "PlanExists", message: `${file} exists already`, hint });
    }
    const message = `cannot write ${file}: ${messageOf(thrown)}`;
    const hint = "Name a file in an existing folder that you may write to.";
    return fail(context, { code: "ProjectUnwritable", message, hint, cause: thrown }, EXIT.failed);
  }
}
