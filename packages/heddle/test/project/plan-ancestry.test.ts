/** A plan file among its own ancestors is an error with the chain, however it gets there: when it is checked and when it is run. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPlanFile } from "../../src/project/load-plan.ts";
import { eventsOf, expectClean, expectRefusal, place } from "../faults/rig.ts";
import { temporaryFolder } from "../support/temporary.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder("ancestry");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** Ways for a plan to hold a step that is the plan file `@`, each on its last line. */
const WAYS: Readonly<Record<string, string>> = {
  "a step": "steps:\n- id: a\n  plan: @",
  "a list of steps": "- id: a\n  plan: @",
  phases: "phases:\n- id: a\n  plan: @",
  "a forEach": "steps:\n- id: a\n  forEach: [1, 2]\n  plan: @",
  "a later step": "steps:\n- {id: z, run: x}\n- id: a\n  deps: [z]\n  plan: @",
  "a plan inside": "steps:\n- id: a\n  plan:\n    steps:\n    - id: b\n      plan: @",
  "a list inside a plan inside":
    "steps:\n- id: a\n  plan:\n    phases:\n    - {id: c, plan: {steps: [{id: d, run: x}]}}\n    - id: b\n      plan: @",
  "a condition that is false": 'steps:\n- id: a\n  if: "false"\n  plan: @',
};

/** What is wrong: `file:line chain` of each. */
async function errors(file: string): Promise<readonly string[]> {
  const loaded = await loadPlanFile(file, {}, { folder });
  if (loaded.ok) return [];
  return loaded.error.map(({ code, file: where, line, message }) =>
    code === "PlanContainsItself"
      ? `${where}:${line} ${message.replace(/^the plan file \S+ contains itself: /, "")}`
      : code,
  );
}

describe.each(Object.entries(WAYS))("%s", (_, way) => {
  const line = way.split("\n").length;

  test.each([1, 2, 3, 4])("in a circle of %i", async (length) => {
    const names = Array.from({ length }, (_each, i) => `p${i}.yaml`);
    for (const [i, name] of names.entries()) write(name, way.replace("@", `./p${(i + 1) % length}.yaml`));
    expect(await errors("p0.yaml")).toEqual([`p0.yaml:${line} ${[...names, "p0.yaml"].join(" -> ")}`]);
  });

  test("above a circle that it is not in", async () => {
    write("top.yaml", way.replace("@", "./x.yaml"));
    write("x.yaml", way.replace("@", "./y.yaml"));
    write("y.yaml", way.replace("@", "./x.yaml"));
    expect(await errors("top.yaml")).toEqual([`top.yaml:${line} top.yaml -> x.yaml -> y.yaml -> x.yaml`]);
  });

  test("without a circle", async () => {
    for (const name of ["top.yaml", "x.yaml"]) write(name, way.replace("@", "./leaf.yaml"));
    write("leaf.yaml", "- {id: a, run: x}");
    write("twice.yaml", "- {id: a, plan: ./top.yaml}\n- {id: b, plan: ./x.yaml}\n- {id: c, plan: ./top.yaml}");
    expect(await errors("twice.yaml")).toEqual([]);
  });
});

test("each step that leads there is told", async () => {
  write("p.yaml", "- {id: a, plan: ./q.yaml}\n- {id: b, run: x}\n- {id: c, plan: ./p.yaml}\n- {id: d, plan: ./q.yaml}");
  write("q.yaml", "- {id: a, plan: ./p.yaml}");
  expect(await errors("p.yaml")).toEqual([
    "p.yaml:1 p.yaml -> q.yaml -> p.yaml",
    "p.yaml:3 p.yaml -> p.yaml",
    "p.yaml:4 p.yaml -> q.yaml -> p.yaml",
  ]);
});

test("through folders, links and JSON", async () => {
  write("top/p.json", '{"steps": [{"id": "a", "plan": "../deep/er/q.yaml"}]}');
  write("deep/er/q.yaml", "- {id: a, plan: ../../link.json}");
  symlinkSync("top/p.json", path.join(folder, "link.json"));
  expect(await errors("top/p.json")).toEqual(["top/p.json:1 top/p.json -> deep/er/q.yaml -> link.json"]);
});

test("a module above a circle", async () => {
  const api = path.resolve(import.meta.dirname, "../../src/index.ts");
  write(
    "p.ts",
    `import { plan, subplan } from ${JSON.stringify(api)};\nexport default plan("p", { steps: [subplan("a", "./x.yaml")] });`,
  );
  write("x.yaml", "- {id: a, plan: ./x.yaml}");
  expect(await errors("p.ts")).toEqual(["p.ts:1 p.ts -> x.yaml -> x.yaml"]);
});

test("files that are not there, no plans, or endless stand among no ancestors: something else is said of them", async () => {
  write(
    "p.yaml",
    "- {id: a, plan: ./nope.yaml}\n- {id: b, plan: ./broken.yaml}\n- {id: c, plan: .}\n- {id: d, plan: /dev/zero}",
  );
  write("broken.yaml", "steps: [{");
  expect(await errors("p.yaml")).toEqual(["PlanNotFound", "InvalidYaml", "PlanNotFound", "PlanUnreadable"]);
});

test("`heddle plan` and `heddle run` refuse it with exit code 2, and nothing runs", async () => {
  using at = place({
    "heddle.yaml": "steps:\n- {id: a, run: touch ran}\n- {id: b, forEach: [1, 2], plan: ./heddle.yaml}\n",
  });
  for (const words of [["plan"], ["run"], ["run", "--dry-run"]])
    expectRefusal(await at.heddle(words), 2, "PlanContainsItself", "heddle.yaml -> heddle.yaml");
  expect(at.has("ran")).toBe(false);
});

describe("during a run", () => {
  test.each([
    // What the check saw is not what is there when the step starts.
    ["written by a step", `printf -- '- {id: c, plan: ./heddle.yaml}\\n' > child.yaml`],
    ["a file that contains itself", `printf -- '- {id: c, plan: ./child.yaml}\\n' > child.yaml`],
    [
      "through a third",
      `printf -- '- {id: c, plan: ./third.yaml}\\n' > child.yaml; printf -- '- {id: d, forEach: [1, 2, 3], plan: ./child.yaml}\\n' > third.yaml`,
    ],
  ])("%s: the step fails with the chain", async (_, command) => {
    using at = place({ "child.yaml": "- {id: c, run: x}\n" });
    at.write("heddle.yaml", `steps:\n- id: a\n  run: |\n    ${command}\n- {id: b, deps: [a], plan: ./child.yaml}\n`);
    const ended = await at.heddle(["run"]);
    expectClean(ended);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(
      /contains itself: heddle\.yaml -> child\.yaml -> (?:third\.yaml -> )?(?:heddle|child)\.yaml/,
    );
    const events = eventsOf(await at.heddle(["history", "--json"]));
    expect(events.filter(({ type }) => type === "steps.added").length).toBeLessThanOrEqual(3);
  });

  test("added by a step", async () => {
    using at = place({ "child.yaml": "- {id: c, plan: ./heddle.yaml}\n" });
    at.write(
      "heddle.yaml",
      `steps:\n- id: a\n  run: |\n    echo '[{"id": "b", "plan": "./child.yaml"}]' > "$HEDDLE_STEPS"\n`,
    );
    const ended = await at.heddle(["run"]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain("contains itself: heddle.yaml -> child.yaml -> heddle.yaml");
  });
});
