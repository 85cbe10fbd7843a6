/** Disk entries: what is at a path, links not followed. Knows no git. */
import { lstat } from "node:fs/promises";

export async function exists(path: string | Buffer): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

/** Stands for an entry as it is: another mark, it was changed. */
export async function markOf(path: string | Buffer): Promise<string> {
  const found = await lstat(path).catch(() => undefined);
  return found === undefined ? "absent" : `${found.mode} ${found.size} ${found.mtimeMs}`;
}
