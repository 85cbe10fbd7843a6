/** A project that is a repository, the real command line, and the scripted agent over the real protocol. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { COMPILED, SCRIPTED } from "../../support/built.ts";
import { jsonLines, Rig, type Finished, type StartOptions } from "../../support/command-line.ts";
import type { Command } from "../../support/in-process.ts";
import { copyOfTemplate } from "../../support/template.ts";
import { IN_MEMORY } from "../../support/temporary.ts";
import { fingerprint, USER_ENV } from "../../support/user-git.ts";

export interface Step {
  readonly id: string;
  readonly [key: string]: unknown;
}

export class AgentRig extends Rig {
  readonly state: string;

  constructor(under: string = IN_MEMORY) {
    super({ under });
    this.state = path.join(this.env()["HOME"] ?? "", "state");
    const make = (folder: string): void => {
      writeFileSync(path.join(folder, ".gitignore"), ".heddle/\nheddle.json\nagents.yaml\n*.here\n*.go\n");
      writeFileSync(path.join(folder, "a.txt"), "first\nsecond\nthird\n");
      this.git(["init", "-q", "-b", "main"], folder);
      this.git(["add", "-A"], folder);
      this.git(["commit", "-q", "-m", "first"], folder);
    };
    copyOfTemplate("agents", make, this.dir);
    // The index knows files by their inodes as well: these are others.
    this.git(["update-index", "-q", "--refresh"]);
  }

  override env(extra: StartOptions["env"] = {}): NodeJS.ProcessEnv {
    return { ...super.env(), XDG_STATE_HOME: path.join(super.env()["HOME"] ?? "", "state"), ...extra };
  }

  git(args: readonly string[], cwd: string = this.dir): string {
    // Hooks and monitors that a test plants are for heddle to pass by, not for the test's own git.
    return execFileSync("git", ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", ...args], {
      cwd,
      env: USER_ENV,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trimEnd();
  }

  commit(message: string): void {
    this.git(["add", "-A"]);
    this.git(["commit", "-q", "-m", message]);
  }

  /** Steps by id with what their agent does: the script's actions, or its cases. */
  agents(
    scripts: Readonly<Record<string, readonly unknown[]>>,
    plan: { readonly steps: readonly Step[]; readonly [key: string]: unknown },
    agents: Readonly<Record<string, unknown>> = {},
  ): void {
    const cases = Object.entries(scripts).flatMap(([step, actions]) =>
      actions.every((one) => typeof one === "object" && one !== null && "do" in one)
        ? actions.map((one) => ({ step, ...(one as object) }))
        : [{ step, do: actions }],
    );
    this.write("agents.yaml", JSON.stringify({ cases }));
    this.plan({
      name: "agents",
      agents: {
        default: "scripted",
        use: { scripted: scripted("agents.yaml") },
        ...agents,
      },
      ...plan,
      steps: plan.steps.map((step) => ({
        ...("run" in step || "approve" in step ? {} : { agent: `do ${step.id}` }),
        ...step,
      })),
    });
  }

  async json(args: readonly string[]): Promise<{ readonly finished: Finished; readonly events: readonly Event[] }> {
    const finished = await this.heddle([...args, "--json"]);
    return { finished, events: jsonLines(finished.stdout) as unknown as readonly Event[] };
  }

  /** The id of the latest run. */
  async run(): Promise<string> {
    const { runs } = JSON.parse((await this.heddle(["runs", "--json"])).stdout) as { runs: { run: string }[] };
    return runs[0]?.run ?? "";
  }

  async statuses(): Promise<Readonly<Record<string, string>>> {
    const shown = JSON.parse((await this.heddle(["show", "--json"])).stdout) as {
      steps: { id: string; status: string }[];
    };
    return Object.fromEntries(shown.steps.map(({ id, status }) => [id, status]));
  }

  /** A file of the integration branch of the latest run. */
  async merged(file: string): Promise<string> {
    return this.git(["show", `heddle/${await this.run()}/integration:${file}`]);
  }

  async log(): Promise<readonly string[]> {
    const run = await this.run();
    return this.git(["log", "--reverse", "--format=%s", `main..heddle/${run}/integration`])
      .split("\n")
      .filter(Boolean);
  }

  /** The user's checkout and repository without heddle's own: equal texts, nothing was touched. */
  checkout(): string {
    const skip = (file: string): boolean =>
      /^\.heddle(\/|$)|\.(here|go)$|^\.git\/(refs\/(heads\/)?heddle|logs\/refs\/(heads\/)?heddle|objects|worktrees|refs$|refs\/heads$|logs\/refs$|logs\/refs\/heads$)|^\.git$|^$/.test(
        file,
      );
    const refs = this.git(["for-each-ref", "--format=%(refname) %(objectname)"])
      .split("\n")
      .filter((line) => !/^refs\/(heads\/)?heddle\//.test(line));
    return [
      fingerprint(this.dir, skip),
      ...refs,
      this.git(["--no-optional-locks", "status", "--porcelain"]),
      this.git(["stash", "list"]),
    ].join("\n");
  }

  writeIn(folder: string, file: string, text: string): void {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** The scripted agent as it is published, with its code compiled already: it begins in half the time. */
export function scripted(script: string): object {
  return { preset: "scripted", command: [process.execPath, SCRIPTED], script, env: { NODE_COMPILE_CACHE: COMPILED } };
}

export interface Event {
  readonly type: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Resolves when a `--json` run has told of it. */
export async function happens(running: Pick<Command, "says">, type: string, step: string): Promise<void> {
  await running.says((shown) => {
    const whole = shown.slice(0, shown.lastIndexOf("\n") + 1);
    return ofType(jsonLines(whole) as unknown as readonly Event[], type, step).length > 0;
  });
}

export function ofType(events: readonly Event[], type: string, step?: string): readonly Event[] {
  return events.filter((event) => event.type === type && (step === undefined || event.step === step));
}

/** A script's action that writes a file. */
export function writes(file: string, text: string): object {
  return { write: { path: file, text } };
}

export const isNightly: boolean = process.env["HEDDLE_TIER"] === "nightly";

/** The first `few` in `npm test`, all of them in the nightly: variants of one thing that cost seconds each. */
export function variants<T>(few: number, all: readonly T[]): readonly T[] {
  return isNightly ? all : all.slice(0, few);
}
