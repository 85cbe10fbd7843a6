/** A process with runners of its own, to be killed: starts one command per argument, says `up` when all have written something. */
import { existsSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { baseEnvironments } from "../../src/process/environment.ts";
import { helperCommands } from "../../src/runner/helper.ts";
import { memoryWatch } from "../../src/process/memory.ts";
import { systemProcessTable } from "../../src/process/process.ts";
import { shellRunner } from "../../src/runner/shell.ts";
import { commandAttempt } from "../support/suites/runner.ts";

const [folder = "", owner = "", run = "", ...commands] = process.argv.slice(2);
const clock = systemClock();
const bases = baseEnvironments(process.env);
const world = { clock, bases, owner, table: systemProcessTable() };
const runner = shellRunner({ commands: helperCommands(world, { graceMs: 300 }), bases, memory: memoryWatch(clock) });
const attempts = commands.map((command, i) => {
  const secrets = command.includes("PIPED") ? ["PATH"] : [];
  const attempt = commandAttempt(folder, command, { run, secrets, env: { N: String(i) } });
  void runner.start(attempt).outcome;
  return attempt;
});
process.stdout.on("error", () => process.exit(1));
const timer = setInterval(() => {
  const isUp = attempts.every(({ logFile }) => existsSync(logFile ?? "") && readFileSync(logFile ?? "", "utf8") !== "");
  if (!isUp) return;
  clearInterval(timer);
  process.stdout.write("up\n");
}, 5);
