/** `heddle backup`: copies the journal consistently, also during runs. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT, fail, openToRead, type Context } from "../context.ts";

export async function backupCommand(context: Context, [file = ""]: readonly (string | undefined)[]): Promise<number> {
  const path = resolve(file);
  if (existsSync(path))
    return fail(context, { code: "FileExists", message: `${file} exists already`, hint: "Choose another file name." });
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  await project.journal.backup(path);
  if (context.json) context.out.json({ file: path });
  else
    context.out.line(
      `Copied the journal to ${file}. To restore it, replace .heddle/state.db with it while nothing runs.`,
    );
  return EXIT.ok;
}
