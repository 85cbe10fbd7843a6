/**
 * Program of the scripted agent: connects its parts with this process. Started like other agents: `node
 * scripted-worker.js SCRIPT.yaml`.
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
    // A script's `exit` is a crash in the middle of a turn, and the end of input ends whatever is running.
    // oxlint-disable-next-line unicorn/no-process-exit
    else process.exit(code);
  },
});
