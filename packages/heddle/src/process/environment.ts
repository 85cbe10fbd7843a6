/**
 * Step environment: the environment variables of a step's process. Knows names and values; starts nothing.
 *
 * Invariants:
 *  1. No variable of heddle (`HEDDLE_*`, above all its token) passes from the caller to a step: what a step finds under
 *     such a name was set for this attempt.
 *  2. In `strict` mode a step gets an allow-list and what its plan names, nothing else.
 */

export type Environment = Readonly<Record<string, string>>;

/** Passed on in `strict` mode without being named. */
const STRICT_NAMES: readonly string[] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR"];

const TOKEN = "HEDDLE_TOKEN";

/** Names the engine process whose commands they are; its watchers find them by it when the engine is gone. */
export const OWNER_VARIABLE = "HEDDLE_OWNER";

/** Each process of an attempt has this variable in its environment: `run:attempt:step`. */
export const TAG_VARIABLE = "HEDDLE_TAG";

export interface BaseEnvironments {
  readonly inherit: Environment;
  readonly strict: Environment;
}

export function baseEnvironments(caller: Readonly<Record<string, string | undefined>>): BaseEnvironments {
  const inherit: Record<string, string> = {};
  const strict: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller)) {
    // The shell sets these two from the folder that a command starts in.
    if (value === undefined || name.startsWith("HEDDLE_") || name === "OLDPWD" || name === "PWD") continue;
    inherit[name] = value;
    if (STRICT_NAMES.includes(name)) strict[name] = value;
  }
  return { inherit, strict };
}

/** Values of the variables `names` of the caller: what `passEnv` lets through. */
export function passed(bases: BaseEnvironments, names: readonly string[]): Environment {
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = bases.inherit[name];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** What the plan sets, without heddle's own token whatever a plan says. */
export function withoutToken(env: Environment): Environment {
  if (!(TOKEN in env)) return env;
  const { [TOKEN]: _token, ...rest } = env;
  return rest;
}
