/**
 * All that must hold before a change is taken, as one command: format, lint, build, types, dead code, package surface,
 * tests. Every step runs even if an earlier one failed; the tests come last, so that their count is the last line.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");

/** Runs one command with its output shown; true if it ended with 0. */
async function runs(command: string, ...args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: root, stdio: "inherit" });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(false);
    });
    child.on("exit", (code) => resolve(code === 0));
  });
}

/** Packs the package as it would be published and looks at it from the outside. */
async function packageSurface(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-pack-"));
  try {
    const packed = await runs(
      "npm",
      "pack",
      "--silent",
      "--ignore-scripts",
      "-w",
      "heddle",
      "--pack-destination",
      folder,
    );
    const [name] = await readdir(folder);
    if (!packed || name === undefined) return false;
    const file = path.join(folder, name);
    const published = await runs("publint", file, "--strict");
    return (
      (await runs("attw", file, "--profile", "esm-only", "--exclude-entrypoints", "plan.schema.json")) && published
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const STEPS: readonly (readonly [name: string, run: () => Promise<boolean>])[] = [
  ["format", () => runs("npm", "run", "--silent", "format:check")],
  ["lint", () => runs("npm", "run", "--silent", "lint")],
  ["types", () => runs("npm", "run", "--silent", "types")],
  ["build", () => runs("npm", "run", "--silent", "build")],
  ["dead code", () => runs("npm", "run", "--silent", "dead")],
  ["package surface", packageSurface],
  ["tests", () => runs(process.execPath, path.join(root, "scripts/test.ts"))],
];

const results: string[] = [];
let failed = false;
for (const [name, run] of STEPS) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  // The count of the tests must stay the last line: what the other steps came to is said before them.
  if (name === "tests") console.log(results.join("\n"));
  const held = await run();
  if (!held) failed = true;
  results.push(`${held ? "ok    " : "FAILED"} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
process.exitCode = failed ? 1 : 0;
