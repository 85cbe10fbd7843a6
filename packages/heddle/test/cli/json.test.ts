/** `--json`: standard output is JSON, one document or one event a line, and never empty. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventSchema } from "../../src/view/schemas.ts";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

const FEATURE = {
  steps: [
    { id: "a", run: "true" },
    { id: "b", run: "true", deps: ["a"] },
  ],
};

/** What the commands print, and that it ended well. */
async function documentOf(...words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout } = await rig.heddle([...words, "--json"]);
  expect([words, code]).toEqual([words, 0]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("--json", () => {
  test("is one document, of every command that ends at once", async () => {
    rig.plan(FEATURE);
    await rig.heddle(["run"]);
    const commands = ["", "plan", "runs", "show", "show a", "logs", "report", "replay", "gc --dry-run"];
    const more = ["run --dry-run", "history --step a --since 3", "backup copy.db", "completion bash", "version"];
    for (const command of [...commands, ...more, "--help", "help run", "run --help"])
      await documentOf(...command.split(" ").filter((word) => word !== ""));
  });

  test("of a plan in its canonical form is that form as a document", async () => {
    rig.plan(FEATURE);
    expect(await documentOf("plan", "--to", "yaml")).toMatchObject({
      document: {
        steps: [
          { id: "a", run: "true" },
          { id: "b", deps: ["a"], run: "true" },
        ],
      },
      warnings: [],
    });
  });

  test("of work that was done already is the event that ended it", async () => {
    rig.plan(FEATURE);
    const events = (await rig.heddle(["run", "--json"])).stdout.trim().split("\n");
    const last = JSON.parse(events.at(-1) ?? "") as unknown;
    EventSchema.parse(last);
    for (const command of ["resume", "rollback"]) expect(await documentOf(command)).toEqual(last);
  });

  test.each([
    [["plan"], ["tree", "mermaid", "dot"]],
    [["report"], ["html", "mermaid", "junit"]],
  ])("and another form of %s exclude each other; a file takes the form", async (command, forms) => {
    rig.plan(FEATURE);
    await rig.heddle(["run"]);
    for (const form of forms) {
      const { code, stdout } = await rig.heddle([...command, `--${form}`, "--json"]);
      expect([form, code]).toEqual([form, 2]);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: "Usage", message: expect.stringContaining(`--${form}`) },
      });
      if (command[0] !== "report") continue;
      expect(await documentOf(...command, `--${form}`, "-o", `r.${form}`)).toEqual({
        file: path.join(rig.dir, `r.${form}`),
      });
      expect(existsSync(path.join(rig.dir, `r.${form}`))).toBe(true);
    }
  });

  test("of a report with a file is a document in the file", async () => {
    rig.plan(FEATURE);
    await rig.heddle(["run"]);
    await rig.heddle(["report", "--json", "-o", "r.json"]);
    expect(JSON.parse(readFileSync(path.join(rig.dir, "r.json"), "utf8"))).toMatchObject({ status: "succeeded" });
  });
});

test("a JUnit report has what failed steps printed", async () => {
  rig.plan({ steps: [{ id: "a", run: "printf 'x\\033[31m <& y\\n'; exit 3" }] });
  await rig.heddle(["run"]);
  const { code, stdout } = await rig.heddle(["report", "--junit"]);
  expect(code).toBe(0);
  expect(stdout).toContain('<testcase classname="heddle" name="a" time="');
  expect(stdout).toMatch(/<failure message="[^"]*3" type="exit">x &#60;&#38; y<\/failure>/);
});
