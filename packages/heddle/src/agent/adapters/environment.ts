/**
 * Agent environment: builds the environment variables of an agent's process from an allow-list, the plan, and settings
 * that keep git from prompting or from finding a repository above the worktree. Knows names and values only.
 *
 * Invariant: of the caller's environment only the allow-list and what `passEnv` names are passed; heddle's own tokens
 * never are.
 */
import { realpathSync } from "node:fs";
import path from "node:path";
import { defined } from "../../base/defined.ts";
import {
  type BaseEnvironments,
  type Environment,
  TAG_VARIABLE,
  passed,
  withoutToken,
} from "../../process/environment.ts";
import { formatTag } from "../../process/table.ts";

export interface AgentEnvironmentSpec {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** Absolute. */
  readonly cwd: string;
  /** The worktree that it lies in; absolute. Absent: the folder is the whole worktree. */
  readonly tree?: string;
  readonly mode: "inherit" | "strict";
  /** Set by the plan. */
  readonly env: Environment;
  /** Names of the caller's variables to pass on: keys of providers. */
  readonly passEnv: readonly string[];
  readonly home?: string;
  readonly ports?: readonly number[];
  /** Hosts that must not be reached through a proxy: those that get a token of heddle. */
  readonly direct?: readonly string[];
}

export function agentEnvironment(bases: BaseEnvironments, spec: AgentEnvironmentSpec): Record<string, string> {
  const { cwd, tree = cwd, ports = [], direct = [] } = spec;
  const chosen = {
    ...bases[spec.mode],
    ...passed(bases, spec.passEnv),
    ...defined<Environment>({ HOME: spec.home }),
    ...withoutToken(spec.env),
  };
  return {
    ...chosen,
    ...pastProxies(chosen, direct),
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true",
    GIT_SEQUENCE_EDITOR: "true",
    // A worktree that lost its `.git` must not resolve to a repository around it.
    GIT_CEILING_DIRECTORIES: path.dirname(realOf(tree)),
    ...portVariables(ports),
    HEDDLE_RUN: spec.run,
    HEDDLE_STEP: spec.step,
    HEDDLE_ATTEMPT: String(spec.attempt),
    [TAG_VARIABLE]: formatTag(spec),
  };
}

/** `PORT`: the first one, as most servers take it. */
export function portVariables(ports: readonly number[]): Environment {
  return ports[0] === undefined ? {} : { PORT: String(ports[0]), PORTS: ports.join(",") };
}

/** Programs read either name, some both: each keeps its value, or gets the other's, plus the hosts. */
function pastProxies(env: Environment, hosts: readonly string[]): Environment {
  if (hosts.length === 0) return {};
  const whole = (own: string): string => {
    const known = own.split(/[\s,]+/).filter((host) => host !== "");
    if (known.includes("*")) return own;
    return [...known, ...hosts.filter((host) => !known.includes(host))].join(",");
  };
  const { NO_PROXY: upper, no_proxy: lower } = env;
  return { NO_PROXY: whole(upper ?? lower ?? ""), no_proxy: whole(lower ?? upper ?? "") };
}

function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
