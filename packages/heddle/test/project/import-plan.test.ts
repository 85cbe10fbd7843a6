/** Import from the disk: the files beside the imported one are found, those of dependencies are not. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importPlanFile } from "../../src/project/import-plan.ts";
import { temporaryFolder } from "../support/temporary.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder("import");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(file: string, content: unknown): Promise<void> {
  const target = path.join(folder, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, JSON.stringify(content));
}

test("packages of a workspace are those that its patterns name", async () => {
  const scripts = { build: "x" };
  await write("package.json", { name: "root", workspaces: ["packages/*", "./apps/**/", "!apps/old"] });
  await write("packages/a/package.json", { name: "a", scripts });
  await write("packages/a/node_modules/dep/package.json", { name: "dep", scripts });
  await write("packages/a/deep/package.json", { name: "deep", scripts });
  await write("packages/none/readme.json", {});
  await write("apps/web/site/package.json", { name: "site", scripts, dependencies: { a: "*" } });
  await write("apps/old/package.json", { name: "old", scripts });
  const imported = await importPlanFile(path.join(folder, "package.json"));
  if (!imported.ok) throw new Error(JSON.stringify(imported.error));
  expect(imported.value.plan.steps.map(({ id, cwd, deps }) => ({ id, cwd, deps }))).toEqual([
    { id: "site/build", cwd: "apps/web/site", deps: ["a/build"] },
    { id: "a/build", cwd: "packages/a", deps: undefined },
  ]);
});

test("a file that is not there is unreadable, one that is wrong is refused", async () => {
  const file = path.join(folder, "tasks.json");
  expect(await importPlanFile(file)).toMatchObject({ ok: false, error: { kind: "unreadable" } });
  await write("tasks.json", {
    tasks: [
      { id: 1, dependencies: [2] },
      { id: 2, dependencies: [1] },
    ],
  });
  expect(await importPlanFile(file)).toMatchObject({
    ok: false,
    error: { kind: "invalid", diagnostics: [{ code: "CycleDetected", file }] },
  });
});

test("a file that is not UTF-8 is not read as another text", async () => {
  const file = path.join(folder, "tasks.json");
  await writeFile(file, Buffer.from('{"tasks": [\n{"id": 1, "title": "caf\xe9"}]}', "latin1"));
  expect(await importPlanFile(file)).toMatchObject({
    ok: false,
    error: { kind: "unreadable", problem: { message: expect.stringContaining("(line 2, column 24)") } },
  });
});
