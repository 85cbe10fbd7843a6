/** What people type and what plan files hold, wrong in every way: refused with exit code 2 before anything is executed or written. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectClean, expectRefusal, expectSound, place, plan } from "./rig.ts";
import { HEDDLE } from "../support/built.ts";

const GOOD = plan({ a: "echo one; touch executed", b: "echo two" });

/** Whether this user can become another one that can read the program. */
function mayBecome(through: readonly string[]): boolean {
  const [program = "", ...words] = through;
  return spawnSync(program, [...words, "test", "-r", HEDDLE]).status === 0;
}

describe("the command line", () => {
  test.for([
    [["run", "--nope"], "Usage", "unknown option '--nope'"],
    [["rum"], "UnknownCommand", "Did you mean `heddle run`"],
    [["run", "-j", "none"], "Usage", "whole number"],
    [["run", "-j", "0"], "Usage", "whole number"],
    [["run", "--output", "loud"], "Usage", "grouped, stream, errors, quiet"],
    [["run", "--timeout", "never"], "Usage", "duration"],
    [["run", "--fail-fast", "--keep-going"], "Usage", "cannot be combined"],
    [["run", "--param", "nothing"], "Usage", "name=value"],
    [["run", "--param", "unknown=1"], "UnknownParam", "declare it"],
    [["run", "--only", "nope"], "UnknownStep", '"nope"'],
    [["run", "--from", "nope"], "UnknownStep", '"nope"'],
    [["run", "one.yaml", "two.yaml"], "Usage", "two.yaml|too many"],
    [["-C", "nowhere", "run"], "Usage", "nowhere"],
    [["show"], "NoRuns", "heddle run"],
    [["resume"], "NoRuns", "heddle run"],
    [["show", "zzz"], "UnknownRun|NoRuns", "heddle run"],
    [["cancel", "../../etc"], "UnknownRun|NoRuns", "heddle run"],
    [["replay", "__proto__"], "UnknownRun|NoRuns", "heddle run"],
    [["run", "nowhere.yaml"], "PlanNotFound", "does not exist"],
    [["run", "."], "PlanNotFound", "folder"],
  ] as const)("heddle %s", async ([words, code, said]) => {
    using at = place({ "heddle.yaml": GOOD });
    const ended = await at.heddle(words);
    expectRefusal(ended, 2, code, new RegExp(said));
    expect(ended.stdout).toBe("");
    expect(existsSync(join(at.dir, "executed"))).toBe(false);
  });

  test("without a plan in the folder", async () => {
    using at = place();
    expectRefusal(await at.heddle(["run"]), 2, "PlanNotFound", "heddle init");
    expect(existsSync(join(at.dir, ".heddle"))).toBe(false);
  });
});

