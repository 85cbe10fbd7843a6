/** The published command, in a package of its own with a bundle that tells what became of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";

const BIN = path.resolve(import.meta.dirname, "../../bin");

/** Stands for the bundle: says which process it is in, then does what its first argument says. */
const CLI = `
exports.main = async function main(args) {
  process.on("SIGTERM", () => { console.log("told to end"); process.exit(0); });
  process.on("SIGINT", () => { console.log("interrupted"); process.exit(130); });
  console.log("main", process.versions.node.split(".")[0], ...args);
  if (args[0] === "exit") process.exitCode = Number(args[1]);
  if (args[0] === "die") process.kill(process.pid, "SIGKILL");
  if (args[0] === "wait") setInterval(() => undefined, 1000);
};
`;

/** Makes the Node that loads it first look old to the command; a Node started by the command is itself. */
const OLD_NODE = `
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });
process.execve = undefined;
`;

let root: string;
let bin: string;

beforeEach(async () => {
  root = temporaryFolder("bin");
  const home = path.join(root, "project/node_modules/heddle");
  bin = path.join(home, "bin/heddle.cjs");
  await mkdir(path.join(home, "dist"), { recursive: true });
  await cp(BIN, path.dirname(bin), { recursive: true });
  await writeFile(path.join(home, "package.json"), '{ "name": "heddle", "version": "1.2.3", "type": "module" }');
  await writeFile(path.join(home, "dist/cli.cjs"), CLI);
  await writeFile(path.join(root, "old.cjs"), OLD_NODE);
  await writeFile(path.join(root, "windows.cjs"), 'Object.defineProperty(process, "platform", { value: "win32" });');
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** What a finished command left behind. */
interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], preload?: string, cwd = root): ChildProcess {
  const before = preload === undefined ? [] : ["--require", path.join(root, preload)];
  return spawn(process.execPath, [...before, bin, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/bin:/bin", XDG_CACHE_HOME: path.join(root, "cache") },
  });
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const closed = new Promise<[number | null, string | null]>((resolve) => {
    child.once("close", (code, signal) => resolve([code, signal]));
  });
  const [out, err, [code, signal]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), closed]);
  return { code, signal, out, err };
}

async function textOf(stream: ChildProcess["stdout"]): Promise<string> {
  return stream === null ? "" : text(stream);
}

function installNewNode(folder = path.join(root, "project/node_modules/.bin")): Promise<void> {
  return mkdir(folder, { recursive: true }).then(() => symlink(process.execPath, path.join(folder, "node")));
}

test("a fitting Node runs the bundle with the arguments as they are", async () => {
  expect(await endOf(start(["exit", "3", "--flag=a b"]))).toMatchObject({
    code: 3,
    out: "main 24 exit 3 --flag=a b\n",
  });
});

test("--version needs no bundle", async () => {
  await rm(path.join(path.dirname(bin), "../dist"), { recursive: true });
  expect(await endOf(start(["--version"]))).toEqual({ code: 0, signal: null, out: "1.2.3\n", err: "" });
});

test("a missing bundle is told, with what to do", async () => {
  await rm(path.join(path.dirname(bin), "../dist"), { recursive: true });
  const { code, err } = await endOf(start(["run"]));
  expect(code).toBe(2);
  expect(err).toMatch(/^heddle: .*`npm run build`.*\n$/);
});

test("an old Node alone is told in one line which is needed", async () => {
  const { code, out, err } = await endOf(start(["run"], "old.cjs"));
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(/^heddle: needs Node 24 or newer, this is Node 20\.1\.0.*\n$/);
});

test("Windows is told that it is not supported", async () => {
  const { code, err } = await endOf(start(["run"], "windows.cjs"));
  expect(code).toBe(2);
  expect(err).toMatch(/^heddle: Windows is not supported.*\n$/);
});

test("an old Node hands over to a newer one beside the package, exit code included", async () => {
  await installNewNode();
  expect(await endOf(start(["exit", "7"], "old.cjs"))).toMatchObject({ code: 7, out: "main 24 exit 7\n" });
});

test("... or beside the project in the current folder", async () => {
  const cwd = path.join(root, "elsewhere/deep");
  await mkdir(cwd, { recursive: true });
  const name = `node-${process.platform}-${process.arch}`;
  await installNewNode(path.join(root, "elsewhere/node_modules", name, "bin"));
  expect(await endOf(start(["exit", "0"], "old.cjs", cwd))).toMatchObject({ code: 0, out: "main 24 exit 0\n" });
});

test("what looks like a Node and is none is passed over", async () => {
  const folder = path.join(root, "project/node_modules/.bin");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "node"), "#!/bin/sh\necho v18.0.0\n", { mode: 0o755 });
  expect((await endOf(start(["run"], "old.cjs"))).err).toContain("needs Node 24");
});

test("a child that a signal ended ends its parent by the same", async () => {
  await installNewNode();
  expect(await endOf(start(["die"], "old.cjs"))).toMatchObject({ code: null, signal: "SIGKILL" });
});

test.each([
  ["SIGTERM", "told to end", 0],
  ["SIGINT", "interrupted", 130],
] as const)("%s goes down to the newer Node, whose end is awaited", async (signal, said, code) => {
  await installNewNode();
  const child = start(["wait"], "old.cjs");
  child.stdout?.once("data", () => child.kill(signal));
  expect(await endOf(child)).toMatchObject({ code, signal: null, out: expect.stringContaining(said) });
});
