/** Each form in which a command may write a secret, in each place where that could be seen. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
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

test("no form of a secret is in a log, the journal, an error, on the screen, in the report or in JSON", async () => {
  const common = { env: { KEY: SECRET, LC_ALL: "C.UTF-8" }, secrets: ["KEY"] };
  const steps = Object.entries(FORMS).flatMap(([form, print]) => [
    { id: `${form}-log`, run: print, ...common },
    {
      id: `${form}-output`,
      run: `printf 'shown=' > "$HEDDLE_OUTPUT"; { ${print}; } | tr -d '\\n' >> "$HEDDLE_OUTPUT"`,
      ...common,
    },
    { id: `${form}-error`, run: `{ echo; ${print}; echo no value; } > "$HEDDLE_OUTPUT"`, ...common },
  ]);
  using at = place();
  // The plan itself holds no secret: it comes from the environment.
  at.plan({ failure: "continue", steps: steps.map((step) => ({ ...step, env: { LC_ALL: "C.UTF-8" } })) });
  const ran = await at.heddle(["run", "--output", "stream"], { env: { KEY: SECRET } });
  const events = await expectSound(at);
  const ended = (type: string): number => events.filter((event) => event.type === type).length;
  expect([ended("step.succeeded"), ended("step.failed")]).toEqual([
    2 * Object.keys(FORMS).length,
    Object.keys(FORMS).length,
  ]);
  const places: Record<string, string> = { screen: ran.stdout + ran.stderr, journal: JSON.stringify(events) };
  for (const words of [["logs"], ["show"], ["show", "--json"], ["report"]]) {
    const { stdout, stderr } = await at.heddle(words);
    places[words.join(" ")] = stdout + stderr;
  }
  const logs = join(at.dir, ".heddle/runs", events[0]?.run ?? "", "logs");
  for (const form of Object.keys(FORMS)) {
    const log = readFileSync(join(logs, `${form}-log.1.log`), "utf8");
    expect(log, form).toContain("***");
    places[`log of ${form}`] = log;
  }
  for (const [name, text] of Object.entries(places))
    for (const trace of TRACES) expect(text.includes(trace), `${trace} in ${name}`).toBe(false);
});

test("a secret of fewer than four characters is refused with its name, and nothing is run", async () => {
  using at = place();
  at.plan({ steps: [{ id: "a", run: "echo ran > ran", env: { S: "1" }, secrets: ["S"] }] });
  const ran = await at.heddle(["run"]);
  expect(ran.code).toBe(1);
  expect(ran.stdout + ran.stderr).toContain("the secret S has fewer than 4 characters");
  expect(readdirSync(at.dir)).not.toContain("ran");
});
