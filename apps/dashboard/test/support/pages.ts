/** Before the tests in a browser: builds the pages from the sources as they are now. Kept by what went into them: built once. */
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { buildDashboard } from "../../build.ts";
// For what it adds to the context of tests.
import "../../../../packages/heddle/test/support/programs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder with the built pages. */
    readonly pages: string;
  }
}

const ROOT = path.resolve(import.meta.dirname, "../../../..");
const KEPT = path.join(ROOT, "node_modules/.cache/heddle-pages");
const KEPT_MS = 24 * 3_600_000;
const SOURCES = [
  "apps/dashboard/src/**/*",
  "apps/dashboard/*.{html,ts,json}",
  "packages/heddle/src/{base,run,graph,view,client}/**/*.ts",
  "package-lock.json",
];

export async function setup(project: TestProject): Promise<void> {
  const pages = await built();
  project.provide("pages", pages);
  linkInto(project.getProvidedContext().built, pages);
}

/** The command of the tests serves these pages too: it is made before them, for all tests. */
function linkInto(command: string, pages: string): void {
  const draft = path.join(command, `dist/dashboard.${process.pid}`);
  symlinkSync(pages, draft);
  renameSync(draft, path.join(command, "dist/dashboard"));
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
  await buildAsShipped(draft);
  try {
    renameSync(draft, folder);
  } catch {
    // Another run of the tests was faster, with the same sources.
    rmSync(draft, { recursive: true });
  }
  return folder;
}

/** The tests' own environment would give the pages what helps developers, and costs several times as much. */
async function buildAsShipped(folder: string): Promise<void> {
  const before = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = "production";
  try {
    await buildDashboard(folder);
  } finally {
    process.env["NODE_ENV"] = before;
  }
}

function digest(): string {
  const hash = createHash("sha256");
  const files = globSync(SOURCES, { cwd: ROOT }).toSorted();
  for (const file of files) {
    const whole = path.join(ROOT, file);
    if (statSync(whole).isFile()) hash.update(`${file}\0`).update(readFileSync(whole));
  }
  return hash.digest("hex").slice(0, 20);
}
