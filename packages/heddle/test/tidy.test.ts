/**
 * Holds the architecture: which room may import which, no cycles, one owner for each door to the outside, no file too
 * long. The tables below are the rules; every exception has its reason beside it.
 */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const SRC = path.resolve(import.meta.dirname, "../src");

/** With fewer, files were not found: the rules would hold of nothing. */
const FEWEST_FILES = 260;

const MOST_LINES = 500;

/** What a port is made of: the first file of its folder, and the plain data that it speaks of. */
function ports(...rooms: readonly string[]): readonly string[] {
  return rooms.flatMap((room) => [`${room}/port.ts`, `${room}/types.ts`]);
}

/** Who shows runs, to people or programs: no rule of the domain. The host is there to open a project. */
const FACE = ["base/", "http/", "plan/", "view/", "project/", "host/open.ts", "version.ts"];

/**
 * What the files of a room may import beside their own room: whole folders (`base/`) or single files. Type-only imports count.
 * Files that stand in `src` itself have a row each.
 */
const MAY_IMPORT: { readonly [room: string]: readonly string[] } = {
  base: [],
  plan: ["base/"],
  graph: ["base/", "plan/"],
  run: ["base/", "plan/", "graph/"],
  view: ["base/", "graph/", "run/"],
  journal: ["base/", "run/event.ts"],
  // Starting, finding, watching and ending processes: what runners of commands and of agents share.
  process: ["base/", "files/"],
  // Opening files where steps may have put something else: what runners, agents and readers of logs share.
  files: ["base/"],
  // A function is called as the plan's types say.
  // Steps that a command adds are read as a plan's are written.
  runner: [
    "base/",
    "files/",
    "process/",
    "plan/plan.ts",
    "plan/source-text.ts",
    "run/attempt.ts",
    "run/event.ts",
    "run/mask-outcome.ts",
  ],
  workspace: ["base/"],
  // Folders are called after steps as those of workspaces are.
  git: ["base/", "workspace/names.ts", "run/attempt.ts", "run/event.ts"],
  cache: ["base/", "plan/", "run/attempt.ts"],
  http: ["base/"],
  client: ["base/", "view/"],
  // A face for tests: what a program's run is, without the machine.
  testing: [
    "base/",
    "plan/",
    "run/",
    "view/",
    "host/",
    "api/",
    ...ports("journal", "runner", "workspace", "agent", "backend", "project"),
  ],
  // What an agent's step takes from its rooms, in order.
  agent: [
    "base/",
    "http/",
    "plan/plan.ts",
    "plan/agents-config.ts",
    "run/attempt.ts",
    "run/agent-record.ts",
    "run/event.ts",
    "run/mask-outcome.ts",
    "files/",
    "process/",
    ...ports("runner", "workspace", "git"),
    "version.ts",
  ],
  // Bringing words about runs to receivers outside.
  notify: [
    "base/",
    "plan/notify-config.ts",
    "plan/check-notify.ts",
    "run/notices.ts",
    "version.ts",
    ...ports("journal"),
  ],
  // What of a run its trace says.
  telemetry: ["base/", "run/", "plan/plan.ts", "files/import-module.ts", "version.ts"],
  backend: ["base/", "plan/plan.ts", "run/attempt.ts", "run/event.ts", ...ports("runner")],
  engine: [
    "base/",
    "plan/",
    "graph/",
    "run/",
    ...ports("journal", "runner", "workspace", "cache", "backend", "agent", "git", "telemetry"),
  ],
  project: [
    "base/",
    "plan/",
    "graph/",
    "run/",
    "view/",
    "files/",
    "engine/",
    ...ports("journal", "workspace", "agent", "git", "cache", "backend", "notify"),
  ],
  // For agents that reach it over HTTP.
  server: [...FACE, "mcp/serve-http.ts"],
  mcp: FACE,
  // What code of plans prints is kept away from what the command line writes. `serve` and `mcp` open other faces, `open` finds one.
  cli: [...FACE, "process/print-capture.ts", "server/serve.ts", "server/token-file.ts", "mcp/serve-stdio.ts"],
  api: FACE,
  host: [
    "base/",
    "plan/",
    "graph/",
    "run/",
    "journal/",
    "process/",
    "runner/",
    "workspace/",
    "git/",
    "agent/",
    "cache/",
    "backend/",
    "engine/",
    "project/",
    "telemetry/",
    "notify/",
    "version.ts",
  ],
  "version.ts": ["../package.json"],
  "index.ts": ["base/", "plan/", "run/event.ts", "view/", "api/"],
};

