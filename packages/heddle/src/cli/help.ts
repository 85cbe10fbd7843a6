/** Help text of `heddle --help`. */
import type { Output } from "./output.ts";
import { pad } from "./output-text.ts";
import { GROUPS } from "./table/all.ts";

export function* overallHelp(out: Output): Generator<string, void, undefined> {
  yield "heddle runs the steps of a plan in parallel, in the order their dependencies allow, and records every event.";
  yield "";
  yield `${out.style("bold", "Usage:")} heddle [command] [options]`;
  for (const { title, commands } of GROUPS) {
    yield "";
    yield out.style("bold", `${title}:`);
    for (const { name, summary } of commands) yield `  ${out.style("cyan", pad(name, 12))}${summary}`;
  }
  yield "";
  const aliases = GROUPS.flatMap(({ commands }) => commands).flatMap((spec) =>
    spec.aliases === undefined ? [] : [`${spec.aliases.join(", ")} (${spec.name})`],
  );
  yield `Also understood: ${aliases.join(", ")}.`;
  yield "";
  yield out.style("bold", "Options for every command:");
  yield "  --json          print JSON";
  yield "  -C, --dir DIR   work in this folder instead of the current one";
  yield "  --debug         show causes and stack traces of errors";
  yield "  -h, --help      show options and examples of a command";
  yield "  -v, --version   print the version";
  yield "";
  yield out.style("bold", "Examples:");
  yield "  $ heddle init                 write an example heddle.yaml";
  yield "  $ heddle plan                 show what it would do";
  yield "  $ heddle run -j 4             run it, four steps at once";
  yield "  $ heddle resume               continue after a failure, Ctrl-C or a crash";
  yield "";
  yield "Exit codes: 0 succeeded, 1 failed, 2 wrong command line or plan, 3 waiting for a person or a signal, 130 cancelled.";
}
