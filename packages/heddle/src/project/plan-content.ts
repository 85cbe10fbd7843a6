/**
 * Plan content: a hash of what a plan file says, by which a change of it is noticed. Comments and layout do not count; files that
 * the file names have contents of their own.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { canonicalJson, type Json } from "../base/json.ts";
import { LIMITS } from "../plan/limits.ts";
import { parseDocument } from "../plan/parse.ts";

export function documentHash(document: unknown): string {
  return createHash("sha256")
    .update(canonicalJson(document as Json))
    .digest("hex");
}

/** What the file says now; `undefined`: it cannot be read. `file`: relative to the folder of the run's plan. */
export async function planFileContent(folder: string, file: string): Promise<string | undefined> {
  const path = resolve(folder, file);
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > LIMITS.bytes) return undefined;
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const parsed = await parseDocument({ text, file: path });
  // What is no plan any more is another one: the step that it is run for says what is wrong.
  return documentHash(parsed.ok ? parsed.value.document : { text });
}
