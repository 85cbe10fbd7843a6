/** What a plan says of agents, with what a step says of its own: read from checked data into one shape. Pure. */
import { isAbsolute, join, resolve } from "node:path";
import { defined } from "../../base/defined.ts";
import { parseDuration } from "../../base/duration.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type Result, err, ok } from "../../base/result.ts";
import { readPolicy } from "../adapters/policy.ts";
import type { AgentLimits, PermissionPolicy } from "../adapters/port.ts";
import { type AgentConfig, readAgentConfigs } from "../adapters/registry.ts";
import type { MergeMode } from "../../git/types.ts";

/** Of the whole run. */
export interface RunSettings {
  readonly configs: Readonly<Record<string, AgentConfig>>;
  /** Run in every new worktree, and where candidates are verified. */
  readonly setup: readonly string[];
  /** Run on every candidate, before the step's own. */
  readonly verify: readonly string[];
  readonly merge: MergeMode;
  /** As in `MergeQueueOptions`. */
  readonly mergeQueue: { readonly ahead?: number; readonly batch?: number };
  readonly land: Land;
  readonly allowNewSteps: boolean;
  readonly keepWorktrees: boolean;
  /** Work counts although files of it are not captured: too large, or unreadable. */
  readonly allowOmitted: boolean;
  readonly worktrees: { readonly maxTrees?: number; readonly maxBytes?: number };
}

export type Land = { readonly kind: "none" | "ff" | "merge" } | { readonly kind: "branch"; readonly name?: string };

/** Of one step. */
export interface StepSettings {
  readonly agent: string;
  readonly model?: string;
  readonly expect: "changes" | "none" | { readonly files: readonly string[] };
  readonly policy: PermissionPolicy;
  readonly sandbox: "auto" | "off" | "require";
  readonly limits: Partial<AgentLimits>;
  /** What one turn waits for a provider that refuses, in sum. */
  readonly waitMs: number;
  /** One verification, setup included. */
  readonly verifyMs: number;
  readonly passEnv: readonly string[];
  readonly onConflict: readonly ("agent" | "human")[];
  /** Times that its owner may mend what was not merged. */
  readonly tries: number;
  /** A private HOME, absolute. */
  readonly home?: string;
  /** Beside its worktree, in a sandbox; absolute. */
  readonly writable: readonly string[];
}

/** Our own program: it does what a script of the plan says, and sees the plan's folder. */
export const SCRIPTED = "scripted";
const DEFAULT_AGENT = "claude";
const DEFAULT_TRIES = 2;
const DEFAULT_WAIT_MS = 2 * 3_600_000;
const DEFAULT_VERIFY_MS = 30 * 60_000;
/** Keys of an entry of `use` that are not its command's. */
const ENTRY_KEYS = ["permissions", "sandbox", "passEnv", "script", "limits", "home", "writable"];

/** `folder`: what files are relative to; absolute. */
export function runSettings(config: JsonObject, folder: string): Result<RunSettings, string> {
  const entries: Record<string, Json> = {};
  for (const [name, entry] of Object.entries(mapping(config["use"]))) entries[name] = commandOf(entry, folder);
  const configs = readAgentConfigs(entries);
  if (!configs.ok) return err(`agents.use.${configs.error}`);
  const worktrees = mapping(config["worktrees"]);
  const { max, maxMb } = worktrees;
  const { ahead, batch } = mapping(config["mergeQueue"]);
  return ok({
    configs: configs.value,
    setup: texts(config["setup"]),
    verify: texts(config["verify"]),
    merge: config["merge"] === "merge" || config["merge"] === "rebase" ? config["merge"] : "squash",
    mergeQueue: defined({
      ahead: typeof ahead === "number" ? ahead : undefined,
      batch: typeof batch === "number" ? batch : undefined,
    }),
    land: landOf(config["land"]),
    allowNewSteps: config["allowNewSteps"] === true,
    keepWorktrees: worktrees["keep"] === true,
    allowOmitted: worktrees["allowOmitted"] === true,
    worktrees: defined({
      maxTrees: typeof max === "number" ? max : undefined,
      maxBytes: typeof maxMb === "number" ? maxMb * 2 ** 20 : undefined,
    }),
  });
}

