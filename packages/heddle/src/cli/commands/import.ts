/** `heddle import`: converts a plan of another tool and prints it. Runs nothing. */
import { planToYaml } from "../../plan/canonical.ts";
import { importPlanFile } from "../../project/import-plan.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import { reportDiagnostics } from "../plans.ts";

export async function importCommand(context: Context, [file = ""]: readonly (string | undefined)[]): Promise<number> {
  const imported = await importPlanFile(file);
  if (!imported.ok) {
    const { error } = imported;
    if (error.kind === "unreadable") return fail(context, error.problem);
    await reportDiagnostics(context, file, error.diagnostics);
    return EXIT.usage;
  }
  const { plan, document, notes } = imported.value;
  for (const note of notes) context.out.note(safeLine(note));
  if (context.json) context.out.json({ document, notes });
  else context.out.write(planToYaml(plan));
  return EXIT.ok;
}
