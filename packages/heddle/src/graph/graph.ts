/**
 * Graph: a plan's steps as an immutable directed acyclic graph in compact arrays (compressed sparse rows). Steps are
 * numbers from 0 in the order of the plan, so that a million of them cost tens of bytes each and no traversal needs a
 * map.
 */

/** Successor lists in one array: those of node `i` are `targets[offsets[i] .. offsets[i + 1]]`. */
export interface Adjacency {
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

export interface Graph {
  readonly size: number;
  readonly ids: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Hard predecessors of each step. */
  readonly deps: Adjacency;
  /** Soft predecessors of each step (those that are hard as well are left out). */
  readonly after: Adjacency;
  /** Steps that have this one among their deps. */
  readonly dependents: Adjacency;
  /** Steps that have this one among their `after` (and not among their deps). */
  readonly followers: Adjacency;
  /** Longest distance from a root over deps and after, from 0. */
  readonly layerOf: Int32Array;
  readonly layerCount: number;
  /** A topological order: by layer, then by position in the plan. */
  readonly order: Int32Array;
}

/** What keeps a list of steps from being a graph; `steps` are indices into the list. */
export type GraphProblem =
  | { readonly kind: "empty" }
  | {
      readonly kind: "duplicate";
      readonly id: string;
      readonly first: number;
      readonly second: number;
    }
  | {
      readonly kind: "unknown-dep";
      readonly step: number;
      readonly field: "deps" | "after";
      /** Place in the field's list. */
      readonly position: number;
      readonly name: string;
      /** The id that was probably meant. */
      readonly suggestion?: string;
    }
  | {
      readonly kind: "self-dep";
      readonly step: number;
      readonly field: "deps" | "after";
      readonly position: number;
    }
  /** The shortest cycle, first step first: each entry depends on the one before it, the first on the last. */
  | { readonly kind: "cycle"; readonly edges: readonly CycleEdge[] };

export interface CycleEdge {
  readonly step: number;
  readonly dependsOn: number;
  readonly field: "deps" | "after";
  readonly position: number;
}

/** The steps that node `i` points to. Allocates a view, not a copy. */
export function targetsOf(adjacency: Adjacency, i: number): Int32Array {
  return adjacency.targets.subarray(adjacency.offsets[i], adjacency.offsets[i + 1]);
}
