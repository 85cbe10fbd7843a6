/**
 * Found nodes: those that show a step with the text that is looked for, and of the kind that is wanted. Kept from one state of the run to the
 * next: costs what has changed, beside a look at each step.
 */
import { useMemo, useRef } from "react";
import type { LiveStep, RunGraph } from "heddle/view";
import type { PlacedGraph } from "./use-scene.ts";

export interface Sought {
  readonly placed: Pick<PlacedGraph, "folded"> | undefined;
  readonly ids: RunGraph["steps"];
  readonly text: string;
  readonly isWanted: ((step: LiveStep) => boolean) | undefined;
}

export interface FoundNodes {
  /** The same set until another node is in it; absent: nothing is looked for. */
  readonly found: ReadonlySet<number> | undefined;
  /** Those that are in it and were not, or the other way round. Of another search: none, all is to be looked at anew. */
  readonly changed: readonly number[];
}

const NOTHING: FoundNodes = { found: undefined, changed: [] };

export class NodeSearch {
  #sought: Sought | undefined;
  #steps: readonly LiveStep[] = [];
  /** By step. */
  #matches = new Uint8Array();
  /** By node: how many of its steps match. */
  #counts = new Int32Array();
  #known: FoundNodes = NOTHING;

  update(sought: Sought, steps: readonly LiveStep[]): FoundNodes {
    const { placed, ids, text, isWanted } = sought;
    const before = this.#sought;
    const isSame =
      before?.placed === placed && before?.ids === ids && before.text === text && before.isWanted === isWanted;
    this.#sought = sought;
    if (placed === undefined || (text === "" && isWanted === undefined)) return (this.#known = NOTHING);
    const { nodes, nodeOf } = placed.folded;
    if (!isSame) {
      this.#steps = [];
      this.#matches = new Uint8Array(ids.length);
      this.#counts = new Int32Array(nodes.length);
    } else if (isWanted === undefined || steps === this.#steps) return (this.#known = { ...this.#known, changed: [] });
    const wanted = text.toLowerCase();
    const touched = new Set<number>();
    for (const [step, id] of ids.entries()) {
      const live = steps[step];
      if (isSame && live === this.#steps[step]) continue;
      const isMatch =
        id.toLowerCase().includes(wanted) && (isWanted === undefined || (live !== undefined && isWanted(live)));
      if (Number(isMatch) === this.#matches[step]) continue;
      this.#matches[step] = Number(isMatch);
      const node = nodeOf[step] ?? 0;
      this.#counts[node] = (this.#counts[node] ?? 0) + (isMatch ? 1 : -1);
      touched.add(node);
    }
    this.#steps = steps;
    const last = isSame ? this.#known.found : undefined;
    const changed = [...touched].filter((node) => (this.#counts[node] ?? 0) > 0 !== (last?.has(node) ?? false));
    if (last !== undefined && changed.length === 0) return (this.#known = { found: last, changed });
    const found = new Set(last);
    for (const node of changed) if (!found.delete(node)) found.add(node);
    return (this.#known = { found, changed: isSame ? changed : [] });
  }
}

export function useFoundNodes({ placed, ids, text, isWanted }: Sought, steps: readonly LiveStep[]): FoundNodes {
  const search = useRef(new NodeSearch());
  return useMemo(
    () => search.current.update({ placed, ids, text, isWanted }, steps),
    [placed, ids, text, isWanted, steps],
  );
}
