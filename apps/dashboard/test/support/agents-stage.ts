/** A stage whose project is a repository that scripted agents work in: real worktrees, merges and conflicts, at gates that the test opens. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { vi } from "vitest";
import { scripted } from "../../../../packages/heddle/test/agent/e2e/rig.ts";
import { temporaryFolder } from "../../../../packages/heddle/test/support/temporary.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { USER_ENV } from "../../../../packages/heddle/test/support/user-git.ts";
import { Stage } from "./stage.ts";

export interface AgentStep {
  readonly id: string;
  /** What its agent does, in the words of scripts; absent: it is no agent's. */
  readonly does?: readonly object[];
  readonly [key: string]: unknown;
}

export class AgentsStage implements AsyncDisposable {
  readonly stage: Stage;
  readonly #dir: string;

  private constructor(stage: Stage) {
    this.stage = stage;
    this.#dir = path.join(stage.dir, "shop");
  }

  /** `files`: of the first commit. */
  static async open(files: Readonly<Record<string, string>>): Promise<AgentsStage> {
    vi.stubEnv("XDG_STATE_HOME", temporaryFolder("pages-state"));
    const made = new AgentsStage(await Stage.open());
    made.#git(["init", "-q", "-b", "main"]);
    for (const [file, text] of Object.entries({ ".gitignore": ".heddle/\nagents.yaml\n", ...files })) {
      const whole = path.join(made.#dir, file);
      mkdirSync(path.dirname(whole), { recursive: true });
      writeFileSync(whole, text);
    }
    made.#git(["add", "-A"]);
    made.#git(["commit", "-q", "-m", "first"]);
    return made;
  }

  /** A place where a command of an agent waits. */
  gate(name: string): { readonly does: object; reached(): Promise<void>; open(): Promise<void> } {
    const [here, go] = ["here", "go"].map((end) => path.join(this.stage.dir, `${name}.${end}`)) as [string, string];
    execFileSync("mkfifo", [here, go]);
    return {
      does: { run: `echo here > '${here}'; read word < '${go}'` },
      reached: async () => void (await readFile(here)),
      open: () => writeFile(go, "go\n"),
    };
  }

  async start(steps: readonly AgentStep[], agents: object = {}, more: object = {}): Promise<string> {
    const cases = steps.flatMap(({ id, does }) => (does === undefined ? [] : [{ step: id, do: does }]));
    writeFileSync(path.join(this.#dir, "agents.yaml"), JSON.stringify({ cases }));
    const use = { scripted: scripted("agents.yaml") };
    return await this.stage.start({
      name: "full-stack-app",
      agents: { default: "scripted", onConflict: ["human"], use, ...agents },
      steps: steps.map(({ does, ...step }) => (does === undefined ? step : { agent: `do ${step.id}`, ...step })),
      ...more,
    });
  }

  /** Resolves when a step has the status. */
  async step(run: string, step: string, status: string): Promise<void> {
    await until(async () => (await this.stage.project().steps.get(run, step)).step.status === status);
  }

  /** A file of the run's branch. */
  merged(run: string, file: string): string {
    return this.#git(["cat-file", "blob", `heddle/${run}/integration:${file}`]);
  }

  head(run: string): string {
    return this.#git(["rev-parse", `heddle/${run}/integration`]).trim();
  }

  #git(args: readonly string[]): string {
    return execFileSync("git", [...args], { cwd: this.#dir, env: USER_ENV, encoding: "utf8" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  }
}

/** A script's action that writes a file. */
export function write(file: string, text: string): object {
  return { write: { path: file, text } };
}
