/**
 * Attempt cost: the sum of what an agent's turns cost, in US dollars; marked as partial if some turns did not report
 * theirs.
 */
export class AttemptCost {
  #usd = 0;
  #isWhole = true;

  /** `undefined`: the agent did not tell. */
  add(usd: number | undefined): void {
    if (usd === undefined) this.#isWhole = false;
    else this.#usd += usd;
  }

  /** For people; `undefined`: nothing is known. */
  get text(): string | undefined {
    if (this.#usd === 0) return undefined;
    // Sums of cents are not exact as binary fractions.
    const text = `${Number(this.#usd.toFixed(6))} USD`;
    return this.#isWhole ? text : `at least ${text}`;
  }
}
