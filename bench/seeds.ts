/**
 * `npm run bench:seeds`: the worked example of examples/automation (15 steps of a repository's review; one minute takes 100 ms)
 * in every way that its numbers are quoted: one after another, in parallel, in waves, only what a change asks for, with cheap
 * repeats of what coding agents do. Each is computed (longest path, list schedule) and then really run by the built command.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { load } from "../packages/heddle/src/index.ts";
import { askProgram, median, timeProgram } from "./kit/measure.ts";
import { HEDDLE, heddleLaunch, make } from "./kit/projects.ts";

interface Step {
  readonly id: string;
  readonly ms: number;
  readonly ai: boolean;
  readonly deps: readonly string[];
}

/** One minute of the example, in milliseconds. */
const MINUTE_MS = 100;
/** What a repeat of a coding agent's step costs of the first time, where four fifths of its answers are known. */
const CHEAP = 0.2;
const ROUNDS = 3;

const DOCS = [0, 1, 2, 11, 12];
const CODE = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11];

interface Case {
  readonly title: string;
  /** The minutes that are quoted for it. */
  readonly quoted: number;
  readonly steps: readonly Step[];
  readonly words: readonly string[];
  /** Milliseconds that follow from the steps alone. */
  readonly computed: number;
}

async function example(): Promise<readonly Step[]> {
  const { plan } = await load(resolve(import.meta.dirname, "../examples/automation/heddle.yaml"));
  return plan.steps.map((step) => ({
    id: step.id,
    ms: step.estimateMs ?? 0,
    ai: step.labels?.includes("ai") ?? false,
    deps: step.deps ?? [],
  }));
}

function numberOf(id: string): number {
  return Number.parseInt(id, 10);
}

/** The steps with these numbers; who came after one that is left out comes after what that one came after. */
function only(all: readonly Step[], numbers: readonly number[]): readonly Step[] {
  const byId = new Map(all.map((step) => [step.id, step]));
  const isKept = (id: string): boolean => numbers.includes(numberOf(id));
  const through = (deps: readonly string[]): readonly string[] =>
    deps.flatMap((id) => (isKept(id) ? [id] : through(byId.get(id)?.deps ?? [])));
  return all.filter(({ id }) => isKept(id)).map((step) => ({ ...step, deps: [...new Set(through(step.deps))] }));
}

/** With step 9 beside step 7 instead of after it. */
function relaxed(steps: readonly Step[]): readonly Step[] {
  const seventh = steps.find(({ id }) => numberOf(id) === 7);
  return steps.map((step) => (numberOf(step.id) === 9 ? { ...step, deps: seventh?.deps ?? [] } : step));
}

function cheap(steps: readonly Step[]): readonly Step[] {
  return steps.map((step) => (step.ai ? { ...step, ms: step.ms * CHEAP } : step));
}

function sum(steps: readonly Step[]): number {
  return steps.reduce((total, { ms }) => total + ms, 0);
}

function layersOf(steps: readonly Step[]): ReadonlyMap<string, number> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const known = new Map<string, number>();
  const layerOf = (id: string): number => {
    const before = known.get(id) ?? 1 + Math.max(-1, ...(byId.get(id)?.deps ?? []).map(layerOf));
    known.set(id, before);
    return before;
  };
  for (const { id } of steps) layerOf(id);
  return known;
}

function longestPath(steps: readonly Step[]): number {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const endOf = ({ ms, deps }: Step): number =>
    ms + Math.max(0, ...deps.map((id) => endOf(byId.get(id) ?? { id, ms: 0, ai: false, deps: [] })));
  return Math.max(...steps.map(endOf));
}

/** Every layer takes as long as its longest step. */
function waves(steps: readonly Step[]): number {
  const layers = layersOf(steps);
  const longest = new Map<number, number>();
  for (const { id, ms } of steps) longest.set(layers.get(id) ?? 0, Math.max(ms, longest.get(layers.get(id) ?? 0) ?? 0));
  return [...longest.values()].reduce((total, ms) => total + ms, 0);
}

