/** Plan files that steps name are checked with the plan that names them, each error at its place in its file. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadPlanFile } from "../../src/project/load-plan.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** `code file:line:column` of each error of `heddle.yaml`, with the files around it. */
async function errorsOf(
  files: Readonly<Record<string, string>>,
  options: { readonly allowMissingFiles?: boolean } = {},
): Promise<readonly string[]> {
  const folder = temporaryFolder("inner");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  const loaded = await loadPlanFile("heddle.yaml", {}, { folder: folder, ...options });
  if (loaded.ok) return [];
  expect(loaded.error.every(({ hint, message }) => message !== "" && hint !== "")).toBe(true);
  return loaded.error.map(({ code, file, line, column }) => `${code} ${file}:${line}:${column}`);
}

const PARENT = "steps:\n  - { id: first, run: x }\n  - id: sub\n    deps: [first]\n    plan: ./sub/child.yaml\n";
const child = (text: string, more: string = ""): Promise<readonly string[]> =>
  errorsOf({ "heddle.yaml": `${more}${PARENT}`, "sub/child.yaml": text });

test("a sound file, and one that is not there", async () => {
  expect(await child("steps: [{ id: a, run: x }]")).toEqual([]);
  expect(await errorsOf({ "heddle.yaml": PARENT })).toEqual(["PlanNotFound heddle.yaml:5:11"]);
  // A run that goes on has read it already.
  expect(await errorsOf({ "heddle.yaml": PARENT }, { allowMissingFiles: true })).toEqual([]);
});

test("names in it: deps, agents, pools, keys, and what is no YAML", async () => {
  expect(await child("steps:\n  - { id: a, deps: [typo], run: x }\n")).toEqual([
    "UnknownDependency sub/child.yaml:2:21",
  ]);
  expect(await child("steps:\n  - { id: a, agent: { prompt: x, use: nobody } }\n")).toEqual([
    "UnknownAgent sub/child.yaml:2:39",
  ]);
  expect(
    await child(
      "steps:\n  - { id: a, agent: { prompt: x, use: ours } }\n",
      "agents: { use: { ours: { command: x } } }\n",
    ),
  ).toEqual([]);
  expect(await child("steps:\n  - { id: a, resources: { db: 1 }, run: x }\n")).toEqual([
    "UnknownResource sub/child.yaml:2:27",
  ]);
  expect(await child("resources: { db: 1 }\nsteps:\n  - { id: a, resources: { db: 1 }, run: x }\n")).toEqual([]);
  expect(await child("steps:\n  - { id: a, resources: { db: 1 }, run: x }\n", "resources: { db: 1 }\n")).toEqual([]);
  expect(
    await child(
      "resources: { db: 3 }\nsteps:\n  - { id: a, resources: { db: 2 }, run: x }\n",
      "resources: { db: 1 }\n",
    ),
  ).toEqual(["ResourceTooLarge sub/child.yaml:3:25"]);
  expect(await child("steps: [{ id: a, rnu: x }]")).toContain("UnknownKey sub/child.yaml:1:18");
  expect(await child("steps: [")).toEqual([expect.stringContaining("InvalidYaml sub/child.yaml")]);
  expect(await child("rollback: all\nsteps: [{ id: a, run: x }]")).toEqual(["MisplacedKey sub/child.yaml:1:1"]);
  expect(await child("rollback: all\nsteps: [{ id: a, run: x }]", "rollback: all\n")).toEqual([]);
});

test("what a step around it holds, at any depth, in files and in steps", async () => {
  const parent = (holds: string): string =>
    `resources: { cpu: 2, gpu: 1 }\nsteps:\n  - id: box\n    ${holds}\n    plan:\n      steps:\n        - { id: sub, plan: ./child.yaml }\n`;
  const leaf = "phases:\n  - { id: a, run: x, locks: { write: [db] }, resources: { cpu: 1 } }\n";
  const errors = (holds: string): Promise<readonly string[]> =>
    errorsOf({ "heddle.yaml": parent(holds), "child.yaml": leaf });
  expect(await errors("locks: { write: [db] }")).toEqual([]);
  expect(await errors("locks: { write: [db] }\n    resources: { cpu: 1 }")).toEqual([]);
  expect(await errors("locks: { read: [db] }")).toEqual(["LockNotHeld child.yaml:2:29"]);
  expect(await errors("locks: { write: [other] }")).toEqual(["LockNotHeld child.yaml:2:29"]);
  expect(await errors("locks: { write: [db] }\n    resources: { gpu: 1 }")).toEqual([
    "ResourceTooLarge child.yaml:2:57",
  ]);
  // Written in the step itself, the same.
  const inline = `steps:\n  - id: box\n    locks: { write: [db] }\n    plan: { steps: [{ id: a, run: x, locks: { read: [port] } }] }\n`;
  expect(await errorsOf({ "heddle.yaml": inline })).toEqual(["LockNotHeld heddle.yaml:4:45"]);
});

test("parameters that the step gives", async () => {
  const errors = (params: string): Promise<readonly string[]> =>
    errorsOf({
      "heddle.yaml": `steps:\n  - { id: g, run: x }\n  - id: sub\n    deps: [g]\n    plan: child.yaml\n${params}`,
      "child.yaml":
        "params: { size: { type: number }, name: { type: string, default: x } }\nsteps: [{ id: a, run: x }]",
    });
  expect(await errors("    params: { size: 3 }")).toEqual([]);
  expect(await errors('    params: { size: "${{ deps.g.output }}" }')).toEqual([]);
  expect(await errors("")).toEqual(["MissingParam heddle.yaml:5:11"]);
  expect(await errors("    params: { size: many }")).toEqual(["InvalidParam heddle.yaml:6:13"]);
  expect(await errors("    params: { size: 3, other: 1 }")).toEqual(["UnknownParam heddle.yaml:6:13"]);
});

test("files in files, each error once, and a file among its own ancestors", async () => {
  const files = {
    "heddle.yaml": "- { id: a, plan: one.yaml }\n- { id: b, plan: one.yaml }\n",
    "one.yaml": "steps: [{ id: c, forEach: [1], plan: sub/two.yaml }]",
    "sub/two.yaml": "steps:\n  - { id: d, deps: [gone], run: x }\n",
  };
  expect(await errorsOf(files)).toEqual(["UnknownDependency sub/two.yaml:2:21"]);
  const loop = { ...files, "sub/two.yaml": "- { id: d, plan: ../one.yaml }" };
  expect(await errorsOf(loop)).toEqual(["PlanContainsItself heddle.yaml:1:18", "PlanContainsItself heddle.yaml:2:18"]);
});
