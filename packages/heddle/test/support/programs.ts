/**
 * Before the tests that start programs: makes the package as the build does, from the sources as they are now, and programs from
 * fixtures. A program that is made starts in half the time of one from sources. Kept by what went into it: it is made once.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import type { TestProject } from "vitest/node";
import { beginRun, removeAll } from "./temporary.ts";
import { bundle } from "../../../../scripts/bundle.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder: the package (`bin`, `dist`), and `fixtures`. See `built.ts`. */
    readonly built: string;
  }
}

const ROOT = path.resolve(import.meta.dirname, "../../../..");
/** Not in a folder for temporary files: agents in a box do not see those. */
const KEPT = path.join(ROOT, "node_modules/.cache/heddle-programs");
const KEPT_MS = 24 * 3_600_000;
const SELF = path.relative(ROOT, import.meta.filename);
const PACKAGE = ["bin/heddle.cjs", "bin/code-cache.cjs", "package.json"];
const FIXTURES = globSync("packages/heddle/test/**/fixtures/*.ts", { cwd: ROOT }).toSorted();

/** Gives what is to be done after the tests. */
export default async function setup(project: TestProject): Promise<() => void> {
  beginRun();
  project.provide("built", await built());
  return removeAll;
}

async function built(): Promise<string> {
  const folder = path.join(KEPT, digest());
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return folder;
  mkdirSync(KEPT, { recursive: true });
  const old = Date.now() - KEPT_MS;
  for (const name of readdirSync(KEPT)) {
    const other = path.join(KEPT, name);
    if ((statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? old) < old)
      rmSync(other, { recursive: true, force: true });
  }
  const draft = `${folder}.${process.pid}`;
  const chunks = await bundle(path.join(draft, "dist"));
  const modules = chunks.map((chunk) => [
    chunk.fileName,
    Object.keys(chunk.modules).map((id) => path.relative(ROOT, id)),
  ]);
  writeFileSync(path.join(draft, "modules.json"), JSON.stringify(Object.fromEntries(modules)));
  const fixtures = await rolldown({ cwd: ROOT, input: FIXTURES.map((file) => `./${file}`), platform: "node" });
  await fixtures.write({ dir: path.join(draft, "fixtures"), format: "esm" });
  await fixtures.close();
  for (const file of PACKAGE) cpSync(path.join(ROOT, "packages/heddle", file), path.join(draft, file));
  try {
    renameSync(draft, folder);
  } catch {
    // Another run of the tests was faster, with the same sources.
    rmSync(draft, { recursive: true });
  }
  return folder;
}

function digest(): string {
  const hash = createHash("sha256");
  const sources = globSync("packages/heddle/src/**/*.ts", { cwd: ROOT }).toSorted();
  const others = [...PACKAGE.map((file) => `packages/heddle/${file}`), "package-lock.json", "scripts/bundle.ts", SELF];
  for (const file of [...sources, ...others, ...FIXTURES])
    hash.update(`${file}\0`).update(readFileSync(path.join(ROOT, file)));
  return hash.digest("hex").slice(0, 20);
}
