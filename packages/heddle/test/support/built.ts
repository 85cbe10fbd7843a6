/** Programs that tests start, made before them by `programs.ts`: the package, and the fixtures that are programs. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";

/** The folder of the package, as it would be installed. */
export const BUILT: string = inject("built");

/** The command as it is published. */
export const HEDDLE: string = path.join(BUILT, "bin/heddle.cjs");

/** Sources and packages, relative to the repository, that are in a file of `dist`. */
export function modulesOf(file: string): readonly string[] {
  const all = JSON.parse(readFileSync(path.join(BUILT, "modules.json"), "utf8")) as Record<string, readonly string[]>;
  return all[file] ?? [];
}

/** The scripted agent as it is published. */
export const SCRIPTED: string = path.join(BUILT, "dist/scripted-worker.js");

/** For `NODE_COMPILE_CACHE`: programs of the package with their code compiled already start in half the time. */
export const COMPILED: string = path.join(BUILT, "compiled");

/** `fixtures/NAME.ts` of some room, as a program that Node need not translate. */
export function fixture(name: string): string {
  return path.join(BUILT, "fixtures", `${name}.js`);
}
