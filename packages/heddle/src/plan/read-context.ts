/** Read context: what the files that read a step's parts share while one plan is read. */
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig } from "./agents-config.ts";
import type { DocumentPath } from "./diagnostic.ts";
import type { PlanIssues } from "./issues.ts";
import { hasTemplate } from "./expression/templates.ts";
import type { Action, ParamSpec, Step } from "./plan.ts";

/** A step in the making. */
export type Draft = { -readonly [K in keyof Step]?: Step[K] };

/** An expression or a text with `${{ }}`, its position, and what it may name. */
export interface ExpressionSite {
  readonly kind: "expression" | "template";
  readonly text: string;
  readonly path: DocumentPath;
  readonly context: SiteContext;
}

export interface SiteContext {
  readonly step: Draft;
  /** All steps of the step's plan, filled in by the time that expressions are checked. */
  readonly siblings: { list: readonly Step[] };
  /** Declared parameters; absent: not known, and every name is accepted. */
  readonly params?: readonly string[];
  /** Whether `item` has a value. */
  readonly hasItem: boolean;
}

export interface StepReadContext {
  readonly issues: PlanIssues;
  readonly sites: ExpressionSite[];
  readonly siblings: { list: readonly Step[] };
  readonly defaults: Draft;
  readonly defaultsPath: DocumentPath;
  readonly params?: readonly string[];
  /** Their declarations; absent: none. */
  readonly paramSpecs?: Readonly<Record<string, ParamSpec>>;
  /** Pools of the plan by capacity. */
  readonly pools: Readonly<Record<string, number>>;
  /** The run's agents: those of the outermost plan. Absent: not known here, and no name of an agent is checked. */
  readonly agents?: AgentsConfig;
  /** Where in this document they are written; absent: in another one. */
  readonly agentsAt?: DocumentPath;
  /** Functions come from code: only a plan built by code may hold them. */
  readonly allowFunctions: boolean;
  /** Validates a plan written inside a step. */
  readonly inner: (document: JsonObject, path: DocumentPath, name: string) => Action & { kind: "plan" };
}

/** Notes every text with a `${{ }}` in `value`, however deep. */
export function addTemplates(value: Json, path: DocumentPath, context: SiteContext, scope: StepReadContext): void {
  if (typeof value === "string") {
    if (hasTemplate(value)) scope.sites.push({ kind: "template", text: value, path, context });
  } else if (typeof value === "object" && value !== null) {
    const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
    for (const [key, member] of entries)
      if (member !== undefined) addTemplates(member as Json, [...path, key], context, scope);
  }
}

/** Whether `object` has no key. */
export function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