/** Imports beyond the table: file, what it imports (folders too, with `/`), and why that is right, or what has to move. */
const EXCEPTIONS: readonly (readonly [file: string, imports: string, why: string])[] = [];

/** Modules that only some files may import. The rest of the code is handed what they offer. */
const OWNERS: readonly (readonly [module: string, owners: RegExp])[] = [
  ["node:sqlite", /^journal\/sqlite\//],
  // The scripted agent is a program of its own: it starts what its script says.
  ["node:child_process", /^(?:process\/process|runner\/helper|agent\/scripted\/play|git\/git)\.ts$/],
  ["node:worker_threads", /^(?:runner\/|host\/(?:isolated|output-check)-worker\.ts$)/],
  ["commander", /^cli\//],
  ["js-yaml", /^(?:plan\/|agent\/scripted\/)/],
  // Only where an agent is spoken to, loaded with the first one.
  ["@agentclientprotocol/sdk", /^agent\/adapters\//],
  // It takes a tenth of a second to load: only where an agent is served.
  ["@modelcontextprotocol/server", /^(?:agent\/tools\/mcp-server|mcp\/(?:server|resources|serve-http))\.ts$/],
  ["@modelcontextprotocol/server/stdio", /^mcp\/serve-stdio\.ts$/],
  // Only where runs are traced.
  ["@opentelemetry/api", /^telemetry\//],
  ["vitest", /^testing\//],
];

/** What only some files may write in their code. */
const DOORS: readonly (readonly [name: string, pattern: RegExp, owners: RegExp])[] = [
  ["the clock", /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, /^base\/(?:wall-)?clock\.ts$/],
  ["chance", /\bMath\.random\b/, /^base\/random\.ts$/],
  // What functions print is taken away from the streams of the process where it comes to them. The scripted agent speaks its
  // protocol over its own output.
  [
    "the console",
    /\bconsole\.\w|\bprocess\.std(?:out|err)\b/,
    /^(?:cli\/output(?:\/.*|[\w-]*\.ts)|process\/print-capture\.ts|agent\/scripted\/scripted-worker\.ts)$/,
  ],
];

/** Exported names that two files of `src` may have, each with the reason. */
const SHARED_NAMES: { readonly [name: string]: string } = {};

/** What runs in browsers: no package, nothing of Node. */
const PORTABLE = "client";
const NODE_NAMES = /\bnode:|\bprocess\.|\bBuffer\b|\bsetImmediate\b|\bNodeJS\b/;

/** Rooms that only compute. What they may use of Node is pure as well. */
const PURE = ["base", "plan", "graph", "run", "view"];
const PURE_MODULES = new Set(["node:path", "node:path/posix", "node:crypto", "node:util", "node:buffer"]);

interface Source {
  /** Relative to src, with forward slashes. */
  readonly file: string;
  /** As `file`, without comments. */
  readonly code: string;
  readonly lines: number;
  /** Imported files of src, relative to it. */
  readonly internal: readonly string[];
  /** Imported packages and modules of Node. */
  readonly external: readonly string[];
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{][^"';()]*?\bfrom\s*)?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/g;

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function specifiersOf(code: string): readonly string[] {
  return [...code.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

function read(file: string): Source {
  const text = readFileSync(path.join(SRC, file), "utf8");
  const code = withoutComments(text);
  const specifiers = specifiersOf(code);
  const relative = specifiers.filter((specifier) => specifier.startsWith("."));
  return {
    file,
    code,
    lines: text.split("\n").length - 1,
    internal: relative.map((specifier) => path.posix.join(path.posix.dirname(file), specifier)),
    external: specifiers.filter((specifier) => !specifier.startsWith(".")),
  };
}

const sources = globSync("**/*.ts", { cwd: SRC })
  .map((file) => file.replaceAll(path.sep, "/"))
  .sort()
  .map(read);

/** The first folder of a file, or the file itself where it stands in src. */
function roomOf(file: string): string {
  return file.split("/")[0] ?? file;
}

/** Whether a file is the one named, or lies in the folder named. */
function stands(entry: string, file: string): boolean {
  return file === entry || (entry.endsWith("/") && file.startsWith(entry));
}

describe("the reader of imports", () => {
  test("sees every kind", () => {
    const code = withoutComments(`
      import { a, type B } from "./a.ts";
      import type {
        C,
      } from "../b.ts";
      import * as d from 'node:fs';
      import e, { f } from "pkg";
      import "./effect.ts";
      export { g } from "./g.ts";
      export * from "./h.ts";
      const i = await import("./i.ts");
      let j: import("./j.ts").J;
      // import "./not.ts";
      /* import "./nor.ts"; */
      const text = "import nothing";
    `);
    expect(specifiersOf(code)).toEqual([
      "./a.ts",
      "../b.ts",
      "node:fs",
      "pkg",
      "./effect.ts",
      "./g.ts",
      "./h.ts",
      "./i.ts",
      "./j.ts",
    ]);
  });

  test("found the sources, and every import leads to one of them", () => {
    expect(sources.length).toBeGreaterThanOrEqual(FEWEST_FILES);
    const files = new Set(sources.map((source) => source.file));
    const lost = sources.flatMap(({ file, internal }) =>
      internal
        .filter((target) => !files.has(target) && !target.endsWith(".json"))
        .map((target) => `${file} -> ${target}`),
    );
    expect(lost).toEqual([]);
    expect(sources.flatMap((source) => source.internal).length).toBeGreaterThanOrEqual(FEWEST_FILES);
  });
});

describe("imports", () => {
  test("go from room to room as the table says", () => {
    const wrong = sources.flatMap(({ file, internal }) => {
      const room = roomOf(file);
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined) return [`${file}: a room that the table does not know`];
      return internal
        .filter((target) => roomOf(target) !== room)
        .filter((target) => !allowed.some((entry) => stands(entry, target)))
        .filter((target) => !EXCEPTIONS.some(([from, to]) => stands(from, file) && stands(to, target)))
        .map((target) => `${file} -> ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("each exception is still needed", () => {
    const unused = EXCEPTIONS.filter(
      ([from, to]) =>
        !sources.some(({ file, internal }) => stands(from, file) && internal.some((target) => stands(to, target))),
    );
    expect(unused).toEqual([]);
  });

  test("form no cycle, type-only ones included", () => {
    expect(findCycle(new Map(sources.map((source) => [source.file, source.internal])))).toBeUndefined();
    expect(findCycle(new Map(Object.entries({ a: ["b"], b: ["c"], c: ["a"] })))).toEqual(["a", "b", "c", "a"]);
  });

  test.each(OWNERS)("%s has its owners", (module, owners) => {
    const others = sources.filter(({ external, file }) => external.includes(module) && !owners.test(file));
    expect(others.map((source) => source.file)).toEqual([]);
  });

  test("of pure rooms reach neither disk, network nor processes", () => {
    const wrong = sources
      .filter(({ file }) => PURE.includes(roomOf(file)))
      .flatMap(({ file, external }) =>
        external
          .filter((name) => name.startsWith("node:") && !PURE_MODULES.has(name))
          .map((name) => `${file} -> ${name}`),
      );
    expect(wrong).toEqual([]);
  });
});

test("the client needs nothing but what browsers have", () => {
  const reached = new Set(sources.filter(({ file }) => roomOf(file) === PORTABLE).map(({ file }) => file));
  expect(reached.size).toBeGreaterThanOrEqual(4);
  const byFile = new Map(sources.map((source) => [source.file, source]));
  // Types are gone when it runs.
  const values = (code: string): readonly string[] =>
    specifiersOf(code.replaceAll(/\b(?:import|export) type [^;]*;/g, ""));
  for (const file of reached)
    for (const specifier of values(byFile.get(file)?.code ?? ""))
      reached.add(specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file), specifier) : specifier);
  const wrong = [...reached].filter((file) => NODE_NAMES.test(byFile.get(file)?.code ?? "node:"));
  expect(wrong).toEqual([]);
});

test("the server of MCP is loaded by its own command when that is typed, and by `serve` when it is asked", () => {
  const users = sources.filter(
    ({ file, internal }) => roomOf(file) !== "mcp" && internal.some((to) => roomOf(to) === "mcp"),
  );
  expect(users.map(({ file }) => file)).toEqual(["cli/commands/mcp.ts", "server/routes/mcp-routes.ts"]);
  for (const { code } of users) expect(code).not.toMatch(/^import .*"\.\.\/\.\.\/mcp\//m);
  const starters = sources.filter(({ internal }) => internal.includes("cli/commands/mcp.ts"));
  expect(starters.map(({ file }) => file)).toEqual(["cli/table/server-commands.ts"]);
  expect(starters[0]?.code).not.toMatch(/^import .*commands\/mcp/m);
});

test.each(DOORS)("%s has one owner", (_, pattern, owners) => {
  const others = sources.filter(({ code, file }) => pattern.test(code) && !owners.test(file));
  expect(others.map((source) => source.file)).toEqual([]);
});

test("files stay short", () => {
  const long = sources.filter(({ lines }) => lines > MOST_LINES);
  expect(long.map(({ file, lines }) => `${file}: ${lines}`)).toEqual([]);
});

/** The conditional spreads in `code`: `...(x === undefined ? {} : { x })`, `...(x ? { x } : {})`, `...(x && { x })`. */
function conditionalSpreads(code: string): readonly string[] {
  const found: string[] = [];
  for (const { index } of code.matchAll(/\.\.\.\(/g)) {
    let depth = 0;
    let end = index + 3;
    do {
      if (code[end] === "(") depth++;
      else if (code[end] === ")") depth--;
      end++;
    } while (depth > 0 && end < code.length);
    const spread = code.slice(index, end);
    if (/\?\s*\{\}\s*:|:\s*\{\},?\s*\)$|&&\s*\{/.test(spread)) found.push(spread.replace(/\s+/g, " "));
  }
  return found;
}

test("members that may be absent are given to `defined`, not spread on a condition", () => {
  const samples = [
    "{ ...(x === undefined ? {} : { x }) }",
    "{ ...(is(x) ? { x: f(x) } : {}) }",
    "{ ...(a\n ? { b }\n : c ? { d } : {}\n ) }",
    "{ ...(x !== undefined && { x }) }",
    "{ ...(x ?? {}), ...(found ? [y] : []), ...(await made({})) }",
  ];
  expect(samples.map((code) => conditionalSpreads(code).length)).toEqual([1, 1, 1, 1, 0]);
  expect(sources.flatMap(({ file, code }) => conditionalSpreads(code).map((text) => `${file}: ${text}`))).toEqual([]);
});

test("files open with what they are for", () => {
  const silent = sources.filter(({ file }) => !/^(?:#!.*\n)?\/\*\*/.test(readFileSync(path.join(SRC, file), "utf8")));
  expect(silent.map((source) => source.file)).toEqual([]);
});

const EXPORTED =
  /^export (?:declare )?(?:abstract )?(?:(?:async )?function\*?|const|let|class|interface|type(?! \{)) ([\w$]+)/gm;

test("an exported name exists once", () => {
  const owners = new Map<string, Set<string>>();
  for (const { file, code } of sources)
    for (const [, name = ""] of code.matchAll(EXPORTED)) owners.set(name, (owners.get(name) ?? new Set()).add(file));
  expect(owners.size).toBeGreaterThan(1000);
  const shared = [...owners].filter(([, files]) => files.size > 1).map(([name, files]) => [name, ...files].join(" "));
  expect(shared.filter((one) => !((one.split(" ")[0] ?? "") in SHARED_NAMES))).toEqual([]);
  expect(Object.keys(SHARED_NAMES).filter((name) => (owners.get(name)?.size ?? 0) < 2)).toEqual([]);
});

/** Some cycle, its first file again at the end. */
function findCycle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    way.push(file);
    for (const target of imports.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    way.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
