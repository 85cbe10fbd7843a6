/** The code cache of the published command: used for the bundle that it was made of alone, and never in the way. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";

const BIN = path.resolve(import.meta.dirname, "../../bin");
const BUILD = "0123456789abcdef";

let home: string;
let bin: string;
let folder: string;

/** A package whose bundle says `word`, from a module of its own that requires its parent back, and loads a user's module. */
function install(word: string, build = BUILD): void {
  const dist = path.join(home, "dist");
  mkdirSync(dist, { recursive: true });
  writeFileSync(
    path.join(dist, "cli.cjs"),
    `exports.main = async (args) => {
       const part = require("./part.cjs");
       const { user } = await require("./cli-import-module-x.cjs").importModule(${JSON.stringify(path.join(home, "user.mjs"))});
       console.log(part.word(), user, __filename.endsWith("cli.cjs"), args.join(" "));
       if (args[0] === "wrong") process.exitCode = 2;
       if (args[0] === "more") require("./more.cjs");
       if (args[0] === "throw") throw new Error("thrown");
     };\n`,
  );
  writeFileSync(
    path.join(dist, "part.cjs"),
    `const parent = require("./cli.cjs"); exports.word = () => typeof parent.main === "function" ? ${JSON.stringify(word)} : "";\n`,
  );
  writeFileSync(path.join(dist, "cli-import-module-x.cjs"), "exports.importModule = (path) => import(path);\n");
  writeFileSync(path.join(dist, "more.cjs"), "exports.more = true;\n");
  writeFileSync(path.join(dist, "build-id.txt"), `${build}\n`);
}

async function start(...args: string[]): Promise<string> {
  const env = { PATH: "/usr/bin:/bin", XDG_CACHE_HOME: path.join(home, "cache") };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path.join(bin, "heddle.cjs"), ...args], {
    env,
  }).catch((failed: { stdout: string; stderr: string }) => failed);
  return stdout + stderr;
}

function caches(): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.includes(".code"));
  } catch {
    return [];
  }
}

/** Index of the cache of `run`: what it holds, and after how many starts. */
function indexOf(name = `run-${BUILD}.code`): { readonly starts: number; readonly modules: Record<string, unknown> } {
  const code = readFileSync(path.join(folder, name));
  const end = code.lastIndexOf("heddle-code-1") - 4;
  return JSON.parse(code.toString("utf8", end - code.readUInt32LE(end), end)) as ReturnType<typeof indexOf>;
}

beforeEach(() => {
  home = temporaryFolder("code-cache");
  bin = path.join(home, "bin");
  folder = path.join(home, "cache/heddle/compiled");
  mkdirSync(bin);
  for (const name of ["heddle.cjs", "code-cache.cjs"])
    writeFileSync(path.join(bin, name), readFileSync(path.join(BIN, name)));
  writeFileSync(path.join(home, "package.json"), '{ "name": "heddle", "version": "1.2.3", "type": "module" }');
  writeFileSync(path.join(home, "user.mjs"), 'export const user = "user";\n');
  install("first");
});

test("is made at the first start, made once more, then left alone, and grows with what is needed", async () => {
  expect(await start("run")).toBe("first user true run\n");
  expect(indexOf()).toMatchObject({ starts: 1, modules: { "cli.cjs": {}, "part.cjs": {} } });
  await start("run");
  expect(indexOf().starts).toBe(2);
  const { ino } = statSync(path.join(folder, `run-${BUILD}.code`));
  expect(await start("run")).toBe("first user true run\n");
  expect(statSync(path.join(folder, `run-${BUILD}.code`)).ino).toBe(ino);
  await start("more");
  renameSync(path.join(folder, `run-${BUILD}.code`), path.join(folder, `more-${BUILD}.code`));
  await start("more");
  expect(Object.keys(indexOf(`more-${BUILD}.code`).modules).sort()).toEqual(["cli.cjs", "more.cjs", "part.cjs"]);
  // What this start did not need is kept.
  renameSync(path.join(folder, `more-${BUILD}.code`), path.join(folder, `run-${BUILD}.code`));
  await start("run");
  expect(Object.keys(indexOf().modules)).toHaveLength(3);
});

