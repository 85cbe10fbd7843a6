/** Backup: copies the journal of a project to one file, also during runs. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { caught, messageOf, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Maintenance } from "../journal/port.ts";

/** `file`: relative to the current folder, or absolute; one that is there is not overwritten. Gives its absolute path. */
export async function backUp(journal: Pick<Maintenance, "backup">, file: string): Promise<Result<string, Problem>> {
  const path = resolve(file);
  if (existsSync(path))
    return err({ code: "FileExists", message: `${file} exists already`, hint: "Choose another file name." });
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (thrown) {
    const message = `cannot write ${file}: ${messageOf(thrown)}`;
    return err({ code: "FileUnwritable", message, hint: "Choose a file in another folder.", cause: thrown });
  }
  return await caught(async () => {
    await journal.backup(path);
    return ok(path);
  });
}
