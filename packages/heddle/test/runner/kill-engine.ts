/** Starts an engine process with commands of its own and kills it once they have all written something. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { randomId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { living } from "./rig.ts";

const PROGRAM = fileURLToPath(new URL("./engine-process.ts", import.meta.url));

/** The run that the commands belonged to. */
export async function killEngine(folder: string, commands: readonly string[]): Promise<string> {
  const run = `run${randomId(systemRandom, 8)}`;
  // Apart from the marks of the commands: it stands in the command line of the watchers' search.
  const owner = randomId(systemRandom, 16);
  const engine = spawn(process.execPath, ["--no-warnings", PROGRAM, folder, owner, run, ...commands], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  engine.stdout.setEncoding("utf8");
  await once(engine.stdout, "data", { signal: AbortSignal.timeout(60_000) });
  if (living(run) < commands.length)
    throw new Error("the commands were not found running: a survivor would not be either");
  engine.kill("SIGKILL");
  await once(engine, "exit");
  return run;
}