function casesOf(all: readonly Step[]): readonly Case[] {
  const early = only(all, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const code = only(all, CODE);
  const docs = cheap(only(all, DOCS));
  const wide = ["-j", "15"];
  return [
    {
      title: "steps 0 to 12, one after another",
      quoted: 23.25,
      steps: early,
      words: ["--sequential"],
      computed: sum(early),
    },
    { title: "all 15, one after another", quoted: 28.75, steps: all, words: ["--sequential"], computed: sum(all) },
    { title: "all 15, as parallel as they allow", quoted: 15.5, steps: all, words: wide, computed: longestPath(all) },
    { title: "all 15, two at once", quoted: 15.5, steps: all, words: ["-j", "2"], computed: longestPath(all) },
    {
      title: "all 15, in waves",
      quoted: 16,
      steps: all,
      words: [...wide, "--schedule", "layers"],
      computed: waves(all),
    },
    { title: "a change of code", quoted: 12.5, steps: code, words: wide, computed: longestPath(code) },
    {
      title: "a change of code, step 9 beside step 7",
      quoted: 10,
      steps: relaxed(code),
      words: wide,
      computed: longestPath(relaxed(code)),
    },
    {
      title: "a change of documents, agents cheap, in a row",
      quoted: 2.25,
      steps: docs,
      words: ["--sequential"],
      computed: sum(docs),
    },
    {
      title: "a change of documents, agents cheap, parallel",
      quoted: 1.95,
      steps: docs,
      words: wide,
      computed: longestPath(docs),
    },
  ];
}

function writePlan(folder: string, steps: readonly Step[]): void {
  mkdirSync(folder, { recursive: true });
  const written = steps.map(({ id, ms, deps }) => ({
    id,
    run: `sleep ${(ms / 1000).toFixed(3)}`,
    estimate: `${ms}ms`,
    ...(deps.length === 0 ? {} : { deps }),
  }));
  writeFileSync(join(folder, "heddle.json"), JSON.stringify({ name: "automation", steps: written }));
}

/** Median milliseconds of the run itself, as its journal has them. */
function measured(folder: string, words: readonly string[]): number {
  const runs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    timeProgram(heddleLaunch(folder, "run", ...words));
    runs.push(askProgram<{ readonly parallelMs: number }>(heddleLaunch(folder, "show", "--json")).parallelMs);
  }
  return median(runs);
}

function minutes(ms: number): string {
  return (ms / MINUTE_MS).toFixed(2).padStart(7);
}

async function main(): Promise<void> {
  if (!existsSync(join(dirname(HEDDLE), "../dist/cli.cjs"))) throw new Error("heddle is not built: npm run build");
  const home = mkdtempSync(join(tmpdir(), "heddle-bench-"));
  process.env["XDG_CACHE_HOME"] = join(home, "cache");
  try {
    const all = await example();
    console.log("minutes of the example (100 ms each)                quoted  follows measured  over");
    for (const [at, { title, quoted, steps, words, computed }] of casesOf(all).entries()) {
      const folder = join(home, `case${at}`);
      writePlan(folder, steps);
      const ms = measured(folder, words);
      const over = `${(100 * (ms / computed - 1)).toFixed(1)} %`;
      console.log(
        `${title.padEnd(50)} ${minutes(quoted * MINUTE_MS)} ${minutes(computed)} ${minutes(ms)}  ${over.padStart(6)}`,
      );
    }
    const commands = all.map(({ id, ms, deps }) => ({ id, deps, command: `sleep ${(ms / 1000).toFixed(3)}` }));
    const launch = make.prepare(join(home, "make"), commands, 2);
    const ms = median(Array.from({ length: ROUNDS }, () => timeProgram(launch)));
    console.log(
      `${"for comparison: make -j2, in the order written".padEnd(50)} ${minutes(18 * MINUTE_MS)} ${" ".repeat(7)} ${minutes(ms)}`,
    );
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (thrown) {
  console.error(`bench:seeds: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}
