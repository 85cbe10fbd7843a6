/**
 * Held order: a list that changes while somebody looks at it, so that nothing in it moves: what is new waits until it is asked for, and what
 * is settled stays in its place, as such. Pure.
 */
export interface HeldItem<Item> {
  readonly key: string;
  readonly item: Item;
  /** It is in the list no more. */
  readonly isSettled: boolean;
}

export interface HeldList<Item> {
  readonly items: readonly HeldItem<Item>[];
  /** How many there are that are not shown. */
  readonly fresh: number;
}

/** `held`: as it was shown last. An empty one takes everything. */
export function heldList<Item>(
  held: readonly HeldItem<Item>[],
  now: readonly Item[],
  keyOf: (item: Item) => string,
): HeldList<Item> {
  const current = new Map(now.map((item) => [keyOf(item), item]));
  const items = held.map(({ key, item }) => {
    const found = current.get(key);
    current.delete(key);
    return { key, item: found ?? item, isSettled: found === undefined };
  });
  // Nothing is there that somebody could be about to touch.
  if (items.every(({ isSettled }) => isSettled) && current.size > 0) return { items: wholeList(now, keyOf), fresh: 0 };
  return { items, fresh: current.size };
}

/** As it is now, without what is settled. */
export function wholeList<Item>(now: readonly Item[], keyOf: (item: Item) => string): readonly HeldItem<Item>[] {
  return now.map((item) => ({ key: keyOf(item), item, isSettled: false }));
}
