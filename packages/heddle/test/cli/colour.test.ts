/** Colours of steps: their commands are told to print them where heddle does, and they are shown, and nothing but they. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { safeColouredLine, safeLine } from "../../src/base/safe-text.ts";
import { jsonLines, Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

const COLOUR = { env: { TERM: "xterm-256color" } };
const SIZE = { columns: 80, rows: 24 };

test("colours of a line are kept, and what else could reach the terminal is not", () => {
  expect(safeColouredLine("plain")).toBe("plain");
  expect(safeColouredLine("a \u001b[1;31mred\u001b[39m b")).toBe("a \u001b[1;31mred\u001b[39m b\u001b[0m");
  const evil = "\u001b[31m\u001b[2J\u001b]0;title\u0007\u001b[1A50%\r\u001b[32m100%\u001b[";
  const shown = safeColouredLine(evil);
  // oxlint-disable-next-line no-control-regex
  const colours = shown.match(/\u001b\[[\d;:]*m/g) ?? [];
  expect(colours).toEqual(["\u001b[32m", "\u001b[0m"]);
  expect(safeLine(shown)).toBe(safeLine(evil));
});

const STEPS = {
  inherits: { run: 'echo "$FORCE_COLOR"' },
  decided: { run: 'echo "$FORCE_COLOR"', env: { FORCE_COLOR: "0" } },
  quiet: { run: 'echo "$FORCE_COLOR"', env: { NO_COLOR: "1" } },
  strict: { run: 'echo "$FORCE_COLOR"', envMode: "strict" },
} as const;

async function told(): Promise<Record<string, string>> {
  const entries = Object.keys(STEPS).map(async (id) => [id, (await rig.heddle(["logs", id])).stdout.trim()]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

test("commands are told to print colours where heddle does, unless somebody has decided", async () => {
  rig.plan({ steps: Object.entries(STEPS).map(([id, step]) => ({ id, ...step })) });
  expect((await rig.onTerminal(["run"], SIZE, COLOUR).done).code).toBe(0);
  expect(await told()).toEqual({ inherits: "1", decided: "0", quiet: "", strict: "" });
  await rig.heddle(["run"]);
  expect(await told()).toEqual({ inherits: "", decided: "0", quiet: "", strict: "" });
  await rig.onTerminal(["run"], SIZE, { env: { ...COLOUR.env, NO_COLOR: "1" } }).done;
  expect((await told())["inherits"]).toBe("");
  await rig.onTerminal(["run"], SIZE, { env: { ...COLOUR.env, FORCE_COLOR: "3" } }).done;
  expect((await told())["inherits"]).toBe("3");
});

test("colours are no part of what a step outputs, and are shown with its log", async () => {
  rig.plan({
    steps: [
      {
        id: "a",
        run: 'p() { test -n "$FORCE_COLOR" && printf "\\033[33m%s\\033[39m" "$1" || printf %s "$1"; }; p hello; echo "{\\"n\\": $(p 42)}" > "$HEDDLE_OUTPUT"',
      },
    ],
  });
  expect((await rig.onTerminal(["run"], SIZE, COLOUR).done).code).toBe(0);
  const events = jsonLines((await rig.heddle(["history", "--json"])).stdout);
  expect(events.find(({ type }) => type === "step.succeeded")).toMatchObject({ data: { output: { n: 42 } } });
  expect((await rig.heddle(["logs", "a"])).stdout).toBe("hello\n");
  expect((await rig.heddle(["logs", "a"], { env: { FORCE_COLOR: "1" } })).stdout).toBe(
    "\u001b[33mhello\u001b[39m\u001b[0m\n",
  );
});
