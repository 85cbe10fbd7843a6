/**
 * Runs the documentation: every block of code on every page is executed in a folder of the page's own, in order, or says that
 * it is not (`not-run`). What a block is, the words behind its fence say:
 *
 * - `file=NAME`: written to the folder; alone it is nothing more.
 * - `yaml plan`, `ts plan`: a plan that loads; with `error=CODE` one that does not, for that reason.
 * - `ts run`: a program that ends well; what it prints is what its comments `// prints: ...` say.
 * - `console`: each line after `$ ` is typed; the lines below it come in that order. `…` stands for any lines; times and ids of
 *   runs may differ. `# exits with N` behind a command tells its exit code. A command that ends in ` &` goes on until the page is over;
 *   what is below it comes first.
 *
 * Port 4747 is another one here, for each page.
 */
import { spawn, type SpawnOptionsWithStdioTuple } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { load, PlanError } from "../../src/index.ts";
import { BUILT, COMPILED, HEDDLE } from "../support/built.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { blocksOf, PAGES, valueOf, type Block } from "./markdown.ts";

/** Raised only with a reason: a block that nothing executes may be wrong. */
const MOST_NOT_RUN = 45;

/** Holds a folder for each page, with the package installed for all of them, and `heddle` and `npx heddle` as a person types them. */
let installed: string;

beforeAll(async () => {
  installed = temporaryFolder("docs");
  await mkdir(path.join(installed, "node_modules/.bin"), { recursive: true });
  await symlink(BUILT, path.join(installed, "node_modules/heddle"));
  const heddle = `exec "${process.execPath}" "${HEDDLE}" "$@"`;
  await writeFile(path.join(installed, "node_modules/.bin/heddle"), `#!/bin/sh\n${heddle}\n`, { mode: 0o755 });
  await writeFile(path.join(installed, "node_modules/.bin/npx"), `#!/bin/sh\nshift\n${heddle}\n`, { mode: 0o755 });
});
afterAll(() => rm(installed, { recursive: true, force: true }));

const pages = PAGES.map((page) => [page, blocksOf(page)] as const).filter(([, blocks]) => blocks.length > 0);

describe("the pages", () => {
  test("were found, with their examples", () => {
    expect(pages.length).toBeGreaterThanOrEqual(10);
    const all = pages.flatMap(([, blocks]) => blocks);
    expect(all.filter((block) => kindOf(block) !== "not-run").length).toBeGreaterThanOrEqual(40);
  });

  test("say of every block what it is, and leave few unexecuted", () => {
    const unknown = pages.flatMap(([page, blocks]) =>
      blocks.filter((block) => kindOf(block) === undefined).map((block) => `${page}:${block.line}`),
    );
    expect(unknown).toEqual([]);
    const notRun = pages.flatMap(([page, blocks]) =>
      blocks.filter((block) => kindOf(block) === "not-run").map((block) => `${page}:${block.line}`),
    );
    expect(notRun.length, notRun.join("\n")).toBeLessThanOrEqual(MOST_NOT_RUN);
  });
});

describe.concurrent("executed", () => {
  test.each(pages.filter(([, blocks]) => blocks.some((block) => kindOf(block) !== "not-run")))(
    "%s",
    { timeout: 120_000 },
    async (page, blocks) => {
      const folder = await mkdtemp(path.join(installed, "page-"));
      await using programs = new Background();
      const port = blocks.some(({ text: code }) => code.includes(PORT)) ? String(await freePort()) : PORT;
      for (const [i, block] of blocks.entries()) {
        const here = { ...block, text: block.text.replaceAll(PORT, port) };
        await execute(here, { folder, programs, where: `${page}:${block.line}` }, i);
      }
    },
  );
});

type Kind = "plan" | "run" | "console" | "file" | "not-run";

function kindOf(block: Block): Kind | undefined {
  if (block.words.includes("not-run")) return "not-run";
  if (block.language === "console") return "console";
  if (block.words.includes("plan")) return "plan";
  if (block.words.includes("run")) return "run";
  return valueOf(block, "file") === undefined ? undefined : "file";
}

const PORT = "4747";

/** One that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Place {
  readonly folder: string;
  readonly where: string;
  readonly programs: Background;
}

/** What goes on while a page is executed. */
class Background implements AsyncDisposable {
  readonly #ended: (() => Promise<unknown>)[] = [];

  /** Resolves with what it prints as soon as that is so many lines. */
  async start(typed: string, folder: string, lines: number): Promise<string> {
    // In a group of its own, so that what the shell started ends with it.
    const child = spawn("sh", ["-c", typed], { ...spawned(folder), detached: true });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    this.#ended.push(async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid);
      await exited;
    });
    let out = "";
    const printed = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (chunk: string) => {
          out += chunk;
          if (out.split("\n").length > lines) resolve();
        });
    });
    await Promise.race([printed, exited]);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ended) await end();
  }
}

