/** Doctor's checks of the machine: Node, platform, git on the path, free space. Starts no program. */
import { accessSync, constants, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { DoctorFinding } from "./finding.ts";

const OLDEST_NODE = 24;
const LITTLE_SPACE = 512 * 1024 * 1024;

export interface MachineOptions {
  /** Whose disk it is about. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function checkMachine({ dir, env }: MachineOptions): readonly DoctorFinding[] {
  return [checkNode(), checkPlatform(), checkGit(env), checkDisk(dir)];
}

function checkNode(): DoctorFinding {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= OLDEST_NODE) return { check: "node", level: "ok", message: `Node ${node}` };
  return {
    check: "node",
    level: "error",
    message: `Node ${node} is too old`,
    hint: `Install Node ${OLDEST_NODE} or newer.`,
  };
}

function checkPlatform(): DoctorFinding {
  switch (process.platform) {
    case "linux":
      return {
        check: "platform",
        level: "ok",
        message: "Linux: processes that leave their group are found through /proc",
      };
    case "darwin":
      return {
        check: "platform",
        level: "warning",
        message: "macOS: processes that leave their group are found through `ps` only",
      };
    default:
      return { check: "platform", level: "error", message: `${process.platform} is not supported in this version` };
  }
}

/** Looked for, not started: whether it is there is all that is asked. */
function checkGit(env: MachineOptions["env"]): DoctorFinding {
  const found = (env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && isExecutable(join(folder, "git")));
  if (found) return { check: "git", level: "ok", message: "found" };
  return {
    check: "git",
    level: "warning",
    message: "not found on PATH",
    hint: "Only needed for agents; without it a run records no commit.",
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function bytesText(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.round(bytes / 2 ** 20)} MB`;
}

function checkDisk(dir: string): DoctorFinding {
  try {
    const { bavail, bsize } = statfsSync(dir);
    const free = bavail * bsize;
    const message = `${bytesText(free)} free`;
    if (free > LITTLE_SPACE) return { check: "disk", level: "ok", message };
    return { check: "disk", level: "warning", message, hint: "Make room: `heddle gc` removes old runs." };
  } catch (thrown) {
    return { check: "disk", level: "warning", message: `cannot determine the free space: ${messageOf(thrown)}` };
  }
}