const BILLION = ["a: &a [x, x, x, x, x, x, x, x, x]"];
for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg", "gh"]) {
  BILLION.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(", ")}]`);
}

describe("plan files", () => {
  test.for([
    ["broken YAML", "steps: [a: {", "InvalidYaml", "1:13"],
    ["a tab where a space belongs", "steps:\n\t- id: a", "InvalidYaml", "2:1"],
    ["nothing", "", "EmptyPlan", "empty"],
    ["no steps", "steps: []", "EmptyPlan", "at least one"],
    ["a word", "hello", "InvalidPlan", "mapping"],
    ["a cycle", "steps:\n - {id: a, run: x, deps: [b]}\n - {id: b, run: x, deps: [a]}", "CycleDetected", "a -> b -> a"],
    ["a step that waits for itself", "steps:\n - {id: a, run: x, deps: [a]}", "CycleDetected|SelfDependency", "a"],
    ["an unknown dep", "steps:\n - {id: aa, run: x, deps: [bbb]}\n - {id: bb, run: x}", "UnknownDependency", '"bb"'],
    ["an id twice", "steps:\n - {id: a, run: x}\n - {id: a, run: y}", "DuplicateStep", "a"],
    ["an unknown key", "steps:\n - {id: a, run: x, deph: []}", "UnknownKey", "deps"],
    ["a NUL byte", "steps:\n - {id: a\0b, run: x}", "InvalidYaml", "2:"],
    ["a billion laughs", BILLION.join("\n"), "PlanTooLarge|InvalidYaml", "alias|large|values"],
    ["a key that is a prototype", "steps:\n - id: a\n   run: x\n   __proto__: {polluted: 1}", "\\w+", "__proto__"],
  ] as const)("%s", async ([, text, code, said]) => {
    using at = place({ "heddle.yaml": text });
    const ended = await at.heddle(["run"]);
    expectRefusal(ended, 2, code, new RegExp(said));
    // Every place is a file, a line and a column.
    expect(ended.stderr).toMatch(/^heddle\.yaml:\d+:\d+: error/m);
    expect(existsSync(join(at.dir, ".heddle"))).toBe(false);
  });

  test.skipIf(process.platform === "win32")("a pipe, a device, a folder, a link to nowhere", async () => {
    using at = place();
    execFileSync("mkfifo", [join(at.dir, "pipe.yaml"), join(at.dir, "pipe.ts")]);
    symlinkSync("/dev/zero", join(at.dir, "endless.yaml"));
    symlinkSync("/nowhere/at/all", join(at.dir, "link.yaml"));
    mkdirSync(join(at.dir, "folder.yaml"));
    at.write("sub.yaml", "steps:\n - {id: a, plan: ./pipe.yaml}\n");
    for (const name of ["pipe.yaml", "pipe.ts", "endless.yaml"]) {
      expectRefusal(await at.heddle(["run", name]), 2, "PlanUnreadable", "not a file");
    }
    expectRefusal(await at.heddle(["run", "link.yaml"]), 2, "PlanNotFound", "does not exist");
    expectRefusal(await at.heddle(["run", "folder.yaml"]), 2, "PlanNotFound", "folder");
    expectRefusal(await at.heddle(["run", "sub.yaml"]), 2, "PlanUnreadable", "not a file");
  });

  test("larger than may be read", async () => {
    using at = place();
    truncateSync(at.write("heddle.yaml", "steps:\n"), 3_000_000_000);
    expectRefusal(await at.heddle(["run"]), 2, "PlanTooLarge", "32 MiB");
  });

  test("not text", async () => {
    using at = place();
    at.write("heddle.yaml", Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 7919 + (i >> 8) * 31) & 0xff)));
    expectRefusal(await at.heddle(["run"]), 2, "InvalidYaml");
  });

  test("TypeScript that fails, exports no plan, or is none", async () => {
    using at = place({
      "throws.ts": 'throw new Error("not today");',
      "nothing.ts": "export const a = 1;",
      "wrong.ts": "export default }{",
      "imports.ts": 'import "./nowhere.ts";',
    });
    expectRefusal(await at.heddle(["run", "throws.ts"]), 2, "PlanModuleFailed", "not today");
    expectRefusal(await at.heddle(["run", "nothing.ts"]), 2, "NoPlanExported", "export default plan");
    expectRefusal(await at.heddle(["run", "wrong.ts"]), 2, "PlanModuleFailed");
    expectRefusal(await at.heddle(["run", "imports.ts"]), 2, "PlanModuleFailed", "nowhere.ts");
  });

  test("TypeScript in a package of the other kind: it is told how to name the file", async () => {
    const text = 'import { join } from "node:path";\nexport default join("a");\n';
    using at = place({ "package.json": '{"type":"commonjs"}', "heddle.ts": text, "heddle.mts": text });
    const ended = await at.spawn(["run"]).done;
    expectRefusal(ended, 2, "PlanModuleFailed", 'Name it heddle.mts, or write "type": "module" into package.json.');
    rmSync(join(at.dir, "heddle.ts"));
    expectRefusal(await at.spawn(["run"]).done, 2, "NoPlanExported");
  });

  // The superuser may read everything: then somebody else looks.
  const other = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  test.skipIf(other.length > 0 && !mayBecome(other))("that may not be read", async () => {
    using at = place({ "heddle.yaml": GOOD });
    chmodSync(at.dir, 0o777);
    chmodSync(join(at.dir, "heddle.yaml"), 0o000);
    const ended = await at.spawn(["run"], { through: other, env: { NODE_COMPILE_CACHE: undefined } }).done;
    expectRefusal(ended, 2, "PlanUnreadable", "no permission to read");
  });
});

describe("a project folder", () => {
  const other = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  test.skipIf(other.length > 0 && !mayBecome(other))("that may not be read is not one without runs", async () => {
    using at = place({ "heddle.yaml": GOOD, ".heddle/state.db": "" });
    chmodSync(at.dir, 0o777);
    chmodSync(join(at.dir, ".heddle"), 0o000);
    for (const command of [["runs"], ["show"], []]) {
      const ended = await at.spawn(command, { through: other, env: { NODE_COMPILE_CACHE: undefined } }).done;
      expectRefusal(ended, 1, "JournalUnusable", /permission denied[^]*Check the permissions/);
    }
  });
});

describe("step ids", () => {
  test("are data: those that mean something to JavaScript or to file systems run as any other", async () => {
    const ids = [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "..",
      ".",
      "../up",
      "a/../b",
      "/etc/x",
      "con",
      "A",
      "a",
    ];
    const steps = ids.map((id) => `  - {id: "${id}", run: 'echo "{\\"is\\": \\"$HEDDLE_STEP\\"}" > "$HEDDLE_OUTPUT"'}`);
    const last = `  - {id: last, deps: ${JSON.stringify(ids)}, run: 'cp "$HEDDLE_DEPS" deps.json; cp deps.json "$HEDDLE_OUTPUT"'}`;
    using at = place({ "work/heddle.yaml": `steps:\n${[...steps, last].join("\n")}\n` });
    using work = place({}, join(at.dir, "work"));
    const ended = await work.heddle(["run", "-j", "4"]);
    expect(ended.code, ended.stderr).toBe(0);
    const events = await expectSound(work);
    const output = events.find((event) => event.type === "step.succeeded" && event.step === "last")?.data["output"];
    expect(Object.entries(output as object)).toEqual(
      expect.arrayContaining(ids.map((id): [string, unknown] => [id, { is: id }])),
    );
    expect(Object.keys(output as object).length).toBe(ids.length);
    // Nothing was written beside the project, and every file of the run lies in the run's folder.
    expect(execFileSync("ls", ["-A", at.dir], { encoding: "utf8" })).toBe("work\n");
    const logs = execFileSync("find", [join(work.dir, ".heddle/runs"), "-name", "*.log"], { encoding: "utf8" });
    expect(logs.trim().split("\n").length).toBe(ids.length + 1);
  });

  test.for([
    ["full-width letters", "ａ"],
    ["a Cyrillic a", "а"],
    ["a joiner that nobody sees", "a\u200db"],
    ["right to left", "\u202eba"],
    ["a line end", "a\\nb"],
    ["a blank", "a b"],
    ["an escape", "\\u001b[2J"],
    ["a shell's word", "$(touch executed)"],
    ["nothing", ""],
    ["too long", "a".repeat(101)],
  ] as const)("are refused with %s", async ([, id]) => {
    using at = place({ "heddle.yaml": `steps:\n  - {id: "${id}", run: "echo 1"}\n` });
    const ended = await at.heddle(["run"]);
    expectClean(ended);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^heddle\.yaml:2:10: error\[InvalidId\].*letters, digits, and \. _ - \//m);
    expect(existsSync(join(at.dir, "executed"))).toBe(false);
  });
});

test("a plan in TypeScript and one in YAML with the same fault say the same", async () => {
  using at = place({
    "a.ts": `import { plan, step } from "${new URL("../../src/index.ts", import.meta.url).href}";
export default plan("a", { steps: [step("x", async () => 1), step("x", async () => 2)] });`,
    "heddle.yaml": "steps:\n - {id: x, run: a}\n - {id: x, run: b}\n",
  });
  for (const name of ["a.ts", "heddle.yaml"]) expectRefusal(await at.heddle(["run", name]), 2, "DuplicateStep", '"x"');
});