async function execute(block: Block, place: Place, index: number): Promise<void> {
  const { folder, where } = place;
  const kind = kindOf(block);
  if (kind === "not-run" || kind === undefined) return;
  if (kind === "console") return type(block, place);
  const file = path.join(folder, valueOf(block, "file") ?? `block-${index}.${block.language}`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, block.text);
  if (kind === "plan") return loads(block, file, where);
  if (kind === "run") return runs(block, file, folder, where);
}

async function loads(block: Block, file: string, where: string): Promise<void> {
  const wanted = valueOf(block, "error");
  try {
    await load(file);
  } catch (thrown) {
    const codes = thrown instanceof PlanError ? thrown.diagnostics.map(({ code }) => code) : [String(thrown)];
    expect(codes, `${where}: ${String(thrown)}`).toContain(wanted);
    return;
  }
  expect(wanted, `${where} was expected not to load`).toBeUndefined();
}

/** In a process of its own, as it is. */
async function runs(block: Block, file: string, folder: string, where: string): Promise<void> {
  const { code, out } = await ended(process.execPath, ["--disable-warning=ExperimentalWarning", file], folder);
  expect(code, `${where}\n${out}`).toBe(0);
  const wanted = [...block.text.matchAll(/\/\/ prints: (.*)$/gm)].map((match) => match[1] ?? "");
  const printed = out.split("\n").filter((line) => line !== "");
  expect(wanted.length === 0 ? [] : printed.map(normal), where).toEqual(wanted.map(normal));
}

async function type(block: Block, { folder, where, programs }: Place): Promise<void> {
  const parts = block.text.split(/^\$ /m).slice(1);
  expect(parts.length, `${where} types nothing`).toBeGreaterThan(0);
  for (const part of parts) {
    const [typed = "", ...shown] = part.trimEnd().split("\n");
    if (typed.endsWith(" &")) {
      const out = await programs.start(typed.slice(0, -2), folder, Math.max(1, shown.length));
      expect(firstMissing(shown, out.split("\n").map(normal)), `${where}: $ ${typed}\n${out}`).toBeUndefined();
      continue;
    }
    const expectedCode = Number(/# exits with (\d+)/.exec(typed)?.[1] ?? 0);
    const { code, out } = await ended("sh", ["-c", typed], folder);
    expect(code, `${where}: $ ${typed}\n${out}`).toBe(expectedCode);
    const missing = firstMissing(shown, out.split("\n").map(normal));
    expect(missing, `${where}: $ ${typed}\n${out}`).toBeUndefined();
  }
}

/** The first shown line that does not come where it should; lines must follow each other unless `…` stands between. */
function firstMissing(shown: readonly string[], lines: readonly string[]): string | undefined {
  let at = 0;
  let mayJump = false;
  for (const line of shown.map(normal)) {
    if (line.trim() === "…") {
      mayJump = true;
      continue;
    }
    const found = mayJump ? lines.indexOf(line, at) : lines[at] === line ? at : -1;
    if (found === -1) return line;
    at = found + 1;
    mayJump = false;
  }
  return undefined;
}

/** What differs from run to run, made alike. */
function normal(line: string): string {
  return (
    line
      .trimEnd()
      .replaceAll(/\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?Z?)?/g, "TIME")
      .replaceAll(/\b\d{2}:\d{2}:\d{2}(\.\d+)?\b/g, "TIME")
      // One id in a hundred has no digit: it is known by the word before it.
      .replaceAll(
        /(?<=\b(?:[Rr]un|resume|show|approve|reject|merge|logs|resolve|history) )[0-9a-hjkmnp-tv-z]{12}\b/g,
        "RUN",
      )
      .replaceAll(/\b(?=[a-z]*\d)[0-9a-hjkmnp-tv-z]{12}\b/g, "RUN")
      .replaceAll(/\b\d+(\.\d+)?x/g, "Nx")
      .replaceAll(/\b\d+m \d{2}s\b|\b\d+(\.\d+)? ?m?s\b/g, "Ns")
      .replaceAll(/"durationMs":\d+/g, '"durationMs":N')
      .replaceAll(/rejected by \w+/g, "rejected by SOMEBODY")
      .replaceAll(/\s+/g, " ")
  );
}

async function ended(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(program, args, spawned(cwd));
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("exit", resolve)),
  ]);
  return { code, out: out + err };
}

function spawned(cwd: string): SpawnOptionsWithStdioTuple<"ignore", "pipe", "pipe"> {
  const bin = path.join(installed, "node_modules/.bin");
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    NODE_COMPILE_CACHE: COMPILED,
    NO_COLOR: "1",
    HOME: cwd,
  };
  return { cwd, env, stdio: ["ignore", "pipe", "pipe"] };
}
