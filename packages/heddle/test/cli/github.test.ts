/** Output in GitHub Actions: what its runner carries out is what heddle says, whatever steps print and plans have in them. */
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { annotatedFile, annotation, WorkflowCommands } from "../../src/cli/workflow-commands.ts";
import { Rig } from "../support/command-line.ts";

const NAMES =
  /^(?:add-mask|add-matcher|add-path|debug|echo|endgroup|error|group|notice|save-state|set-env|set-output|stop-commands|warning)$/;

/** The commands that GitHub's runner carries out, in both of its forms, with what it has decoded. */
function carriedOut(text: string): readonly string[] {
  const done: string[] = [];
  let token: string | undefined;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const now = /^\s*::([^\s:]+)(?: ([^:]*))?::(.*)$/.exec(line);
    const before = /##\[([^\s\]]+)(?: ([^\]]*))?\](.*)$/.exec(line);
    const [name = "", properties = "", data = ""] = (now ?? before ?? []).slice(1).map((part) => part ?? "");
    if (token !== undefined) {
      if (name === token) token = undefined;
      continue;
    }
    if (name === "stop-commands") token = data;
    else if (NAMES.test(name)) done.push(decoded(`${name}${properties === "" ? "" : ` ${properties}`}: ${data}`));
  }
  return done;
}

function decoded(text: string): string {
  const all: readonly (readonly [string, string])[] = [
    ["%0D", "\r"],
    ["%0A", "\n"],
    ["%3A", ":"],
    ["%2C", ","],
    ["%25", "%"],
  ];
  return all.reduce((left, [code, character]) => left.replaceAll(code, character), text);
}

const HOSTILE = [
  "::error::fooled",
  "  ::set-output name=a::b",
  "##[error]fooled",
  "before ##[add-mask]e",
  "::stop-commands::mine",
  "::mine::",
  "::endgroup::",
  "x\r::warning::fooled",
  "\u001b[1m::debug::fooled",
  "\u2028::notice::fooled",
];

describe("the writer", () => {
  const written = (use: (commands: WorkflowCommands, print: (text: string) => void) => void): string => {
    const lines: string[] = [];
    let token = 0;
    const print = (text: string): void => void lines.push(text);
    use(new WorkflowCommands(print, () => `token-${++token}`), print);
    return lines.join("\n");
  };

  test("lets nothing be carried out but its own commands, until it ends", () => {
    const text = written((commands, print) => {
      commands.begin();
      for (const line of HOSTILE) print(line);
      commands.group("one");
      for (const line of HOSTILE) print(line);
      commands.endGroup();
      print("::token-1::");
      commands.annotate("error", { title: "step" }, "failed");
      for (const line of HOSTILE) print(line);
      commands.end();
      commands.end();
      print("::notice::after");
    });
    expect(carriedOut(text)).toEqual(["group: one", "endgroup: ", "error title=step: failed", "notice: after"]);
    // The check can fail: without the writer, they are carried out.
    expect(carriedOut(HOSTILE.join("\n")).length).toBeGreaterThan(4);
  });

  test.each(HOSTILE)("keeps %j in a command as its text", (text) => {
    const group = written((commands) => commands.group(text));
    expect([carriedOut(group).length, carriedOut(group)[0]]).toEqual([1, expect.stringMatching(/^group: /)]);
    const place = { title: `t${text},file=/etc/passwd::x`, file: `${text}.yaml`, line: 3, column: 7 };
    const line = annotation("warning", place, `first\n${text}`);
    expect(line).not.toMatch(/[\r\n]/);
    const [only = "", ...more] = carriedOut(line);
    expect([more, only.startsWith("warning title="), only.includes(": first\n")]).toEqual([[], true, true]);
    expect(
      line
        .split("::")[1]
        ?.split(",")
        .map((part) => part.split("=")[0]),
    ).toEqual(["warning title", "file", "line", "col"]);
  });

  test("names files from the folder of the checkout, and others as they are", () => {
    const at = { dir: "/repo/sub", env: { GITHUB_WORKSPACE: "/repo" } };
    expect(annotatedFile(at, "heddle.yaml")).toBe(path.join("sub", "heddle.yaml"));
    expect(annotatedFile(at, "/elsewhere/heddle.yaml")).toBe("/elsewhere/heddle.yaml");
    expect(annotatedFile({ dir: "/repo", env: {} }, "heddle.yaml")).toBe("heddle.yaml");
  });
});

