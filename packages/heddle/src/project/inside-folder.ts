/** Inside of a folder: whether a path leads to something in it, links followed. */
import { realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

/** What is not there is inside where its path says so: whoever opens it says that it is not there. `dir`: absolute. */
export function isInsideFolder(dir: string, file: string): boolean {
  if (file.includes("\0")) return false;
  const path = resolve(dir, file);
  if (!leadsInto(dir, path)) return false;
  try {
    return leadsInto(realpathSync(dir), realpathSync(path));
  } catch {
    return true;
  }
}

function leadsInto(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`);
}
