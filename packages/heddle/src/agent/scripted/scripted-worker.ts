/**
 * The program of the scripted agent: puts its parts and this process together. Started by name, as other agents are:
 * `node scripted-worker.js SCRIPT.yaml`.
 */
import { systemClock } from "../../base/clock.ts";
import { serveScripted } from "./serve.ts";
import { VERSION } from "../../version.ts";

await serveScripted({
  args: process.argv.slice(2),
  env: process.env,
  clock: systemClock(),
  version: VERSION,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  exit(code, signal) {
    if (signal !== undefined) process.kill(process.pid, signal);
    // A script's `exit` is a death in the middle of a turn, and the end of input ends whatever goes on.
    // oxlint-disable-next-line unicorn/no-process-exit
    else process.exit(code);
  },
});
