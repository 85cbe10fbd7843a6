/** What a plan file says belongs to the definition of the step that it is inside of: a run that goes on, or is built on, notices a change. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defined } from "../../src/base/defined.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { openMemoryProject } from "../../src/host/open.ts";
import { loadPlanFile } from "../../src/project/load-plan.ts";
import type { Project } from "../../src/project/port.ts";
import { temporaryFolder } from "../support/temporary.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder("plan-files");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** What the commands wrote to the file `ran` since it was last read. */
function ran(): readonly string[] {
  const file = path.join(folder, "ran");
  try {
    const lines = readFileSync(file, "utf8").trim().split("\n");
    rmSync(file);
    return lines;
  } catch {
    return [];
  }
}

async function load(): Promise<LoadedPlan> {
  const loaded = await loadPlanFile("heddle.yaml", {}, { folder, allowMissingFiles: true });
  if (!loaded.ok) throw new Error(loaded.error.map(({ message }) => message).join("\n"));
  return loaded.value;
}

type Ended = { readonly run: string; readonly status: string };

async function start(project: Project): Promise<Ended> {
  const started = await project.runs.start(await load(), {});
  if (!started.ok) throw new Error(started.error.message);
  return await started.value.result;
}

/** `refused` with what was said, or how it ended. */
async function resume(project: Project, run: string, mode: "resume" | "retry", acceptChanges?: true): Promise<string> {
  const current = await load();
  const resumed = await project.runs.resume(run, defined({ mode, current, acceptChanges }));
  if (!resumed.ok) return `${resumed.error.code} ${resumed.error.message.split("\n").slice(1).join(" ").trim()}`.trim();
  return (await resumed.value.result).status;
}

async function from(project: Project, step: string, kind: "only" | "from"): Promise<string> {
  const selection = kind === "only" ? { only: [step], from: undefined } : { only: [], from: step };
  const chosen = await project.runs.select(await load(), selection);
  if (!chosen.ok) return `${chosen.error.code} ${chosen.error.message.replace(/run \w+/, "RUN")}`;
  const { plan, only, reuse } = chosen.value;
  const started = await project.runs.start(plan, defined({ only, reuse }));
  if (!started.ok) throw new Error(started.error.message);
  return (await started.value.result).status;
}

/** Ways to run the plan file child.yaml inside of the step `sub`. */
const WAYS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  "a step": [["heddle.yaml", "plan: ./child.yaml"]],
  "in another folder": [
    ["heddle.yaml", "plan: ./deep/er.yaml"],
    ["deep/er.yaml", "- {id: e, plan: ../child.yaml}\n"],
  ],
  "a plan inside, in another folder": [
    ["heddle.yaml", "plan: ./deep/er.yaml"],
    ["deep/er.yaml", "- {id: e, plan: {steps: [{id: i, plan: ../child.yaml}]}}\n"],
  ],
  "a file in a file": [
    ["heddle.yaml", "plan: ./middle.yaml"],
    ["middle.yaml", "- {id: m, plan: ./child.yaml}\n"],
  ],
  "a forEach": [["heddle.yaml", "{forEach: [1, 2], plan: ./child.yaml}"]],
  "a file in a forEach in a file": [
    ["heddle.yaml", "plan: ./middle.yaml"],
    ["middle.yaml", "- {id: m, forEach: [1], plan: ./child.yaml}\n"],
  ],
  "a plan inside": [["heddle.yaml", "plan: {steps: [{id: i, plan: ./child.yaml}]}"]],
  "an added step": [
    ["heddle.yaml", "plan: ./adds.yaml"],
    [
      "adds.yaml",
      `- id: adder
  run: |
    echo '[{"id": "more", "plan": "./child.yaml"}]' > "$HEDDLE_STEPS"
`,
    ],
  ],
};

const child = (command: string): string => `- {id: x, run: '${command}'}\n`;

