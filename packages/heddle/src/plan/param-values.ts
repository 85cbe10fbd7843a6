/**
 * Parameter types of TypeScript plans: what the declarations of parameters say of their values. Types alone; `params.ts` checks
 * values when a plan is loaded.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { ParamSpec } from "./plan.ts";

/** Declared parameters by name. */
export type ParamSpecs = { readonly [name: string]: ParamSpec };

/** The declarations of a plan without parameters, and of a step that reads none. */
export type NoParams = Readonly<Record<never, never>>;

interface ValueTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly json: Json;
}

type ValueOf<S extends ParamSpec> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : ValueTypes[S["type"]];

/** The values that functions of a plan with these declarations read. */
export type ParamsOf<P extends ParamSpecs> = string extends keyof P
  ? JsonObject
  : { readonly [Name in keyof P]: ValueOf<P[Name]> };

/** Names of the parameters that have no default. */
type RequiredParams<P extends ParamSpecs> = {
  [Name in keyof P]: P[Name] extends { readonly default: Json } ? never : Name;
}[keyof P];

/** The values that a caller gives: those of parameters with a default may be left out. */
export type ParamsInput<P extends ParamSpecs> = string extends keyof P
  ? JsonObject
  : [keyof P] extends [never]
    ? Readonly<Record<string, never>>
    : { readonly [Name in RequiredParams<P>]: ValueOf<P[Name]> } & {
        readonly [Name in Exclude<keyof P, RequiredParams<P>>]?: ValueOf<P[Name]>;
      };

/** A text with `${{ }}` in it, which is evaluated when the step begins. */
type Template = `${string}\${{${string}}}${string}`;

/** As {@link ParamsInput}, where a step gives the values: each may be a template. */
export type SubplanParams<P extends ParamSpecs> = string extends keyof P
  ? JsonObject
  : { readonly [Name in keyof ParamsInput<P>]: ParamsInput<P>[Name] | Template };

/** The last argument of a function that takes `params`: it may be left out where each parameter has a default. */
export type OptionsWith<Options, Params> =
  Record<never, never> extends Params
    ? readonly [options?: Options & { readonly params?: Params }]
    : readonly [options: Options & { readonly params: Params }];
