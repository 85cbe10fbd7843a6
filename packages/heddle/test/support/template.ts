/**
 * Folders that many tests begin with, made once and copied: the processes that make them are saved. Kept beside the programs,
 * for the runs of tests to come.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { BUILT } from "./built.ts";

/** Copies to `target` what `make` makes of an empty folder. `key`: what it depends on beside its own text. */
export function copyOfTemplate(key: string, make: (folder: string) => void, target: string): void {
  const hash = createHash("sha256").update(`${key}\0${make.toString()}`).digest("hex").slice(0, 20);
  const template = path.join(BUILT, "templates", hash);
  if (!existsSync(template)) makeTemplate(template, make);
  cpSync(template, target, { recursive: true, verbatimSymlinks: true });
}

function makeTemplate(template: string, make: (folder: string) => void): void {
  mkdirSync(path.dirname(template), { recursive: true });
  const draft = mkdtempSync(`${template}-`);
  make(draft);
  try {
    renameSync(draft, template);
  } catch {
    // Another process was faster.
    rmSync(draft, { recursive: true });
  }
}
