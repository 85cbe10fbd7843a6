/**
 * Builds packages/heddle/dist: the code bundled, split by command, all dependencies inside, so that a start
 * loads few small files and an installation is one package; and its types. Options: `--no-types`.
 */
import { execFile } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { rolldown, type OutputChunk, type OutputOptions } from "rolldown";

const root = path.resolve(import.meta.dirname, "..");
const home = path.join(root, "packages/heddle");
const dist = path.join(home, "dist");

/** Modules of the library that are loaded by name: its two faces, and what runs in worker threads. */
function libraryEntries(): Record<string, string> {
  const found: Record<string, string> = { index: "src/index.ts", view: "src/view/index.ts" };
  for (const file of globSync(["src/worker.ts", "src/**/*-worker.ts"], { cwd: home }))
    found[path.basename(file, ".ts")] = file;
  return found;
}

/** What every command loads, in one file: left alone it would be a dozen, and each costs a start 0.2 ms. */
const EVERY_START =
  /src\/(base\/(?!check|random)|version|cli\/(context|output|output-text|spec|flag-values|format|table\/))/;

/**
 * The library as modules, and the command as CommonJS, since Node loads a file of that kind in a third of the time: a start
 * reads some tens of them. All files lie side by side: a module finds a worker next to itself, as it does among the sources.
 */
async function bundle(): Promise<readonly OutputChunk[]> {
  const library = await write(libraryEntries(), {
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "part-[name]-[hash].js",
  });
  const command = await write(
    { cli: "src/cli/main.ts" },
    {
      format: "cjs",
      entryFileNames: "[name].cjs",
      chunkFileNames: "cli-[name]-[hash].cjs",
      codeSplitting: { groups: [{ name: "start", test: EVERY_START }] },
    },
  );
  return [...library, ...command];
}

async function write(input: Record<string, string>, options: OutputOptions): Promise<readonly OutputChunk[]> {
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

/** Names and licence texts of the packages whose code is in the bundle, as their licences ask. */
async function writeLicences(chunks: readonly OutputChunk[]): Promise<readonly string[]> {
  const folders = new Set<string>();
  for (const id of chunks.flatMap((chunk) => Object.keys(chunk.modules))) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const texts: string[] = [];
  const names: string[] = [];
  for (const folder of [...folders].sort()) {
    const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as Record<string, unknown>;
    const [file] = globSync("{LICENSE,LICENCE,license}*", { cwd: folder });
    const text = file === undefined ? "" : await readFile(path.join(folder, file), "utf8");
    names.push(`${String(about["name"])} ${String(about["version"])}`);
    texts.push(`${names.at(-1)} (${String(about["license"])})\n\n${text.trim()}\n`);
  }
  await writeFile(path.join(dist, "THIRD-PARTY.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
  return names;
}

async function writeTypes(): Promise<void> {
  const tsc = path.join(root, "node_modules/.bin/tsc");
  try {
    await promisify(execFile)(tsc, ["-p", path.join(home, "tsconfig.build.json")]);
  } catch (failure) {
    const said = failure as { readonly stdout?: string };
    throw new Error(said.stdout ?? "tsc failed", { cause: failure });
  }
}

async function main(): Promise<void> {
  const started = performance.now();
  await rm(dist, { recursive: true, force: true });
  const [chunks] = await Promise.all([bundle(), process.argv.includes("--no-types") ? undefined : writeTypes()]);
  const inside = await writeLicences(chunks);
  let bytes = 0;
  for (const chunk of chunks) bytes += (await stat(path.join(dist, chunk.fileName))).size;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `Built dist in ${seconds} s: ${chunks.length} files, ${Math.round(bytes / 1024)} KB; inside: ${inside.join(", ")}`,
  );
}

try {
  await main();
} catch (failure) {
  console.error(`Build failed: ${failure instanceof Error ? failure.message : String(failure)}`);
  process.exitCode = 1;
}
