/**
 * Reaper: a process between heddle and an agent that adopts orphans (a subreaper), so that processes which the agent's
 * tools leave in another session and without its environment can be found. Knows a program and its arguments, no agent.
 *
 * Invariants:
 *  1. It ends after the agent, with the agent's exit code, when no process of the agent is left: TERM, grace, KILL.
 *  2. It keeps none of the agent's streams open. Whether it is used depends on the system's facts only.
 */
import type { Environment } from "../../process/environment.ts";
import { findProgram } from "./which.ts";

/** Number of the system call, by processor. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };
const PR_SET_CHILD_SUBREAPER = 36;
/** A variable of perl: no warnings about locales. */
const QUIET = "PERL_BADLANG";
/** Longest grace of orphans once the reaper itself was told to end: whoever told it does not wait for long. */
const HURRIED_MS = 1000;

export interface ReaperCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

/** The program with a reaper around it; as it is where there can be none, or where the program itself is not there. */
export function withReaper(
  kept: ReaperCommand,
  options: { readonly path: string; readonly graceMs: number },
): ReaperCommand {
  const { path, graceMs } = options;
  const call = process.platform === "linux" ? PRCTL[process.arch] : undefined;
  const perl = call === undefined ? undefined : findProgram("perl", path);
  if (call === undefined || perl === undefined || findProgram(kept.program, path) === undefined) return kept;
  // Perl need not warn about a locale that is not installed.
  const env = { ...kept.env, [QUIET]: kept.env[QUIET] ?? "0" };
  return {
    program: perl,
    args: ["-e", reaperScript(call, graceMs, kept.env[QUIET] === undefined), "--", kept.program, ...kept.args],
    env,
  };
}

/** The text contains only our numbers; the agent's command is passed as arguments. */
function reaperScript(prctl: number, graceMs: number, isQuiet: boolean): string {
  return `
syscall(${prctl}, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0);
my $agent = fork();
if (!$agent) { ${isQuiet ? `delete $ENV{${QUIET}};` : ""} exec { $ARGV[0] } @ARGV; print STDERR "$ARGV[0]: $!\\n"; exit 127; }
my $grace = ${Math.max(0, Math.round(graceMs))} / 1000;
sub orphans {
  open(my $list, "<", "/proc/$$/task/$$/children") or return;
  return grep { $_ != $agent } split(" ", <$list> // "");
}
$SIG{HUP} = $SIG{INT} = "IGNORE";
$SIG{TERM} = sub { $grace = ${HURRIED_MS / 1000} if $grace > ${HURRIED_MS / 1000}; kill("TERM", orphans()); };
close(STDIN); close(STDOUT); close(STDERR);
my $status = 0;
for (;;) {
  my $ended = wait();
  if ($ended == $agent) { $status = $?; last; }
  last if $ended == -1 && $! != 4;
}
my $waited = 0;
for (my $round = 0; $round < 3000; $round++) {
  while (waitpid(-1, 1) > 0) {}
  my @left = orphans() or last;
  if ($waited >= $grace) { kill("KILL", @left); } elsif ($round == 0) { kill("TERM", @left); }
  select(undef, undef, undef, 0.02);
  $waited += 0.02;
}
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
`;
}
