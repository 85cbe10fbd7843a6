/**
 * The same commands as a project of heddle and of each peer: writes a folder, tells how to start it. Knows the files that each
 * wants; not what is measured.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Launch } from "./measure.ts";

export interface Command {
  readonly id: string;
  readonly command: string;
  readonly deps: readonly string[];
}

export interface Contest {
  readonly who: string;
  readonly note: string;
  /** Writes the project into a new folder; gives its start, `jobs` commands at once. */
  prepare(folder: string, commands: readonly Command[], jobs: number): Launch;
}

const BENCH = resolve(import.meta.dirname, "..");
const PEERS = join(BENCH, "peers/node_modules");
/** The command under test, built. */
export const HEDDLE: string = resolve(BENCH, "../packages/heddle/bin/heddle.cjs");

/** What heddle keeps for its user alone (compiled code) goes here and not into the home of who measures. */
const ENV = { PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`, CI: "", FORCE_COLOR: "0" };

export function nodeLaunch(args: readonly string[], cwd?: string): Launch {
  return { file: process.execPath, args, ...(cwd === undefined ? {} : { cwd }), env: ENV };
}

export function heddleLaunch(folder: string, ...words: readonly string[]): Launch {
  return nodeLaunch([HEDDLE, ...words], folder);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

export const heddle: Contest = {
  who: "heddle",
  note: "everything journalled at FULL",
  prepare(folder, commands, jobs) {
    const steps = commands.map(({ id, command, deps }) => {
      const line = `  - { id: ${id}, run: ${JSON.stringify(command)}`;
      return deps.length === 0 ? `${line} }` : `${line}, deps: [${deps.join(", ")}] }`;
    });
    write(join(folder, "heddle.yaml"), `name: bench\nsteps:\n${steps.join("\n")}\n`);
    return heddleLaunch(folder, "run", "-j", String(jobs));
  },
};

export const make: Contest = {
  who: "make",
  note: "",
  prepare(folder, commands, jobs) {
    const ids = commands.map(({ id }) => id).join(" ");
    const rules = commands.map(({ id, command, deps }) => `${id}: ${deps.join(" ")}\n\t@${command}\n`);
    write(join(folder, "Makefile"), `all: ${ids}\n.PHONY: all ${ids}\n${rules.join("")}`);
    return { file: "make", args: [`-j${jobs}`], cwd: folder, env: ENV };
  },
};

export const ninja: Contest = {
  who: "ninja",
  note: "",
  prepare(folder, commands, jobs) {
    const rules = commands.map(({ id, command, deps }) => `build ${id}: go ${deps.join(" ")}\n  c = ${command}\n`);
    write(join(folder, "build.ninja"), `rule go\n  command = $c\n${rules.join("")}`);
    return { file: "ninja", args: [`-j${jobs}`], cwd: folder, env: ENV };
  },
};

/** One package a command, in a workspace: what pnpm, turbo and lage take. */
function writeWorkspace(folder: string, commands: readonly Command[]): void {
  const packageManager = `pnpm@${versionOf("pnpm") ?? "0.0.0"}`;
  const packages = { name: "bench", version: "1.0.0", private: true, workspaces: ["packages/*"], packageManager };
  write(join(folder, "package.json"), json(packages));
  for (const { id, command, deps } of commands) {
    const dependencies = Object.fromEntries(deps.map((dep) => [dep, "workspace:*"]));
    const about = { name: id, version: "1.0.0", private: true, scripts: { go: command }, dependencies };
    write(join(folder, "packages", id, "package.json"), json(about));
  }
  write(
    join(folder, "pnpm-workspace.yaml"),
    "packages:\n  - packages/*\npmOnFail: ignore\nverifyDepsBeforeRun: false\n",
  );
  const importers = commands.map(({ id, deps }) => {
    const links = deps.map((dep) => `      ${dep}:\n        specifier: workspace:*\n        version: link:../${dep}\n`);
    return `\n  packages/${id}:${deps.length === 0 ? " {}" : `\n    dependencies:\n${links.join("")}`}`;
  });
  write(join(folder, "pnpm-lock.yaml"), `lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n${importers.join("")}\n`);
}

/** Where pnpm's own installer would have put the program that its platform package brings. */
const PNPM_FOLDER = join(PEERS, `@pnpm/exe.${process.platform}-${process.arch}`);

export const pnpm: Contest = {
  who: "pnpm -r",
  note: "no results kept",
  prepare(folder, commands, jobs) {
    writeWorkspace(folder, commands);
    const args = ["-r", `--workspace-concurrency=${jobs}`, "run", "go"];
    return { file: join(PNPM_FOLDER, "pnpm"), args, cwd: folder, env: ENV };
  },
};

export const turbo: Contest = {
  who: "turbo",
  note: "cache off",
  prepare(folder, commands, jobs) {
    writeWorkspace(folder, commands);
    const tasks = { go: { dependsOn: ["^go"], cache: false } };
    write(join(folder, "turbo.json"), json({ tasks }));
    const env = { ...ENV, PATH: `${PNPM_FOLDER}:${ENV.PATH}`, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
    const bin = join(PEERS, "turbo/bin/turbo");
    return { ...nodeLaunch([bin, "run", "go", `--concurrency=${jobs}`], folder), env };
  },
};

export const lage: Contest = {
  who: "lage",
  note: "cache off",
  prepare(folder, commands, jobs) {
    writeWorkspace(folder, commands);
    const config = { npmClient: "npm", pipeline: { go: ["^go"] }, cache: false };
    write(join(folder, "lage.config.js"), `module.exports = ${json(config)}`);
    const git = ["git init -q", "git add .", "git -c user.name=b -c user.email=b@localhost commit -q -m b"].join(
      " && ",
    );
    execFileSync("sh", ["-c", git], { cwd: folder });
    return nodeLaunch([join(PEERS, "lage/dist/lage.js"), "go", `--concurrency=${jobs}`, "--no-cache"], folder);
  },
};

export const nx: Contest = {
  who: "nx",
  note: "cache and daemon off",
  prepare(folder, commands, jobs) {
    write(join(folder, "package.json"), json({ name: "bench", private: true }));
    write(
      join(folder, "nx.json"),
      json({ targetDefaults: { go: { dependsOn: ["^go"], cache: false } }, analytics: false }),
    );
    for (const { id, command, deps } of commands) {
      const about = { name: id, root: `packages/${id}`, implicitDependencies: deps, targets: { go: { command } } };
      write(join(folder, "packages", id, "project.json"), json(about));
    }
    symlinkSync(PEERS, join(folder, "node_modules"));
    const env = { ...ENV, NX_DAEMON: "false", NX_TUI: "false", NX_NO_CLOUD: "true" };
    const args = [join(PEERS, "nx/dist/bin/nx.js"), "run-many", "-t", "go", `--parallel=${jobs}`, "--skip-nx-cache"];
    return { ...nodeLaunch(args, folder), env };
  },
};

export const wireit: Contest = {
  who: "wireit",
  note: "nothing declared, nothing kept",
  prepare(folder, commands, jobs) {
    const scripts: Record<string, string> = { all: "wireit" };
    const about: Record<string, object> = { all: { dependencies: commands.map(({ id }) => id) } };
    for (const { id, command, deps } of commands) {
      scripts[id] = "wireit";
      about[id] = { command, ...(deps.length === 0 ? {} : { dependencies: deps }) };
    }
    write(join(folder, "package.json"), json({ name: "bench", private: true, scripts, wireit: about }));
    symlinkSync(PEERS, join(folder, "node_modules"));
    const env = { ...ENV, WIREIT_PARALLEL: String(jobs), WIREIT_LOGGER: "simple" };
    return { ...nodeLaunch(["--run", "all"], folder), env };
  },
};

/** The installed version of a peer; `undefined`: it is not installed. */
export function versionOf(peer: string): string | undefined {
  const file = join(PEERS, peer, "package.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
