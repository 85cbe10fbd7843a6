/** Backup: copies the journal of a project to one file, also during runs. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { caught, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Maintenance } from "../journal/port.ts";

/** `file`: relative to the current folder, or absolute; one that is there is not overwritten. Gives its absolute path. */
export async function backUp(journal: Pick<Maintenance, "backup">, file: string): Promise<Result<string, Problem>> {
  const path = resolve(file);
  if (existsSync(path))
    return err({ code: "FileExists", message: `${file} exists already`, hint: "Choose another file name." });
  return await caught(async () => {
    await journal.backup(path);
    return ok(path);
  });
}
