/** Programs that tests start, made before them by `programs.ts`: the package, and the fixtures that are programs. */
import path from "node:path";
import { inject } from "vitest";

/** The folder of the package, as it would be installed. */
export const BUILT: string = inject("built");

/** The command as it is published. */
export const HEDDLE: string = path.join(BUILT, "bin/heddle.cjs");

/** The scripted agent as it is published. */
export const SCRIPTED: string = path.join(BUILT, "dist/scripted-worker.js");

/** For `NODE_COMPILE_CACHE`: programs of the package with their code compiled already start in half the time. */
export const COMPILED: string = path.join(BUILT, "compiled");

/** `fixtures/NAME.ts` of some room, as a program that Node need not translate. */
export function fixture(name: string): string {
  return path.join(BUILT, "fixtures", `${name}.js`);
}
