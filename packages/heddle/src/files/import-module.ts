/**
 * Module importer: loads a module of the user's own. The only dynamic import of a name that is not known when heddle is
 * built, in a file of its own: the command's code cache leaves this file to Node, since a script that was compiled elsewhere
 * cannot import without a warning.
 */
import { pathToFileURL } from "node:url";

/** The module's exports. Rejects with whatever loading or running it throws. */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}
