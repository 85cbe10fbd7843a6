/** What a step can put in the place of a plain file, as shell commands. */
import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";

/** Each with the words by which a message names it. `$1` is the path. */
export const PLANTED: Readonly<Record<string, { readonly command: string; readonly words: string }>> = {
  pipe: { command: 'mkfifo "$1"', words: "is a named pipe, not a plain file" },
  folder: { command: 'mkdir "$1"', words: "is a folder, not a plain file" },
  "link to a file": {
    command: 'echo \'{"of": "another"}\' > "$1.target"; ln -s "$1.target" "$1"',
    words: "is a symbolic link, not a plain file",
  },
  "link to nothing": { command: 'ln -s "$1.nothing" "$1"', words: "is a symbolic link, not a plain file" },
  "link to a device": { command: 'ln -s /dev/zero "$1"', words: "is a symbolic link, not a plain file" },
  "link to itself": { command: 'ln -s "$1" "$1"', words: "is a symbolic link, not a plain file" },
  socket: {
    command:
      'perl -MIO::Socket::UNIX -e \'chdir(shift); IO::Socket::UNIX->new(Local => shift, Listen => 1) or die\' "$(dirname "$1")" "$(basename "$1")"',
    words: "is a socket, not a plain file",
  },
  // Only the superuser may make one.
  device: { command: 'mknod "$1" c 1 5', words: "is a device, not a plain file" },
};

/** The kinds that can be made here. */
export function plantedKinds(folder: string): readonly string[] {
  return Object.keys(PLANTED).filter((kind) => kind !== "device" || canMakeDevices(folder));
}

function canMakeDevices(folder: string): boolean {
  const path = `${folder}/device-test`;
  try {
    execFileSync("mknod", [path, "c", "1", "5"], { stdio: "ignore" });
    return lstatSync(path).isCharacterDevice();
  } catch {
    return false;
  }
}

/** Shell text that puts `kind` in the place of the file that the shell word `path` names. */
export function planting(kind: string, path: string): string {
  return `rm -rf ${path}; set -- ${path}; ${PLANTED[kind]?.command ?? "false"}`;
}

export function plant(kind: string, path: string): void {
  execFileSync("sh", ["-e", "-c", planting(kind, '"$1"'), "sh", path]);
}