describe("code of the same length that is not the same", () => {
  beforeEach(async () => {
    await start("run");
    await start("run");
  });

  test("of another build runs", async () => {
    const { atime, mtime } = statSync(path.join(home, "dist/part.cjs"));
    install("other", "fedcba9876543210");
    utimesSync(path.join(home, "dist/part.cjs"), atime, mtime);
    expect(await start("run")).toBe("other user true run\n");
  });

  test("of the same build, changed by hand, runs", async () => {
    install("other");
    utimesSync(path.join(home, "dist/part.cjs"), new Date(1e12), new Date(1e12));
    expect(await start("run")).toBe("other user true run\n");
  });
});

test("holds code of the module that is run: the test that the length decides can fail", async () => {
  await start("run");
  const { atime, mtime } = statSync(path.join(home, "dist/part.cjs"));
  const before = statSync(path.join(home, "dist/part.cjs"));
  install("other");
  utimesSync(path.join(home, "dist/part.cjs"), atime, mtime);
  // The clock of some file systems is finer than what can be set: then nothing is shown.
  if (statSync(path.join(home, "dist/part.cjs")).mtimeMs === before.mtimeMs)
    expect(await start("run")).toBe("first user true run\n");
});

describe("is not used, and is no error", () => {
  const damage: [string, (file: string) => void][] = [
    ["cut short", (file) => writeFileSync(file, readFileSync(file).subarray(0, 1000))],
    ["empty", (file) => writeFileSync(file, "")],
    ["with something behind it", (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from("x")]))],
    ["with an index that is none", (file) => writeFileSync(file, Buffer.from("{}\0\0\0\u0002\0\0\0heddle-code-1"))],
    [
      "with lengths out of bounds",
      (file) => writeFileSync(file, Buffer.from("\xff\xff\xff\xffheddle-code-1", "latin1")),
    ],
    ["writable by others", (file) => chmodSync(file, 0o666)],
    [
      "a link",
      (file) => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
    ],
    [
      "a folder",
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  ];
  test.each(damage)("%s", async (_, harm) => {
    await start("run");
    harm(path.join(folder, `run-${BUILD}.code`));
    expect(await start("run")).toBe("first user true run\n");
  });

  test("without a place for it", async () => {
    writeFileSync(path.join(home, "cache"), "a file");
    expect(await start("run")).toBe("first user true run\n");
  });

  test("without a build id", async () => {
    rmSync(path.join(home, "dist/build-id.txt"));
    expect(await start("run")).toBe("first user true run\n");
    expect(caches()).toEqual([]);
  });
});

test("an error names the place in the bundle", async () => {
  await start("throw");
  expect(await start("throw")).toMatch(/Error: thrown\n\s+at .*dist\/cli\.cjs:7:/);
});

test("a command line that is wrong leaves none, and words are no names of files", async () => {
  await start("wrong");
  expect(caches()).toEqual([]);
  await start("../../x");
  expect(caches()).toEqual([`heddle-${BUILD}.code`]);
});

test("old ones are removed, oldest first, drafts too; other files are left alone", async () => {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < 70; i++) {
    const file = path.join(folder, `run-${String(i).padStart(16, "0")}.code${i % 7 === 0 ? ".17" : ""}`);
    writeFileSync(file, "");
    utimesSync(file, i, i);
  }
  writeFileSync(path.join(folder, "notes.txt"), "");
  await start("run");
  expect(caches()).toHaveLength(31);
  expect(caches()).toContain(`run-${"69".padStart(16, "0")}.code`);
  expect(readdirSync(folder)).toContain("notes.txt");
});
