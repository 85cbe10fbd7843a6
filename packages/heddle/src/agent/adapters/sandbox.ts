/**
 * Sandbox: runs an agent in bubblewrap. Its folder, temporary files and its files at home are writable, everything else
 * is read-only, and its processes end with it. Knows bubblewrap's arguments and whether it works on this machine.
 *
 * Invariants:
 *  1. Whether a sandbox is available is tested once, by running one, and reported; it is never guessed.
 *  2. `require` without a sandbox is an error, never an attempt without one.
 *  3. A process in it has no privileges, not even as root: with them it could remount read-only folders. The one exception is
 *     what root needs to make a sandbox inside, which opens nothing by itself.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
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
  /** The same, but made if they are missing; absolute. */
  readonly made?: readonly string[];
  /** What runs in it makes a sandbox of its own. */
  readonly isNested?: boolean;
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
  /** Whether another one can be made inside. */
  probeNested(): Promise<Result<string, string>>;
}

const PROBE_MS = 10_000;

export function bubblewrapSandbox(world: AgentWorld): Sandbox {
  let probed: Promise<Result<string, string>> | undefined;
  let nested: Promise<Result<string, string>> | undefined;
  let isSaid = false;
  const probe = (): Promise<Result<string, string>> => (probed ??= tryOut(world, "test ! -w /etc"));
  const probeNested = async (): Promise<Result<string, string>> => {
    const found = await probe();
    return found.ok ? await (nested ??= tryOut(world, `exec '${found.value}' ${INNER}`, true)) : found;
  };
  return {
    probe,
    probeNested,
    async around(request) {
      if (request.mode === "off") return ok({ kind: "none" });
      const found = request.isNested === true ? await probeNested() : await probe();
      if (found.ok) {
        for (const folder of request.made ?? []) makeFolder(folder);
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

/** Left out where it cannot be made: the agent will say what it needs. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch {}
}

/** A sandbox as agents make them for their commands, where a `/proc` of its own cannot be mounted: as in root's box. */
const INNER = "--unshare-user --unshare-pid --ro-bind / / --dev /dev -- true";

async function tryOut(world: AgentWorld, script: string, isNested = false): Promise<Result<string, string>> {
  if (process.platform !== "linux") return err("bubblewrap runs on Linux only");
  const program = findProgram("bwrap", world.path);
  if (program === undefined) return err("bubblewrap (bwrap) was not found on PATH; install the package bubblewrap");
  let said = "";
  const running = startAgentProcess(world, {
    program,
    args: [...boxArguments({ mode: "auto", cwd: "/tmp", writable: [], isNested }), "--", "sh", "-c", script],
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
  const what = isNested ? "a sandbox inside bubblewrap" : "bubblewrap";
  return err(`${what} does not work here: ${shortMessage(why, 200)}`);
}

/**
 * Everything is readable; `/tmp` is private and empty unless the folder is in it; devices and processes are new. The
 * order matters: a later mount covers an earlier one.
 */
export function boxArguments(request: SandboxRequest): readonly string[] {
  const { cwd, isReadOnly = false, readable = [], made = [], isNested = false } = request;
  const writable = [...request.writable, ...made];
  // As an ordinary user a process gets what it needs for that in its own namespace.
  const isRoot = process.getuid?.() === 0;
  return [
    ..."--ro-bind / / --tmpfs /tmp --dev /dev --proc /proc --unshare-pid --die-with-parent --cap-drop ALL".split(" "),
    ...(isNested && isRoot ? ["--cap-add", "CAP_SETFCAP"] : []),
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
