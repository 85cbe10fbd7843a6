/** `heddle import`: converts a plan of another tool and prints it. Runs nothing. */
import { readFile } from "node:fs/promises";
import { messageOf } from "../../base/errors.ts";
import { compileDocument } from "../../graph/compile.ts";
import { planToYaml } from "../../plan/canonical.ts";
import { importPlan as convert } from "../../plan/import.ts";
import { noSourceMap } from "../../plan/source-map.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { safeLine } from "../output-text.ts";
import { reportDiagnostics } from "../plans.ts";

export async function importCommand(context: Context, [file = ""]: readonly (string | undefined)[]): Promise<number> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    return fail(context, {
      code: "PlanUnreadable",
      message: `cannot read ${file}: ${messageOf(thrown)}`,
      hint: "Name a file that exists.",
      cause: thrown,
    });
  }
  const imported = await convert({ text, file });
  if (!imported.ok) {
    await reportDiagnostics(context, file, imported.error);
    return EXIT.usage;
  }
  const { document, notes } = imported.value;
  const name = file.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const compiled = await compileDocument(document, { name, allowMissingParams: true }, async () => noSourceMap(file));
  if (!compiled.ok) {
    await reportDiagnostics(context, file, compiled.error);
    return EXIT.usage;
  }
  for (const note of notes) context.out.note(safeLine(note));
  if (context.json) context.out.json({ document, notes });
  else context.out.write(planToYaml(compiled.value.plan));
  return EXIT.ok;
}
