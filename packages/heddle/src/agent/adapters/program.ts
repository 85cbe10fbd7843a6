/**
 * Agent program lookup: finds an agent's program and asks it for its version. Starts a program only with `--version`.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path, { isAbsolute } from "node:path";
import { defined } from "../../base/defined.ts";
import { isJsonObject } from "../../base/json.ts";
import { shortMessage } from "./failure-class.ts";
import { findProgram } from "./which.ts";
import type { AgentProbe } from "./port.ts";
import { type AgentWorld, startAgentProcess } from "./process.ts";

export interface Program {
  /** A name that is looked for on PATH, or an absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  /** Arguments that make it print its version; absent: it is not asked. */
  readonly version?: readonly string[];
  /** How to get it, for people. */
  readonly install?: string;
}

const PROBE_MS = 15_000;
/** Folders above a program's file that are looked at for its package. */
const PACKAGE_DEPTH = 4;
const VERSION = /\d+\.\d+(?:\.\d+)?(?:[-+][\w.-]+)?/;

/**
 * Why there is no such program, and what to do; `undefined`: there is one, or its path depends on the attempt's
 * folder.
 */
export function missingProgram({ command, install }: Program, searched: string): string | undefined {
  const isRelative = command.includes("/") && !isAbsolute(command);
  if (isRelative || findProgram(command, searched) !== undefined) return undefined;
  const where = isAbsolute(command) ? "does not exist or is not executable" : "was not found on PATH";
  return `${command} ${where}${install === undefined ? "" : `; ${install}`}`;
}

/** Of the npm package that a program belongs to; `undefined`: it belongs to none. Starts nothing. */
function packageVersion(file: string): string | undefined {
  try {
    let folder = path.dirname(realpathSync(file));
    for (let i = 0; i < PACKAGE_DEPTH; i++, folder = path.dirname(folder)) {
      const manifest = path.join(folder, "package.json");
      if (!existsSync(manifest)) continue;
      const read: unknown = JSON.parse(readFileSync(manifest, "utf8"));
      const version = isJsonObject(read) ? read["version"] : undefined;
      if (typeof version === "string") return VERSION.exec(version)?.[0];
    }
  } catch {
    // What cannot be read says nothing.
  }
  return undefined;
}

/** `searched`: where to look. The version is what the first number with dots in its answer is. */
export async function probeProgram(world: AgentWorld, program: Program, searched: string): Promise<AgentProbe> {
  const file = findProgram(program.command, searched);
  if (file === undefined)
    return { found: false, problem: missingProgram(program, searched) ?? `${program.command} does not exist` };
  if (program.version === undefined) return defined({ found: true, program: file, version: packageVersion(file) });
  let said = "";
  const running = startAgentProcess(world, {
    program: file,
    args: program.version,
    cwd: "/",
    env: { PATH: searched, HOME: "/", NO_COLOR: "1" },
    graceMs: 500,
    stdout: (chunk) => {
      if (said.length < 4096) said += chunk.toString("utf8");
    },
    stderr: () => {},
  });
  running.endInput();
  const cancel = world.clock.after(PROBE_MS, () => running.kill());
  const end = await running.ended;
  cancel();
  const version = VERSION.exec(said)?.[0];
  if (end.kind === "exited" && end.code === 0) return defined({ found: true, program: file, version });
  const how = end.kind === "exited" ? `ended with exit code ${end.code}` : shortMessage(end.message, 200);
  return { found: false, program: file, problem: `${file} ${program.version.join(" ")} ${how}` };
}
