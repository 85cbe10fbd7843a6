/** Warning of the process: where nobody else is told what does not stop a run. */
export function warnProcess(text: string): void {
  process.emitWarning(text, "HeddleWarning");
}
