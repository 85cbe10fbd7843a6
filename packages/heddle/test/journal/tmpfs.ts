/** Small disks, where this user may make them. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { temporaryFolder } from "../support/temporary.ts";

export interface Disk extends Disposable {
  readonly path: string;
  remount(options: string): void;
}

/** A file system of `kib` KiB in memory; `undefined` where mounting is not allowed. */
export function smallDisk(kib: number): Disk | undefined {
  const path = temporaryFolder("disk");
  const mount = (options: string): boolean =>
    spawnSync("mount", ["-t", "tmpfs", "-o", options, "none", path]).status === 0;
  if (process.platform !== "linux" || !mount(`size=${kib}k`)) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    remount(options) {
      if (!mount(`remount,${options}`)) throw new Error(`remount ${options} failed`);
    },
    [Symbol.dispose]() {
      spawnSync("umount", ["-l", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
