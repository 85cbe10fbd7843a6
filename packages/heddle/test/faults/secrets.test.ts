/** Each form in which a command may write a secret, in each place where that could be seen. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open } from "../../src/index.ts";
import type { Rig } from "../support/command-line.ts";
import { expectSound, place } from "./rig.ts";

const SECRET = "it's <b>&\u00e4 secret of more than fifty-seven bytes, for base64 wraps it";
/** What would be seen of it: the same in most forms, in URLs, quoted, and in base64. */
const TRACES = ["more than fifty", "more%20than", "more\\ than", ...rowsOf(76), ...rowsOf(10)];

function rowsOf(width: number): readonly string[] {
  return (
    Buffer.from(SECRET)
      .toString("base64")
      .match(new RegExp(`.{${width}}`, "g")) ?? []
  );
}

const escaped = (set: string): string =>
  `node -p 'JSON.stringify(process.env.KEY).replace(/${set}/g, (c) => "\\\\u00" + c.charCodeAt(0).toString(16))'`;

/** Shell text that prints the secret in one form. */
const FORMS: Readonly<Record<string, string>> = {
  raw: `printf '%s\\n' "$KEY"`,
  pieces: `printf 'x%.0s' 1; bash -c 'printf %s "\${KEY:0:30}"'; bash -c 'printf "%s\\n" "\${KEY:30}"'`,
  base64: `printf %s "$KEY" | base64`,
  narrow: `printf %s "$KEY" | base64 -w 10`,
  json: `node -p 'JSON.stringify(process.env.KEY)'`,
  go: escaped("[<>&]"),
  python: escaped("[^ -~]"),
  url: `node -p 'encodeURIComponent(process.env.KEY)'`,
  trace: `sh -xc ': "$KEY"' 2>&1`,
  traced: `bash -xc ': "$KEY"' 2>&1`,
  quoted: `bash -c 'printf "%q\\n" "$KEY"'`,
};

/** A function that prints each form, gives each as its output, or throws them all. */
const MODULE = `
const key = () => process.env.KEY;
const forms = () => [
  key(), encodeURIComponent(key()), JSON.stringify(key()), Buffer.from(key()).toString("base64"),
  JSON.stringify(key()).replace(/[^ -~]/g, (c) => "\\\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")),
];
export const print = () => void forms().forEach((form) => { console.log(form); process.stderr.write(form + "\\n"); });
export const give = () => ({ [key()]: forms(), progress: 1 });
export const fail = () => { throw new Error(forms().join("\\n")); };
`;

/** A key file: its lines are secrets, also in base64 of a part of it. */
const LINES = Array.from({ length: 4 }, (_, at) => `line-${at}-of-a-private-key-file-${"abcdefgh".repeat(5)}`);

/** What is not masked, as the page of the plan file names it. */
const NOT_PROMISED = [
  "a part of a value",
  "JSON in JSON",
  "hexadecimal",
  "HTML entities",
  "colours inside",
  "parameters and questions",
  "names of files",
  "commits of an agent",
];

/** Every text that people or programs can get of the latest run, by where they get it. */
async function placesOf(at: Rig, run: string): Promise<Record<string, string>> {
  const places: Record<string, string> = {};
  const views = ["logs", "show", "show --json", "history", "history --json", "history --canonical", "runs --json"];
  const reports = ["report", "report --html", "report --trace", "report --junit", "report --json", "replay --json"];
  for (const words of [...views, ...reports, ""]) {
    const { stdout, stderr } = await at.heddle(words.split(" ").filter((word) => word !== ""));
    places[`heddle ${words}`] = stdout + stderr;
  }
  await using opened = await open(run, { projectDir: at.dir });
  const of: unknown[] = [await opened.status(), await opened.steps(), await opened.result()];
  for await (const event of opened.events()) of.push(event);
  for (const { id } of await opened.steps()) for await (const line of opened.logs(id)) of.push(line);
  places["the library"] = JSON.stringify(of);
  const folder = join(at.dir, ".heddle/runs", run);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (statSync(join(folder, name)).isFile()) places[name] = readFileSync(join(folder, name), "utf8");
  return places;
}

