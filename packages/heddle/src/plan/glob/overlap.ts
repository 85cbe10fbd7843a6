/**
 * Glob overlap: says whether two globs of `writes:` can match the same path. Knows no disk and no plan; `glob.ts` knows
 * what a glob means.
 *
 * Invariants:
 *  1. The answer is never no if some path matches both; it is yes if that is uncertain (unknown dialects, too much to
 *     compute).
 *  2. Bounded for every pattern: a comparison looks at {@link MOST_PAIRS} pairs of states at most.
 */
import { ANY_CHARACTER, NAME_CHARACTER, parseGlob, type CharSet, type Glob, type State } from "./glob.ts";

/** Pairs of states that one comparison looks at before it says yes. */
const MOST_PAIRS = 200_000;
/** Answers that are kept, and states. */
const MOST_KEPT = 100_000;
const MOST_STATES = 1_000_000;

/** Comparisons of globs given as text: each glob is read once, each answer kept for a while. */
export class GlobOverlaps {
  readonly #globs = new Map<string, Glob>();
  readonly #answers = new Map<string, Map<string, boolean>>();
  #kept = 0;
  #states = 0;
  #work = 0;

  /** States made and pairs of states looked at so far: what it all costs. */
  get work(): number {
    return this.#work;
  }

  glob(text: string): Glob {
    let glob = this.#globs.get(text);
    if (glob === undefined) {
      glob = parseGlob(text);
      const states = glob.forms.reduce((sum, form) => sum + form.length, 0);
      this.#work += states;
      this.#states += states;
      if (this.#states > MOST_STATES) {
        this.#globs.clear();
        this.#states = states;
      }
      this.#globs.set(text, glob);
    }
    return glob;
  }

  /** Whether some path may match both. */
  has(a: string, b: string): boolean {
    if (a === b) return true;
    const [first, second] = a < b ? [a, b] : [b, a];
    let answers = this.#answers.get(first);
    const known = answers?.get(second);
    if (known !== undefined) return known;
    const answer = this.#compare(this.glob(first), this.glob(second));
    if (this.#kept++ >= MOST_KEPT) {
      this.#answers.clear();
      this.#kept = 0;
      answers = undefined;
    }
    if (answers === undefined) {
      answers = new Map();
      this.#answers.set(first, answers);
    }
    answers.set(second, answer);
    return answer;
  }

  #compare(a: Glob, b: Glob): boolean {
    this.#work++;
    if (!a.prefix.startsWith(b.prefix) && !b.prefix.startsWith(a.prefix)) return false;
    let left = MOST_PAIRS;
    for (const one of a.forms) {
      for (const other of b.forms) {
        const { met, looked } = meet(one, other, left);
        this.#work += looked;
        left -= looked;
        if (met || left <= 0) return true;
      }
    }
    return false;
  }
}

/** Whether the two accept something in common, and how many pairs of states were looked at, `most` at the most. */
function meet(
  one: readonly State[],
  other: readonly State[],
  most: number,
): { readonly met: boolean; readonly looked: number } {
  const width = other.length;
  const end = one.length * width - 1;
  const seen = new Set<number>([0]);
  const open = [0];
  let looked = 0;
  const visit = (i: number, j: number): void => {
    const pair = i * width + j;
    if (seen.has(pair)) return;
    seen.add(pair);
    open.push(pair);
  };
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    if (++looked >= most || pair === end) return { met: pair === end, looked };
    const i = Math.floor(pair / width);
    const j = pair % width;
    const a = one[i] as State;
    const b = other[j] as State;
    for (const next of a.free) visit(next, j);
    for (const next of b.free) visit(i, next);
    if (a.set !== undefined && b.set !== undefined && share(a.set, b.set)) visit(a.to, b.to);
  }
  return { met: false, looked };
}

function share(a: CharSet, b: CharSet): boolean {
  if (a === ANY_CHARACTER || b === ANY_CHARACTER) return true;
  if (typeof a === "string") return accepts(b, a);
  if (typeof b === "string") return accepts(a, b);
  if (a === NAME_CHARACTER || b === NAME_CHARACTER || a.negated || b.negated) return true;
  return a.ranges.some(([from, to]) => b.ranges.some((range) => from <= range[1] && range[0] <= to));
}

function accepts(set: Exclude<CharSet, typeof ANY_CHARACTER>, char: string): boolean {
  if (typeof set === "string") return set === char;
  if (char === "/") return false;
  if (set === NAME_CHARACTER) return true;
  const code = char.codePointAt(0) ?? 0;
  return set.ranges.some(([from, to]) => from <= code && code <= to) !== set.negated;
}
