/** Order of the places of a conflict over all of its files: what is next, and how far one is. Pure. */
import type { ConflictFileLine } from "heddle/client";

/** A place: the hunk of a file, from 1; of a file without hunks 1 as well. */
export interface ConflictPlace {
  readonly file: string;
  readonly hunk: number;
}

type Line = Pick<ConflictFileLine, "file" | "regions">;

function placesOf({ regions }: Line): number {
  return Math.max(regions, 1);
}

/** `undefined`: there is none in that direction. */
export function nextPlace(files: readonly Line[], at: ConflictPlace, by: 1 | -1): ConflictPlace | undefined {
  const index = files.findIndex(({ file }) => file === at.file);
  const here = files[index];
  if (here === undefined) return files[0] && { file: files[0].file, hunk: 1 };
  const hunk = at.hunk + by;
  if (hunk >= 1 && hunk <= placesOf(here)) return { file: here.file, hunk };
  const other = files[index + by];
  return other && { file: other.file, hunk: by === 1 ? 1 : placesOf(other) };
}

export interface PlaceNumbers {
  readonly number: number;
  readonly of: number;
  readonly file: number;
  readonly files: number;
}

/** `conflict 1 of 3, file 1 of 2`. */
export function placeNumbers(files: readonly Line[], at: ConflictPlace): PlaceNumbers {
  const index = Math.max(
    0,
    files.findIndex(({ file }) => file === at.file),
  );
  const before = files.slice(0, index).reduce((sum, line) => sum + placesOf(line), 0);
  const of = files.reduce((sum, line) => sum + placesOf(line), 0);
  return { number: before + at.hunk, of, file: index + 1, files: files.length };
}
