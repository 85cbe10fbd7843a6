/** Task states: what the words mean that other tools have for the status of a task. */

/** States in which a task is no work, unless the user asks for it. */
export const RESTING_STATES = ["done", "cancelled", "deferred", "blocked", "review"] as const;
export type RestingState = (typeof RESTING_STATES)[number];
export type EntryState = RestingState | "open";

const STATE_OF: ReadonlyMap<string, EntryState> = new Map([
  ...words("open", "pending todo to-do open new ready backlog not-started in-progress started active doing wip"),
  ...words("done", "done completed complete closed finished"),
  ...words("cancelled", "cancelled canceled wontfix"),
  ...words("deferred", "deferred postponed on-hold"),
  ...words("blocked", "blocked"),
  ...words("review", "review in-review"),
]);

function words(state: EntryState, list: string): readonly (readonly [string, EntryState])[] {
  return list.split(" ").map((word) => [word, state]);
}

/** `undefined`: a word that is not known. Case, and blanks and `_` for `-`, do not matter. */
export function stateOfStatus(status: string): EntryState | undefined {
  const word = status
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-");
  return STATE_OF.get(word);
}
