/** What `heddle --help` prints. */
import type { Output } from "./output.ts";
import { pad } from "./output-text.ts";
import { GROUPS } from "./table/all.ts";

export function* overallHelp(out: Output): Generator<string, void, undefined> {
  yield "heddle runs a plan of dependent steps, as parallel as they allow, and records all that happens.";
  yield "";
  yield `${out.style("bold", "Usage:")} heddle [command] [options]`;
  for (const { title, commands } of GROUPS) {
    yield "";
    yield out.style("bold", `${title}:`);
    for (const { name, summary } of commands) yield `  ${out.style("cyan", pad(name, 12))}${summary}`;
  }
  yield "";
  yield out.style("bold", "Options of every command:");
  yield "  --json          print JSON";
  yield "  -C, --dir DIR   work in this folder instead of the current one";
  yield "  --debug         show causes and stacks of errors";
  yield "  -h, --help      show what a command takes, with examples";
  yield "  --version       print the version";
  yield "";
  yield out.style("bold", "Examples:");
  yield "  $ heddle init                 write a first heddle.yaml";
  yield "  $ heddle plan                 see what it would do";
  yield "  $ heddle run -j 4             run it, four steps at once";
  yield "  $ heddle resume               go on after a failure, a Ctrl-C or a crash";
  yield "";
  yield "Exit codes: 0 succeeded, 1 failed, 2 wrong command line or plan, 3 waits for a person, 130 cancelled.";
}