export function stepSettings(
  config: JsonObject,
  options: JsonObject | undefined,
  folder: string,
): Result<StepSettings, string> {
  const own = options ?? {};
  const agent = textOf(own["use"]) ?? textOf(config["default"]) ?? DEFAULT_AGENT;
  const entry = mapping(mapping(config["use"])[agent]);
  const pick = (key: string): Json | undefined => own[key] ?? entry[key] ?? config[key];
  const isScripted = (textOf(entry["preset"]) ?? agent) === SCRIPTED;
  const policy = readPolicy(pick("permissions") ?? "worktree");
  if (typeof policy === "string") return err(`permissions ${policy}`);
  const model = textOf(own["model"]) ?? textOf(entry["model"]) ?? textOf(config["model"]);
  const sandbox = pick("sandbox") ?? (isScripted ? "off" : "auto");
  const ladder = texts(pick("onConflict") ?? ["agent", "human"]);
  const tries = pick("tries");
  const home = textOf(pick("home"));
  const limits = { ...mapping(config["limits"]), ...mapping(entry["limits"]), ...mapping(own["limits"]) };
  return ok(
    defined({
      agent,
      // `auto` leaves the choice to the agent's own default until there are records to choose by.
      model: model === undefined || model === "auto" ? undefined : model,
      expect: expectOf(own["expect"]),
      policy,
      sandbox: sandbox === "off" || sandbox === "require" ? sandbox : "auto",
      limits: limitsOf(limits),
      waitMs: durationOf(limits["wait"]) ?? DEFAULT_WAIT_MS,
      verifyMs: durationOf(limits["verify"]) ?? DEFAULT_VERIFY_MS,
      passEnv: [...texts(config["passEnv"]), ...texts(entry["passEnv"])],
      onConflict: ladder.filter((rung) => rung === "agent" || rung === "human"),
      tries: typeof tries === "number" ? tries : DEFAULT_TRIES,
      writable: texts(pick("writable")).map((one) => resolve(folder, one)),
      home: home === undefined ? undefined : resolve(folder, home),
    }),
  );
}

/** What the registry knows of: a script becomes the argument that its agent takes. */
function commandOf(entry: Json, folder: string): Json {
  if (!isJsonObject(entry)) return entry;
  const kept = Object.fromEntries(Object.entries(entry).filter(([key]) => !ENTRY_KEYS.includes(key)));
  const script = textOf(entry["script"]);
  if (script === undefined) return kept;
  return { ...kept, args: [isAbsolute(script) ? script : join(folder, script), ...texts(entry["args"])] };
}

function landOf(value: Json | undefined): Land {
  if (value === "ff" || value === "merge") return { kind: value };
  if (value === "branch") return { kind: "branch" };
  const name = isJsonObject(value) ? textOf(value["branch"]) : undefined;
  return name === undefined ? { kind: "none" } : { kind: "branch", name };
}

function expectOf(value: Json | undefined): StepSettings["expect"] {
  if (value === "none") return "none";
  return isJsonObject(value) && Array.isArray(value["files"]) ? { files: texts(value["files"]) } : "changes";
}

function limitsOf(raw: JsonObject): Partial<AgentLimits> {
  const limits: { -readonly [K in keyof AgentLimits]?: AgentLimits[K] } = {};
  for (const [key, name] of [
    ["start", "startMs"],
    ["idle", "idleMs"],
    ["toolIdle", "toolIdleMs"],
    ["ask", "askMs"],
  ] as const) {
    const ms = durationOf(raw[key]);
    if (ms !== undefined) limits[name] = ms;
  }
  return limits;
}

function durationOf(value: Json | undefined): number | undefined {
  return typeof value === "string" || typeof value === "number" ? parseDuration(value) : undefined;
}

function mapping(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function texts(value: Json | undefined): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
