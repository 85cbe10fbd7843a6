/**
 * Sandbox: runs an agent in bubblewrap. Its folder, temporary files and its files at home are writable, everything else
 * is read-only, and its processes end with it. Knows bubblewrap's arguments and whether it works on this machine.
 *
 * Invariants:
 *  1. Whether a sandbox is available is tested once, by running one, and reported; it is never guessed.
 *  2. `require` without a sandbox is an error, never an attempt without one.
 *  3. A process in it has no privileges, not even as root: with them it could remount read-only folders.
 */
import { existsSync, realpathSync } from "node:fs";
import { type Result, err, ok } from "../../base/result.ts";
import { shortMessage } from "./failure-class.ts";
import { findProgram } from "./which.ts";
import { type AgentWorld, startAgentProcess } from "./process.ts";

export interface SandboxRequest {
  readonly mode: "auto" | "off" | "require";
  readonly cwd: string;
  /** {@link cwd} can only be read; absent: it can be written to. */
  readonly isReadOnly?: boolean;
  /** Folders that can be read also where a new `/tmp` or `/dev` would hide them; absolute. */
  readonly readable?: readonly string[];
  /** Further writable folders; absolute. Those that do not exist are ignored. */
  readonly writable: readonly string[];
}

export interface Box {
  readonly kind: "bubblewrap" | "none";
  readonly wrap?: (program: string, args: readonly string[]) => readonly [string, ...string[]];
  /** Reports that there is no sandbox although one was wanted; called once. */
  readonly notice?: string;
}

export interface Sandbox {
  around(request: SandboxRequest): Promise<Result<Box, string>>;
  /** Whether one works here, and if not, why. */
  probe(): Promise<Result<string, string>>;
}

const PROBE_MS = 10_000;

export function bubblewrapSandbox(world: AgentWorld): Sandbox {
  let probed: Promise<Result<string, string>> | undefined;
  let isSaid = false;
  const probe = (): Promise<Result<string, string>> => (probed ??= tryOut(world));
  return {
    probe,
    async around(request) {
      if (request.mode === "off") return ok({ kind: "none" });
      const found = await probe();
      if (found.ok) {
        const box = boxArguments(request);
        return ok({ kind: "bubblewrap", wrap: (program, args) => [found.value, ...box, "--", program, ...args] });
      }
      if (request.mode === "require") return err(`this step needs a sandbox, and none is available: ${found.error}`);
      if (isSaid) return ok({ kind: "none" });
      isSaid = true;
      return ok({ kind: "none", notice: `agents run without a sandbox: ${found.error}` });
    },
  };
}

async function tryOut(world: AgentWorld): Promise<Result<string, string>> {
  if (process.platform !== "linux") return err("bubblewrap runs on Linux only");
  const program = findProgram("bwrap", world.path);
  if (program === undefined) return err("bubblewrap (bwrap) was not found on PATH; install the package bubblewrap");
  let said = "";
  const running = startAgentProcess(world, {
    program,
    args: [...boxArguments({ mode: "auto", cwd: "/tmp", writable: [] }), "--", "sh", "-c", "test ! -w /etc"],
    cwd: "/",
    env: { PATH: world.path },
    graceMs: 200,
    stdout: () => {},
    stderr: (chunk) => {
      if (said.length < 2000) said += chunk.toString("utf8");
    },
  });
  running.endInput();
  const cancel = world.clock.after(PROBE_MS, () => running.kill());
  const end = await running.ended;
  cancel();
  if (end.kind === "exited" && end.code === 0) return ok(program);
  const why = said === "" ? (end.kind === "exited" ? `exit code ${end.code}` : end.message) : said;
  return err(`bubblewrap does not work here: ${shortMessage(why, 200)}`);
}

/**
 * Everything is readable; `/tmp` is private and empty unless the folder is in it; devices and processes are new. The
 * order matters: a later mount covers an earlier one.
 */
export function boxArguments(request: SandboxRequest): readonly string[] {
  const { cwd, isReadOnly = false, readable = [], writable } = request;
  return [
    ..."--ro-bind / / --tmpfs /tmp --dev /dev --proc /proc --unshare-pid --die-with-parent --cap-drop ALL".split(" "),
    ...binds("--ro-bind", isReadOnly ? [...readable, cwd] : readable),
    ...binds("--bind", isReadOnly ? writable : [cwd, ...writable]),
    "--chdir",
    cwd,
    "--setenv",
    "TMPDIR",
    "/tmp",
  ];
}

function binds(kind: "--bind" | "--ro-bind", folders: readonly string[]): readonly string[] {
  const there = folders.filter((folder) => folder !== "/" && existsSync(folder));
  return [...new Set(there.map((folder) => realpathSync(folder)))].flatMap((folder) => [kind, folder, folder]);
}
