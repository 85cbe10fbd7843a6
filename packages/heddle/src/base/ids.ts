/** Ids of runs and tokens. They begin with their random part, so that a short prefix identifies one. */
import type { Random } from "./random.ts";

/** Crockford's base 32: no `i`, `l`, `o`, `u`, so that an id can be read aloud and never spells a word. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** `length` characters of 5 random bits each. Not a secret: for secrets see the runner's tokens. */
export function randomId(random: Random, length = 12): string {
  let id = "";
  for (let i = 0; i < length; i++) id += ALPHABET[Math.floor(random() * 32)];
  return id;
}

const RUN_ID = /^[0-9a-z]{1,40}$/;

/** Whether `text` may be a run's id or a prefix of one: checked before it comes near a path or a query. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
