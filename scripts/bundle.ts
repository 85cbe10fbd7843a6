/**
 * Bundles the library and the command into a folder: the code split by command, all dependencies inside. Used by the build and
 * by tests that start programs.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { rolldown, type OutputChunk, type OutputOptions } from "rolldown";

const root = path.resolve(import.meta.dirname, "..");
const home = path.join(root, "packages/heddle");

/** Modules of the library that are loaded by name: its faces, and what runs in worker threads. */
function libraryEntries(): Record<string, string> {
  const found: Record<string, string> = {
    index: "src/index.ts",
    view: "src/view/index.ts",
    client: "src/client/index.ts",
    testing: "src/testing/index.ts",
  };
  for (const file of globSync(["src/worker.ts", "src/**/*-worker.ts"], { cwd: home }))
    found[path.basename(file, ".ts")] = file;
  return found;
}

/** What every command loads, in one file: left alone it would be a dozen, and each costs a start 0.2 ms. */
const EVERY_START =
  /src\/(base\/(?!check|random)|version|cli\/(context|output|output-text|spec|flag-values|format|table\/))/;

/** What every command loads that opens a project, in one file too. */
const EVERY_PROJECT = /src\/(host\/open|project\/(project|layout|folder|find-run|live-runs|start-run))\.ts$/;

/**
 * The library as modules, and the command as CommonJS, since Node loads a file of that kind in a third of the time: a start
 * reads some tens of them. All files lie side by side: a module finds a worker next to itself, as it does among the sources.
 */
export async function bundle(dist: string): Promise<readonly OutputChunk[]> {
  const library = await write(dist, libraryEntries(), {
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "part-[name]-[hash].js",
  });
  const command = await write(
    dist,
    { cli: "src/cli/main.ts" },
    {
      format: "cjs",
      entryFileNames: "[name].cjs",
      chunkFileNames: "cli-[name]-[hash].cjs",
      codeSplitting: {
        groups: [
          { name: "start", test: EVERY_START },
          { name: "project", test: EVERY_PROJECT },
          { name: "import-module", test: /src\/files\/import-module\.ts$/ },
        ],
      },
    },
  );
  checkImports(command);
  await writeBuildId(dist, command);
  return [...library, ...command];
}

/** A script of the code cache cannot import: its warning would show with the first module of a user. */
function checkImports(chunks: readonly OutputChunk[]): void {
  for (const { fileName, code } of chunks) {
    if (!fileName.startsWith("cli-import-module-") && /\bawait import\(|\breturn import\(|=> import\(/.test(code))
      throw new Error(`${fileName} imports by itself: use importModule of src/files/import-module.ts`);
  }
}

/** What the command's kept compiled code is bound to: V8 does not compare the content of its source. */
async function writeBuildId(dist: string, chunks: readonly OutputChunk[]): Promise<void> {
  const digest = createHash("sha256");
  for (const { fileName, code } of chunks) digest.update(`${fileName} ${code.length}\n${code}`);
  await writeFile(path.join(dist, "build-id.txt"), `${digest.digest("hex").slice(0, 16)}\n`);
}

async function write(
  dist: string,
  input: Record<string, string>,
  options: OutputOptions,
): Promise<readonly OutputChunk[]> {
  const missing = Object.values(input).filter((file) => !existsSync(path.join(home, file)));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}`);
  const build = await rolldown({
    cwd: home,
    input,
    platform: "node",
    tsconfig: path.join(root, "tsconfig.json"),
    treeshake: true,
    onLog(level, log, print) {
      if (level === "warn") throw new Error(log.message);
      print(level, log);
    },
  });
  const { output } = await build.write({
    dir: dist,
    // Names and lines stay: a user's stack trace is readable, and measured, a start is not slower for it.
    minify: { compress: true, mangle: false, codegen: false },
    ...options,
  });
  await build.close();
  return output.filter((file) => file.type === "chunk");
}
