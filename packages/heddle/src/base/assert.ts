/** Assertions: what is thrown here is a bug in heddle, never a failure of a plan, a step or the machine. */

/** A state that this program's own rules exclude. Its message starts with `BUG:` so that reports are recognisable. */
export class BugError extends Error {
  override readonly name = "BugError";
  constructor(message: string) {
    super(`BUG: ${message}`);
  }
}

/** Throws {@link BugError} unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

/** Closes a switch over a union: the compiler refuses the call while a variant is unhandled. */
export function unreachable(value: never): never {
  throw new BugError(`unhandled variant ${JSON.stringify(value)}`);
}

/**
 * `value`; throws a {@link BugError} with `what` and `which` if it is absent. Called for every event: no text is
 * built before it is needed.
 */
export function present<T>(value: T | undefined | null, what: string, which?: string | number): T {
  if (value === undefined || value === null)
    throw new BugError(`${which === undefined ? what : `${what} ${JSON.stringify(which)}`} is absent`);
  return value;
}