describe.each(Object.entries(WAYS))("%s", (way, files) => {
  const place = (command: string): void => {
    for (const [name, text] of files) {
      const sub = text.startsWith("{") ? text : `{${text}}`;
      const whole = `name: p\nsteps:\n- {id: sub, ${sub.slice(1)}\n- {id: z, deps: [sub], run: "echo z >> ran; test -e ok"}\n`;
      write(name, name === "heddle.yaml" ? whole : text);
    }
    write("child.yaml", child(command));
  };

  test("a mended file is what a resume and a retry run", async () => {
    for (const mode of ["resume", "retry"] as const) {
      rmSync(path.join(folder, "ok"), { force: true });
      await using project = openMemoryProject(folder, { title: "test" });
      place("exit 1");
      const { run, status } = await start(project);
      expect(status).toBe("failed");
      write("child.yaml", child("echo mended >> ran"));
      write("ok", "");
      const first = await resume(project, run, mode);
      const ended = first === "succeeded" ? first : `${first.slice(0, 11)} ${await resume(project, run, mode, true)}`;
      // Where the step that names the file has succeeded, a person is asked.
      expect(ended).toBe(way === "an added step" ? "PlanChanged succeeded" : "succeeded");
      expect(new Set(ran())).toEqual(new Set(["mended", "z"]));
    }
  });

  test("a success with what the file said before is refused, and run again where the change is accepted", async () => {
    for (const mode of ["resume", "retry"] as const) {
      rmSync(path.join(folder, "ok"), { force: true });
      await using project = openMemoryProject(folder, { title: "test" });
      place("echo v1 >> ran");
      const { run } = await start(project);
      expect(new Set(ran())).toEqual(new Set(["v1", "z"]));
      write("child.yaml", child("echo v2 >> ran"));
      write("ok", "");
      expect(await resume(project, run, mode)).toMatch(/^PlanChanged sub: \.\/(?:deep\/\.\.\/)?child\.yaml$/);
      expect(ran()).toEqual([]);
      expect(await resume(project, run, mode, true)).toBe("succeeded");
      expect(new Set(ran())).toEqual(new Set(["v2", "z"]));
    }
  });

  test("no new run takes it, nor one that took it itself", async () => {
    await using project = openMemoryProject(folder, { title: "test" });
    place("echo v1 >> ran");
    write("ok", "");
    await start(project);
    expect(await from(project, "z", "only")).toBe("succeeded");
    expect(await from(project, "z", "from")).toBe("succeeded");
    ran();
    write("child.yaml", child("echo v2 >> ran"));
    for (const kind of ["only", "from"] as const)
      expect(await from(project, "z", kind)).toMatch(
        /^NothingToReuse .*: sub \(its plan file \S*child\.yaml has changed\)$/,
      );
    const [latest] = await project.runs.list({ limit: 1 });
    const rerun = await project.runs.rerun(latest?.run ?? "", { from: "z" });
    expect(rerun).toMatchObject({ ok: false, error: { kind: "unfit", problem: { code: "NothingToReuse" } } });
    expect(ran()).toEqual([]);
    expect(await from(project, "sub", "from")).toBe("succeeded");
    expect(new Set(ran())).toEqual(new Set(["v2", "z"]));
  });

  test("comments and layout are no change", async () => {
    await using project = openMemoryProject(folder, { title: "test" });
    place("echo v1 >> ran");
    const { run } = await start(project);
    ran();
    write("child.yaml", `# why\n-   id: x\n    run: "echo v1 >> ran" # how\n`);
    expect(await from(project, "z", "only")).toBe("failed");
    write("ok", "");
    expect(await resume(project, run, "resume")).toBe("succeeded");
    expect(new Set(ran())).toEqual(new Set(["z"]));
  });
});

test("a step that was added beside the plan's steps", async () => {
  await using project = openMemoryProject(folder, { title: "test" });
  write("child.yaml", child("echo v1 >> ran"));
  write(
    "heddle.yaml",
    `name: p\nsteps:\n- id: adder\n  run: |\n    echo adder >> ran; echo '[{"id": "more", "plan": "./child.yaml"}, {"id": "end", "deps": ["more"], "run": "echo end >> ran; test -e ok"}]' > "$HEDDLE_STEPS"\n`,
  );
  const { run } = await start(project);
  expect(ran()).toEqual(["adder", "v1", "end"]);
  write("child.yaml", child("echo v2 >> ran"));
  write("ok", "");
  expect(await resume(project, run, "resume")).toBe("PlanChanged more: ./child.yaml");
  expect(await resume(project, run, "resume", true)).toBe("succeeded");
  expect(ran()).toEqual(["v2", "end"]);
});

test("a file that was made on the way and is gone again is no change to a resume, and no base for a new run", async () => {
  await using project = openMemoryProject(folder, { title: "test" });
  write(
    "heddle.yaml",
    `name: p\nsteps:\n- id: make\n  run: "echo '- {id: x, run: echo x >> ran}' > made.yaml"\n- {id: sub, deps: [make], plan: ./made.yaml}\n- {id: z, deps: [sub], run: "rm -f made.yaml; echo z >> ran; test -e ok"}\n`,
  );
  const { run } = await start(project);
  expect(ran()).toEqual(["x", "z"]);
  write("ok", "");
  expect(await from(project, "z", "only")).toMatch(/its plan file \.\/made\.yaml cannot be read/);
  expect(await resume(project, run, "resume")).toBe("succeeded");
  expect(ran()).toEqual(["z"]);
});

test("a file whose bytes are no text in UTF-8 is no plan: its commands would be others", async () => {
  const place = async () => {
    const loaded = await loadPlanFile("heddle.yaml", {}, { folder });
    return loaded.ok
      ? "loads"
      : loaded.error.map(({ code, file, line, column }) => `${code} ${file}:${line}:${column}`);
  };
  const command = Buffer.from("steps:\n- {id: a, run: rm caf\xe9.txt}\n", "latin1");
  writeFileSync(path.join(folder, "heddle.yaml"), command);
  expect(await place()).toEqual(["InvalidYaml heddle.yaml:2:22"]);
  writeFileSync(path.join(folder, "child.yaml"), command);
  write("heddle.yaml", "steps: [{id: s, plan: ./child.yaml}]");
  expect(await place()).toEqual(["InvalidYaml child.yaml:2:22"]);
});
