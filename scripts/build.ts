/**
 * Builds packages/heddle/dist: the code bundled, split by command, all dependencies inside, so that a start
 * loads few small files and an installation is one package; and its types. Options: `--no-types`.
 */
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { buildDashboard, type BuiltDashboard } from "../apps/dashboard/build.ts";
import { bundle } from "./bundle.ts";

const root = path.resolve(import.meta.dirname, "..");
const home = path.join(root, "packages/heddle");
const dist = path.join(home, "dist");

/** Names and licence texts of the packages whose code is in the bundle, as their licences ask. */
async function writeLicences(modules: readonly string[]): Promise<readonly string[]> {
  const folders = new Set<string>();
  for (const id of modules) {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const texts: string[] = [];
  const names: string[] = [];
  for (const folder of [...folders].sort()) {
    const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as Record<string, unknown>;
    const [file] = globSync("{LICENSE,LICENCE,license}*", { cwd: folder });
    const text = file === undefined ? standardText(about) : await readFile(path.join(folder, file), "utf8");
    names.push(`${String(about["name"])} ${String(about["version"])}`);
    texts.push(`${names.at(-1)} (${String(about["license"])})\n\n${text.trim()}\n`);
  }
  await writeFile(path.join(dist, "THIRD-PARTY.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
  return names;
}

/** Of a package that says which licence it has, and has no copy of its text. */
function standardText({ name, license, author }: Record<string, unknown>): string {
  const holder = typeof author === "string" ? author.replace(/ *<.*/, "") : undefined;
  if (license !== "MIT" || holder === undefined) throw new Error(`${String(name)} has no licence text`);
  return `MIT License\n\nCopyright (c) ${holder}\n\n${MIT}`;
}

const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;

async function writeTypes(): Promise<void> {
  const tsc = path.join(root, "node_modules/.bin/tsc");
  try {
    await promisify(execFile)(tsc, ["-p", path.join(home, "tsconfig.build.json")]);
  } catch (failure) {
    const said = failure as { readonly stdout?: string };
    throw new Error(said.stdout ?? "tsc failed", { cause: failure });
  }
}

/** Bytes after gzip; a page that grows beyond is looked at before it is built again. */
const MOST = { script: 200_000, style: 12_000, fonts: 90_000 } as const;
const MOST_LATER: Readonly<Record<string, number>> = { "resolve-page": 85_000, "api-page": 15_000 };

function checkSizes({ later, ...sizes }: BuiltDashboard["sizes"]): void {
  const text = Object.entries({ ...sizes, ...later }).map(([name, bytes]) => `${name} ${(bytes / 1000).toFixed(1)} KB`);
  console.log(`Built pages, after gzip: ${text.join(", ")}`);
  for (const name of ["script", "style", "fonts"] as const)
    if (sizes[name] > MOST[name])
      throw new Error(`${name} of the pages: ${sizes[name]} bytes, more than ${MOST[name]}`);
  for (const [name, bytes] of Object.entries(later))
    if (bytes > (MOST_LATER[name] ?? 30_000)) throw new Error(`${name} of the pages: ${bytes} bytes are too many`);
}

async function main(): Promise<void> {
  const started = performance.now();
  await rm(dist, { recursive: true, force: true });
  const [chunks, dashboard] = await Promise.all([
    bundle(dist),
    buildDashboard(path.join(dist, "dashboard")),
    process.argv.includes("--no-types") ? undefined : writeTypes(),
  ]);
  checkSizes(dashboard.sizes);
  const inside = await writeLicences([...chunks.flatMap((chunk) => Object.keys(chunk.modules)), ...dashboard.modules]);
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
