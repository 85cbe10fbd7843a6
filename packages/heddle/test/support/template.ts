/** Folders that many tests begin with, made once for a process and copied: the processes that make them are saved. */
import { cpSync, rmSync } from "node:fs";
import { IN_MEMORY, temporaryFolder } from "./temporary.ts";

const made = new Map<string, string>();

/** Copies to `target` what `make` makes of an empty folder; `key` tells the kinds apart. */
export function copyOfTemplate(key: string, make: (folder: string) => void, target: string): void {
  let template = made.get(key);
  if (template === undefined) {
    template = temporaryFolder("template", IN_MEMORY);
    made.set(key, template);
    make(template);
  }
  cpSync(template, target, { recursive: true, verbatimSymlinks: true });
}

process.on("exit", () => {
  for (const folder of made.values()) rmSync(folder, { recursive: true, force: true });
});
