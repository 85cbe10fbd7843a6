/** What functions of plans print, through real processes: in the log of their step, and nowhere raw. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jsonLines, Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

const TITLE = "\u001b]0;PWNED\u0007\u001b[2J";

/** `loud` prints by every way there is; two of it at once take turns. */
const MODULE = `
console.log("loading${TITLE}");
let turns = [];
const turn = () => new Promise((go) => { turns.push(go); if (turns.length === 2) { for (const each of turns) each(); turns = []; } });
export async function loud({ name, alone }) {
  console.log(name, "log", "${TITLE}end");
  if (!alone) await turn();
  console.error(name, "error");
  process.stdout.write(name + " with");
  process.stdout.write("out a break\\n");
  if (!alone) await turn();
  process.stderr.write(Buffer.from(name + " bytes ä\\n"));
  console.log("the password is", process.env.TOKEN.slice(0, 0) + process.env.TOKEN);
  process.stdout.write(process.env.TOKEN.slice(0, 3));
  process.stdout.write(process.env.TOKEN.slice(3) + "\\n");
  return name;
}
export function late() {
  setTimeout(function tell() {
    if (globalThis.go === undefined) return setImmediate(tell);
    console.log("too late${TITLE}");
    process.stdout.write("", () => globalThis.go());
  });
}
export function awaits() { return new Promise((go) => { globalThis.go = go; }); }
`;

function expected(name: string): string {
  return [
    `${name} log ${TITLE}end`,
    `${name} error`,
    `${name} without a break`,
    `${name} bytes ä`,
    "the password is ***",
    "***",
    "",
  ].join("\n");
}

async function log(step: string): Promise<string> {
  const [run] = jsonLines((await rig.heddle(["runs", "--json"])).stdout);
  const id = String((run?.["runs"] as { run: string }[] | undefined)?.[0]?.run ?? run?.["run"]);
  return rig.read(`.heddle/runs/${id}/logs/${step}.1.log`);
}

describe("functions that print", () => {
  const loud = (id: string, more: object = {}): object => ({
    id,
    call: "./m.mjs#loud",
    with: { name: id },
    secrets: ["TOKEN"],
    ...more,
  });

  test("each to its own log, masked, while --json stays one document a line and the terminal is left alone", async () => {
    rig.write("m.mjs", MODULE);
    rig.plan({ steps: [loud("one"), loud("two")] });
    const { code, stdout, stderr } = await rig.spawn(["run", "--json", "-j", "2"], { env: { TOKEN: "sup3r-s3cr3t" } })
      .done;
    expect(code).toBe(0);
    expect(jsonLines(stdout).map((event) => event["type"])).toContain("step.succeeded");
    expect(stderr).toBe("loading\n");
    expect(await log("one")).toBe(expected("one"));
    expect(await log("two")).toBe(expected("two"));
  });

  test("in the line view as the output of their step, without what moves the cursor", async () => {
    rig.write("m.mjs", MODULE);
    rig.plan({ steps: [loud("one", { with: { name: "one", alone: true } })] });
    const { code, stdout } = await rig.spawn(["run", "--output", "stream"], { env: { TOKEN: "sup3r-s3cr3t" } }).done;
    expect(code).toBe(0);
    expect(stdout).toContain("one log end\n");
    expect(stdout).not.toMatch(/\u001b|sup3r/);
  });

  test("the same for isolated ones", async () => {
    rig.write("m.mjs", MODULE);
    rig.plan({ steps: [loud("one", { isolate: true, with: { name: "one", alone: true } })] });
    const { stdout, stderr } = await rig.spawn(["run", "--json"], { env: { TOKEN: "sup3r-s3cr3t" } }).done;
    expect(jsonLines(stdout).map((event) => event["type"])).toContain("step.succeeded");
    expect(stderr).toBe("");
    expect(await log("one")).toBe(`loading${TITLE}\n${expected("one")}`);
  });

  test("what an isolated one printed before it loops for ever is there, in order", async () => {
    rig.write(
      "m.mjs",
      `export function spins(_, { log, progress }) {
        console.log("a"); log("b"); console.log("c"); console.log("d"); progress({}); for (;;);
      }`,
    );
    rig.plan({ steps: [{ id: "spins", call: "./m.mjs#spins", isolate: true, grace: 0 }] });
    const running = rig.spawn(["run", "--json"]);
    await running.says("step.progress");
    running.kill("SIGINT");
    jsonLines((await running.done).stdout);
    expect(await log("spins")).toBe("a\nb\nc\nd\n");
  });

  test("more than is read at once, from a thread, arrives whole", async () => {
    rig.write(
      "m.mjs",
      'export function flood() { for (let i = 0; i < 60; i++) process.stdout.write("x".repeat(99_999) + "\\n"); }',
    );
    rig.plan({ steps: [{ id: "flood", call: "./m.mjs#flood", isolate: true }] });
    expect((await rig.spawn(["run", "--output", "quiet"]).done).code).toBe(0);
    expect((await log("flood")).length).toBe(6_000_000);
  });

  test("after their end to standard error, cleaned", async () => {
    rig.write("m.mjs", MODULE);
    const awaits = { id: "awaits", call: "./m.mjs#awaits" };
    rig.plan({ steps: [awaits, { id: "late", call: "./m.mjs#late" }] });
    const { code, stdout, stderr } = await rig.spawn(["run", "--json", "-j", "2"]).done;
    expect(code).toBe(0);
    jsonLines(stdout);
    expect(stderr).toBe("loading\ntoo late\n");
  });

  test("a plan's module, while it is loaded, to standard error, cleaned", async () => {
    rig.write("heddle.mjs", `console.log("hello${TITLE}"); export default 5;`);
    const { stdout, stderr } = await rig.spawn(["plan", "heddle.mjs", "--json"]).done;
    expect(jsonLines(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/^hello\n/);
    expect(stderr).not.toContain("\u001b");
  });
});
