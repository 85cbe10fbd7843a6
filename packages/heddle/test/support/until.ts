/** Waits for what another process makes true, by looking again and again: where nothing tells of it. */

/** A grace or a limit that no test lives to see the end of: what waits for it does not end in time. */
export const NEVER_MS: number = 24 * 3_600_000;

/** Looks every few milliseconds; reached only by what hangs. */
const LOOK_MS = 10;
const LIMIT_MS = 60_000;

/** Rejects when it is still not so after `limitMs`. */
export async function until(isTrue: () => boolean | Promise<boolean>, limitMs: number = LIMIT_MS): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
