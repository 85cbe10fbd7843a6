/**
 * `npm run bench`: measures what heddle costs, beside its peers, prints every row and writes bench/RESULTS.md.
 *
 * Options: `--quick` (about 2 minutes), `--only ROW` (may be repeated; writes no page), `--dags DIR` (published graphs for the
 * row of schedules), `--list`. Build first (`npm run build`); peers are installed by `bench/setup`.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HEDDLE, versionOf } from "./kit/projects.ts";
import { RunFailed } from "./kit/measure.ts";
import type { Outcome, Row } from "./kit/row.ts";
import { page, rowText, type Finished } from "./kit/table.ts";
import { REASONS } from "./reasons.ts";
import { criticalPath, hundredCommands, looking, manyCommands, oneCommand, sleeps } from "./rows/commands.ts";
import { replayAt, whatIfCurve } from "./rows/pages.ts";
import { schedules } from "./rows/schedules.ts";
import { inMemory, journalled, resume, scale, upToDate } from "./rows/steps.ts";

const ROWS: readonly Row[] = [
  oneCommand,
  looking,
  hundredCommands,
  manyCommands,
  sleeps,
  criticalPath,
  journalled,
  inMemory,
  resume,
  scale,
  schedules,
  upToDate,
  whatIfCurve,
  replayAt,
];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    dags: { type: "string" },
    list: { type: "boolean", default: false },
  },
});

async function measured(row: Row, folder: string): Promise<Outcome> {
  try {
    return await row.measure({ quick: values.quick, folder, dags: values.dags });
  } catch (thrown) {
    if (thrown instanceof RunFailed) return { kind: "not-run", reason: thrown.message };
    throw thrown;
  }
}

async function main(): Promise<void> {
  if (values.list) {
    for (const row of ROWS) console.log(`${row.id.padEnd(12)} ${row.title}`);
    return;
  }
  const unknown = values.only.filter((id) => !ROWS.some((row) => row.id === id));
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(", ")}; --list names them`);
  if (!existsSync(join(dirname(HEDDLE), "../dist/cli.cjs"))) throw new Error("heddle is not built: npm run build");
  if (versionOf("turbo") === undefined)
    console.log("The peers are not installed (bench/setup): their numbers are missing.\n");
  // Compiled code is kept between starts, as on a user's machine, and not in the home of whoever measures.
  const home = mkdtempSync(join(tmpdir(), "heddle-bench-"));
  process.env["XDG_CACHE_HOME"] = join(home, "cache");
  const all: Finished[] = [];
  try {
    for (const row of values.only.length === 0 ? ROWS : ROWS.filter(({ id }) => values.only.includes(id))) {
      const folder = mkdtempSync(join(home, `${row.id}-`));
      const load = loadavg()[0] ?? 0;
      const from = performance.now();
      const outcome = await measured(row, folder);
      const finished = { row, outcome, seconds: (performance.now() - from) / 1000, load };
      all.push(finished);
      console.log(`${rowText(finished)}\n`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  if (values.only.length > 0) return;
  const file = resolve(import.meta.dirname, "RESULTS.md");
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(file, page(all, REASONS, { quick: values.quick, date }));
  console.log(`Written: ${file}`);
}

try {
  await main();
} catch (thrown) {
  console.error(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}
