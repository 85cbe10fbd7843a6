/** Command lookup: the file that a command name stands for, from PATH. Starts nothing. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** The file that a command would start; `undefined`: there is none. */
export function findProgram(command: string, path: string): string | undefined {
  const candidates = isAbsolute(command)
    ? [command]
    : command.includes("/")
      ? []
      : path.split(delimiter).flatMap((folder) => (isAbsolute(folder) ? [join(folder, command)] : []));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}