describe("a run", () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.dispose]());

  const within = (more: object = {}) => ({
    env: {
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: rig.dir,
      GITHUB_STEP_SUMMARY: path.join(rig.dir, "summary.md"),
      ...more,
    },
  });

  test("folds the output of its steps, marks what failed, and sums up for the job", async () => {
    rig.write("evil.txt", [...HOSTILE, "</pre><script>alert(1)</script>", "| [x](http://evil) `a`"].join("\n"));
    rig.plan({
      name: "a|b<i>",
      failure: "continue",
      steps: [
        { id: "good", run: "cat evil.txt" },
        { id: "bad", run: "cat evil.txt >&2; exit 3" },
        { id: "quiet", deps: ["good"], run: "true" },
      ],
    });
    const { code, stdout, stderr } = await rig.heddle(["run"], within());
    expect([code, stderr]).toEqual([1, ""]);
    const done = carriedOut(stdout);
    const titles = done
      .filter((text) => text.startsWith("group"))
      .map((text) => text.replace(/(in|after) [\d.]+\s?m?s/, "$1 0s"));
    expect(titles.sort()).toEqual([
      expect.stringContaining("good succeeded in 0s"),
      expect.stringContaining("quiet succeeded in 0s"),
      expect.stringContaining("bad failed after 0s: "),
    ]);
    expect(done.filter((text) => text.startsWith("error"))).toEqual([
      expect.stringMatching(/^error title=heddle: bad: failed after/),
    ]);
    expect(done.length).toBe(7);
    const summary = rig.read("summary.md");
    expect(summary).toContain("### heddle: a&#124;b&#60;i&#62; failed");
    expect(summary).toMatch(/^\| \S+ \| bad \| failed \| [\d.]+\s?m?s \| 1 \| .*3.* \|$/m);
    expect(summary.match(/<[^>]*>/g)).toEqual([
      "<details>",
      "<summary>",
      "</summary>",
      "<pre>",
      "</pre>",
      "</details>",
    ]);
    expect(summary).toContain("&#58;&#58;error&#58;&#58;fooled");
    await rig.heddle(["run"], within());
    expect(rig.read("summary.md").split("### heddle").length).toBe(3);
  });

  test("prints no commands where something else is asked for, or it is not there", async () => {
    rig.plan({ steps: [{ id: "good", run: "echo out" }] });
    for (const [args, options] of [
      [["run"], {}],
      [["run", "--output", "errors"], within()],
      [["run", "--json"], within()],
      [["run"], within({ GITHUB_ACTIONS: "false" })],
    ] as const) {
      const { stdout } = await rig.heddle(args, options);
      expect(stdout).not.toMatch(/::(?:group|stop-commands)::/);
    }
    expect((await rig.heddle(["run", "--output", "github"])).stdout).toMatch(/^::group::.* good /m);
    const missing = await rig.heddle(["run"], within({ GITHUB_STEP_SUMMARY: path.join(rig.dir, "no", "summary.md") }));
    expect([missing.code, missing.stderr]).toEqual([0, expect.stringContaining("The job summary was not written")]);
    const watched = await rig.heddle(["watch"], within());
    expect(carriedOut(watched.stdout)).toEqual([expect.stringContaining("good"), "endgroup: "]);
  });

  test("that is refused marks the lines of its plan", async () => {
    rig.write("heddle.yaml", "steps:\n  - id: a\n    run: echo\n    dpes: [b]\n");
    const { code, stderr, stdout } = await rig.heddle(["run"], within());
    expect([code, stdout]).toEqual([2, ""]);
    expect(carriedOut(stderr)).toEqual([
      expect.stringMatching(/^error title=\w+,file=heddle\.yaml,line=4,col=\d+: .*dpes/),
    ]);
  });
});
