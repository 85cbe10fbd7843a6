/** Stops a run before each of its layers, for a person who lets them start one by one. Knows no person: it pauses, others unpause. */
import type { EventBody } from "./event.ts";
import type { RunState } from "./state.ts";

export class LayerGate {
  readonly #state: RunState;
  /** The layer that was let through last. */
  #passed = -1;

  constructor(state: RunState) {
    this.#state = state;
  }

  /** The pause that is due before anything of the open layer starts, once per layer. */
  pauseDue(): EventBody | undefined {
    const { phase, openLayer, open } = this.#state;
    if (phase.tag !== "running" || openLayer === this.#passed || open === 0) return undefined;
    this.#passed = openLayer;
    return { type: "run.paused", data: { reason: `before layer ${openLayer + 1}` } };
  }
}
