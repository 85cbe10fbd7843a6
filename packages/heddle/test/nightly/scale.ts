/** How much of the full counts to do: `HEDDLE_NIGHTLY_SCALE`, 1 is all, 0.1 a tenth. */

export function scaled(full: number): number {
  const scale = Number(process.env["HEDDLE_NIGHTLY_SCALE"] ?? "1");
  return Math.max(1, Math.round(full * (Number.isFinite(scale) && scale > 0 ? scale : 1)));
}

/** The one line that a nightly test prints. */
export function report(line: string): void {
  process.stdout.write(`NIGHTLY ${line}\n`);
}
