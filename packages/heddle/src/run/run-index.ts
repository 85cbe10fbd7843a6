/**
 * Index of a run: what is derived from its facts and updated with them, so that decisions need no scan. Contains nothing
 * that `reindex.ts` cannot rebuild.
 */
import type { Graph } from "../graph/graph.ts";
import type { StepPhase } from "./facts.ts";
import type { Heap } from "./heap.ts";
import type { WriteLocks } from "./write-locks.ts";

/** Units of one pool. */
export interface PoolClaim {
  /** One for each pool of the run, of its subplans and of what containers hold. */
  readonly key: string;
  readonly pool: string;
  readonly units: number;
  readonly capacity: number;
}

/** Ready steps that ask for the same things: if the first one has no slot, neither have the others. */
export interface Lane {
  /** What its steps want, as a text: the same in every index of a run. */
  readonly key: string;
  readonly heap: Heap;
  readonly pools: readonly PoolClaim[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** It asks for locks over all runs of the project. */
  readonly isShared: boolean;
  /** Globs for which its steps take turns with steps that may write the same files. */
  readonly writeGlobs: readonly string[];
  readonly agent: boolean;
  /** Its steps take slots; containers that hold locks or pools while they are open take none. */
  readonly takesSlot: boolean;
  /** The container whose limit of items counts, or -1. */
  readonly container: number;
  /** Subplans whose bounds count. */
  readonly bounds: readonly number[];
}

/** How much of a container is running. */
export interface ContainerUse {
  /** Children that have not ended. */
  left: number;
  /** Children that take one of its slots now. */
  running: number;
  /** Of those, the ones that take no slot of the run: containers and questions. */
  readonly inside: Set<number>;
  /** Containers and questions among the children that wait for one of its slots, in the order of their arrival. */
  readonly held: Heap;
  /** Of a subplan with bounds of its own: attempts inside it, at any depth. */
  slots: number;
  /** Of these, the agents. */
  agents: number;
  /** Of a subplan that says what a failure means: failed steps inside it that make it fail. */
  failed: number;
}

export interface LockUse {
  readers: number;
  writers: number;
}

/** Counts of steps by phase. */
export type PhaseCounts = Record<StepPhase["tag"], number>;

/** Which of two ready steps goes first. */
export interface Rank {
  /** Longest expected remaining path from the step on, in milliseconds. */
  readonly weight: (step: number) => number;
}

export interface RunIndex {
  /** The plan's own steps; added ones have their edges in {@link extraSuccessors}. */
  graph: Graph;
  rank: Rank;
  readonly byId: Map<string, number>;
  readonly extraSuccessors: Map<number, number[]>;
  /** Predecessors, hard and soft, that have not ended. */
  readonly unresolved: number[];
  readonly counts: PhaseCounts;
  /** Steps that have not ended. */
  open: number;
  /** Failed steps that fail the run. */
  fatal: number;
  /** Of these and others, the failures that the run's own plan sees: not those inside a subplan that goes on after them. */
  failing: number;
  /** Open subplans that a failure ends. */
  readonly failingPlans: Set<number>;
  /** Top-level steps that have not ended, by layer. */
  readonly layerLeft: number[];
  openLayer: number;
  readonly containers: Map<number, ContainerUse>;
  /** Steps with a question: in phase `waiting-for-answer`, or running meanwhile. */
  readonly questions: Set<number>;

  /** Steps in phase `waiting-for-signal`, by the name that they wait for. */
  readonly listeners: Map<string, Set<number>>;

  /** Steps that are always to run and have not ended. */
  readonly always: Set<number>;

  /** Slots taken: running attempts. */
  slots: number;
  agents: number;
  readonly pools: Map<string, number>;
  readonly locks: Map<string, LockUse>;
  readonly writing: WriteLocks;

  /** Which lane a step competes in, or -1 while unknown. */
  readonly laneOf: number[];
  readonly lanes: Lane[];
  readonly laneKeys: Map<string, number>;
  /** Lanes with entries. */
  readonly activeLanes: Set<Lane>;

  /** Gets each step that may stand in another queue than before; `undefined`: nobody follows the run. */
  touched: Set<number> | undefined;

  /** The queue that a step is in: in one at most. */
  readonly queueOf: (Heap | undefined)[];
  /** A queue more. */
  readonly newHeap: (before: (a: number, b: number) => boolean) => Heap;
  /** Steps whose predecessors have ended and that need a look before they compete: conditions, questions, containers, skips. */
  readonly arrivals: Heap;
  /** Steps that are to be examined before they compete. */
  readonly unexamined: Heap;
  /** Containers whose children have all ended. */
  readonly finishing: Heap;
  /** Steps in phase `waiting-for-answer` whose answer was given, and waits whose time is over. */
  readonly answered: Heap;
  /** Steps that wait for their next attempt, the earliest first. */
  readonly retries: Heap;
  /** Open questions, waits and containers whose time is limited, the earliest deadline first. */
  readonly deadlines: Heap;
  /** Steps that wait for their layer, by layer. */
  readonly held: Map<number, Heap>;
}
