/**
 * R11: limits hold at every instant. The real engine runs generated projects with counted resources, locks and a limit of steps
 * at once; each step counts what is in use while it runs. Published projects are taken as well where `HEDDLE_DAGS` names a folder.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { plan, run, step, type StepValue } from "../../src/index.ts";
import { report, scaled } from "./scale.ts";

interface Activity {
  readonly id: string;
  readonly deps: readonly string[];
  readonly ms: number;
  readonly needs: Readonly<Record<string, number>>;
  readonly write?: string;
}

interface Project {
  readonly name: string;
  readonly capacities: Readonly<Record<string, number>>;
  readonly maxConcurrency: number;
  readonly activities: readonly Activity[];
}

/** What is used now, and by how much a limit was ever passed. */
class Meter {
  readonly #project: Project;
  readonly #used = new Map<string, number>();
  readonly #most = new Map<string, number>();
  readonly excesses: string[] = [];

  constructor(project: Project) {
    this.#project = project;
  }

  take({ id, needs, write }: Activity, sign: 1 | -1): void {
    this.#change("steps at once", sign, this.#project.maxConcurrency, id);
    if (write !== undefined) this.#change(`lock ${write}`, sign, 1, id);
    for (const [name, amount] of Object.entries(needs)) {
      this.#change(name, sign * amount, this.#project.capacities[name] ?? 0, id);
    }
  }

  #change(name: string, by: number, most: number, id: string): void {
    const used = (this.#used.get(name) ?? 0) + by;
    this.#used.set(name, used);
    this.#most.set(name, Math.max(used, this.#most.get(name) ?? 0));
    if (used > most) this.excesses.push(`${this.#project.name}, ${id}: ${used} ${name} of ${most}`);
  }

  /** Whether some resource was ever used to the last. */
  reached(): boolean {
    return Object.entries(this.#project.capacities).some(([name, most]) => this.#most.get(name) === most);
  }
}

function generated(seed: number): Project {
  const random: Random = seededRandom(seed);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const capacities = Object.fromEntries(Array.from({ length: upTo(4) }, (_, i) => [`r${i}`, upTo(12)]));
  const activities = Array.from({ length: 10 + upTo(40) }, (_, i): Activity => {
    const deps = Array.from({ length: Math.floor(random() * 3) }, () => `j${Math.floor(random() * i)}`);
    const needs = Object.entries(capacities).flatMap(([name, most]): [string, number][] =>
      random() < 0.7 ? [[name, upTo(most)]] : [],
    );
    const write = random() < 0.15 ? `lock-${upTo(2)}` : undefined;
    return {
      id: `j${i}`,
      deps: i === 0 ? [] : [...new Set(deps)],
      ms: random() * 3,
      needs: Object.fromEntries(needs),
      ...(write === undefined ? {} : { write }),
    };
  });
  return { name: `generated ${seed}`, capacities, maxConcurrency: upTo(16), activities };
}

interface Published {
  readonly name: string;
  readonly capacities?: Readonly<Record<string, number>>;
  readonly nodes: readonly {
    readonly id: string;
    readonly deps: readonly string[];
    readonly durationMs?: number;
    readonly resources?: Readonly<Record<string, number>>;
  }[];
}

function published(): readonly Project[] {
  const folder = process.env["HEDDLE_DAGS"];
  if (folder === undefined || !existsSync(folder)) return [];
  const lines = readdirSync(folder)
    .filter((name) => name.startsWith("psplib") && name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  return lines
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Published)
    .map(({ name, capacities = {}, nodes }) => ({
      name,
      capacities,
      maxConcurrency: 32,
      activities: nodes.map(({ id, deps, durationMs = 1, resources = {} }) => ({
        id,
        deps,
        ms: durationMs,
        needs: resources,
      })),
    }));
}

async function carryOut(project: Project): Promise<Meter> {
  const meter = new Meter(project);
  const steps = project.activities.map((activity): StepValue => {
    const { id, deps, ms, needs, write } = activity;
    const options = { deps, resources: needs, ...(write === undefined ? {} : { locks: { write: [write] } }) };
    return step(id, options, async () => {
      meter.take(activity, 1);
      // Some are over in the same turn, others hold what they have for a while.
      if (ms > 0.5) await new Promise((resolve) => setTimeout(resolve, ms));
      meter.take(activity, -1);
      return null;
    });
  });
  const { capacities, maxConcurrency } = project;
  const result = await run(plan("project", { steps, resources: capacities, maxConcurrency }), { memory: true }).result;
  expect(result.status, project.name).toBe("succeeded");
  return meter;
}

test("R11: at no instant more than capacity, over 500 resource-constrained projects", async () => {
  const projects = [...Array.from({ length: scaled(500) }, (_, seed) => generated(seed)), ...published()];
  const excesses: string[] = [];
  let steps = 0;
  let reached = 0;
  for (const project of projects) {
    const meter = await carryOut(project);
    excesses.push(...meter.excesses);
    steps += project.activities.length;
    if (meter.reached()) reached++;
  }
  report(
    `R11: ${projects.length} projects (${published().length} published), ${steps} steps, ${reached} projects used a resource to the last, ${excesses.length} times more than capacity`,
  );
  expect(excesses).toEqual([]);
  expect(reached).toBeGreaterThan(projects.length / 2);
});

test("R11: the meter sees an excess", () => {
  const meter = new Meter({ name: "p", capacities: { r: 2 }, maxConcurrency: 9, activities: [] });
  for (const id of ["a", "b"]) meter.take({ id, deps: [], ms: 0, needs: { r: 2 } }, 1);
  expect(meter.excesses).toEqual(["p, b: 4 r of 2"]);
});
