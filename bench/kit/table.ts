/** The rows' outcomes as text: for the terminal, and as the page bench/RESULTS.md. */
import { execFileSync } from "node:child_process";
import { cpus, freemem, loadavg, release, totalmem } from "node:os";
import { versionOf } from "./projects.ts";
import { holds, type Entry, type Outcome, type Row, type Verdict } from "./row.ts";

export interface Finished {
  readonly row: Row;
  readonly outcome: Outcome;
  readonly seconds: number;
  /** Programs waiting for a core when the row began. */
  readonly load: number;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value >= 10_000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function verdictText(verdict: Verdict): string {
  const side = verdict.atLeast === true ? "at least" : "at most";
  const word = holds(verdict) ? "holds" : "MISSED";
  return `${word}: ${verdict.what} ${number(verdict.ours)} ${verdict.unit}, ${side} ${number(verdict.bar)} ${verdict.unit}`;
}

function entryText({ who, value, unit, samples, note }: Entry): string {
  const about = note === undefined || note === "" ? "" : `  (${note})`;
  const counted = samples === 0 ? "" : `  n=${samples}`;
  return `  ${who.padEnd(34)} ${number(value).padStart(9)} ${unit.padEnd(8)}${counted.padEnd(6)}${about}`;
}

/** One row for a reader who waits at the terminal. */
export function rowText({ row, outcome, seconds, load }: Finished): string {
  const head = `${row.title}   [${row.id}; ${seconds.toFixed(0)} s; load ${load.toFixed(1)}]`;
  if (outcome.kind === "not-run") return `${head}\n  not run: ${outcome.reason}`;
  return [
    head,
    ...outcome.entries.map(entryText),
    ...outcome.verdicts.map((verdict) => `  ${verdictText(verdict)}`),
    ...outcome.notes.map((note) => `  note: ${note}`),
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** More programs wanted a core than there are: what waits often, as we do, then loses more than what does not. */
function wasBusy({ load }: Finished): boolean {
  return load > cpus().length;
}

function summaryRow(finished: Finished): string {
  const { row, outcome } = finished;
  if (outcome.kind === "not-run")
    return `| ${cell(row.title)} | ${cell(row.bar)} | not run | ${cell(outcome.reason)} |`;
  const missed = outcome.verdicts.some((verdict) => !holds(verdict));
  const stands = outcome.verdicts.length === 0 ? "no bar" : missed ? "**missed**" : "holds";
  const busy = wasBusy(finished) && outcome.verdicts.length > 0 ? " (busy machine)" : "";
  const ours = outcome.verdicts.map((verdict) => `${verdict.what} ${number(verdict.ours)} ${verdict.unit}`).join("; ");
  return `| ${cell(row.title)} | ${cell(row.bar)} | ${stands}${busy} | ${cell(ours)} |`;
}

function section({ row, outcome, load }: Finished, reason: string | undefined): string {
  const lines = [
    `## ${row.title}`,
    "",
    `\`npm run bench -- --only ${row.id}\` runs: \`${row.command}\`. Bar: ${row.bar}. Load at its start: ${load.toFixed(1)}.`,
    "",
  ];
  if (outcome.kind === "not-run") return [...lines, `Not run: ${outcome.reason}.`, ""].join("\n");
  lines.push("| who | median | unit | samples | note |", "|---|---:|---|---:|---|");
  for (const { who, value, unit, samples, note } of outcome.entries) {
    lines.push(`| ${cell(who)} | ${number(value)} | ${unit} | ${samples === 0 ? "" : samples} | ${cell(note ?? "")} |`);
  }
  lines.push(
    "",
    ...outcome.verdicts.map((verdict) => `- ${verdictText(verdict)}`),
    ...outcome.notes.map((note) => `- ${note}`),
  );
  if (reason !== undefined && outcome.verdicts.some((verdict) => !holds(verdict))) lines.push(`- Why: ${reason}`);
  return [...lines, ""].join("\n");
}

function programVersion(file: string): string {
  try {
    return execFileSync(file, ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "not installed";
  }
}

function versions(): string {
  const peers = ["pnpm", "turbo", "wireit", "nx", "lage", "p-graph", "async", "openworkflow"];
  const installed = peers.map((peer) => `${peer} ${versionOf(peer) ?? "not installed"}`);
  return [
    `Node ${process.versions.node}`,
    `SQLite ${process.versions["sqlite"] ?? "?"}`,
    programVersion("make"),
    `ninja ${programVersion("ninja")}`,
    ...installed,
  ].join(", ");
}

/** The page for readers of the repository. `reasons`: why a row misses its bar, by row. */
export function page(
  all: readonly Finished[],
  reasons: Readonly<Record<string, string>>,
  options: { readonly quick: boolean; readonly date: string },
): string {
  const [cpu] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB (${(freemem() / 2 ** 30).toFixed(0)} free)`;
  return [
    "# What it costs",
    "",
    "Written by `npm run bench`; do not edit. Medians; contestants take turns within each round; ratios are of one run. Peers come from",
    "`bench/peers`, installed by `bench/setup`; make and ninja are the system's.",
    "",
    `- Machine: ${cpus().length} x ${cpu?.model.trim() ?? "?"}, ${memory}, ${process.platform} ${release()}`,
    `- Versions: ${versions()}`,
    `- Date: ${options.date}${options.quick ? ", quick mode (fewer samples, smaller sizes)" : ""}. Load at the end: ${loadavg()[0]?.toFixed(1)}.`,
    "",
    ...(all.some(wasBusy)
      ? [
          "**The machine was busy with other work during some rows (marked below): their ratios say little. Run it again on a calm one.**",
          "",
        ]
      : []),
    "| work | bar | | measured |",
    "|---|---|---|---|",
    ...all.map(summaryRow),
    "",
    ...all.map((finished) => section(finished, reasons[finished.row.id])),
  ].join("\n");
}
