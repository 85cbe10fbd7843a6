/** `heddle backup`: copies the journal consistently, also during runs. */
import { EXIT, fail, openToRead, type Context } from "../context.ts";

export async function backupCommand(context: Context, [file = ""]: readonly (string | undefined)[]): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const copied = await project.maintenance.backUp(file);
  if (!copied.ok) return fail(context, copied.error, copied.error.code === "FileExists" ? EXIT.usage : EXIT.failed);
  if (context.json) context.out.json({ file: copied.value });
  else
    context.out.line(
      `Copied the journal to ${file}. To restore it, replace .heddle/state.db with it while nothing runs.`,
    );
  return EXIT.ok;
}