test("no form of a secret is in a log, the journal, an error, on the screen, in a report, in JSON or in the library", async () => {
  const common = { env: { LC_ALL: "C.UTF-8" }, secrets: ["KEY"] };
  const failing: string[] = [];
  const steps = Object.entries(FORMS).flatMap(([form, print]) => {
    failing.push(`${form}-error`, `${form}-steps`);
    return [
      { id: `${form}-log`, run: print, ...common },
      {
        id: `${form}-output`,
        run: `printf 'shown=' > "$HEDDLE_OUTPUT"; { ${print}; } | tr -d '\\n' >> "$HEDDLE_OUTPUT"`,
        ...common,
      },
      { id: `${form}-error`, run: `{ echo; ${print}; echo no value; } > "$HEDDLE_OUTPUT"`, ...common },
      { id: `${form}-steps`, run: `{ echo '['; ${print}; } > "$HEDDLE_STEPS"`, ...common },
    ];
  });
  const calls = ["print", "give", "fail"].flatMap((name) =>
    [false, true].map((isolate) => ({ id: `${name}-${isolate}`, call: `./m.mjs#${name}`, isolate, secrets: ["KEY"] })),
  );
  failing.push("fail-false", "fail-true");
  using at = place({ "m.mjs": MODULE });
  // The plan itself holds no secret: it comes from the environment.
  at.plan({ failure: "continue", steps: [...steps, ...calls] });
  const ran = await at.spawn(["run", "--output", "stream"], { env: { KEY: SECRET } }).done;
  const events = await expectSound(at);
  const failed = events.flatMap(({ type, step = "" }) => (type === "step.failed" ? [step] : []));
  expect(failed.toSorted()).toEqual(failing.toSorted());
  const places = await placesOf(at, events[0]?.run ?? "");
  places["screen"] = ran.stdout + ran.stderr;
  for (const form of Object.keys(FORMS)) expect(places[`logs/${form}-log.1.log`], form).toContain("***");
  for (const [name, text] of Object.entries(places))
    for (const trace of TRACES) expect(text.includes(trace), `${trace} in ${name}`).toBe(false);
});

test("no line of a secret of several lines can be read, raw or in base64 of a part of it", async () => {
  const prints = {
    raw: `printf '%s\\n' "$KEY"`,
    base64: `printf %s "$KEY" | base64`,
    half: `printf %s "$KEY" | tail -n 2 | base64`,
    json: `node -p 'JSON.stringify(process.env.KEY)'`,
    line: `printf '%s\\n' "$KEY" | tail -n 2`,
  };
  using at = place();
  at.plan({ steps: Object.entries(prints).map(([id, run]) => ({ id, run, secrets: ["KEY"] })) });
  const ran = await at.spawn(["run", "--output", "stream"], { env: { KEY: `${LINES.join("\n")}\n` } }).done;
  const [event] = await expectSound(at);
  expect(ran.code).toBe(0);
  const places = await placesOf(at, event?.run ?? "");
  for (const id of Object.keys(prints)) expect(places[`logs/${id}.1.log`]).toContain("***");
  for (const [name, text] of Object.entries({ ...places, screen: ran.stdout })) {
    const runs = text.match(/[A-Za-z0-9+/]{12,}/g) ?? [];
    const decoded = runs.flatMap((run) =>
      [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), "base64").toString("latin1")),
    );
    for (const said of [text, ...decoded]) expect(/private-key|abcdefghab/.test(said), `${name}: ${said}`).toBe(false);
  }
});

test("what is not masked is named where secrets are documented", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/reference/plan-file.md"), "utf8");
  const section = /## Secrets\n([^]*?)(?:\n## |$)/.exec(page)?.[1]?.replaceAll("\n", " ") ?? "";
  const said = section.slice(section.indexOf("Not masked:"));
  for (const form of NOT_PROMISED) expect(said).toContain(form);
  expect(said).not.toContain("function");
});

test("a secret of fewer than four characters is refused with its name, and nothing is run", async () => {
  using at = place();
  at.plan({ steps: [{ id: "a", run: "echo ran > ran", env: { S: "1" }, secrets: ["S"] }] });
  const ran = await at.heddle(["run"]);
  expect(ran.code).toBe(1);
  expect(ran.stdout + ran.stderr).toContain("the secret S has fewer than 4 characters");
  expect(readdirSync(at.dir)).not.toContain("ran");
});
