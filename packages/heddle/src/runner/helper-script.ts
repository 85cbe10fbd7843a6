/**
 * Helper scripts: the shell text that helpers run. Everything variable goes through {@link shellWord}; a step's command is
 * quoted too and becomes the argument of `-c`.
 */
import { shellWord } from "../base/shell-word.ts";
import { argumentsOf, type ProcessSpec } from "../process/process.ts";

/** Variables that mean something to the shell itself: an assignment before a command would fail or change more than that. */
const SHELLS_OWN = new Set(
  "IFS OPTIND LINENO PPID UID EUID GROUPS _ SHELLOPTS BASHOPTS POSIXLY_CORRECT RANDOM SECONDS DIRSTACK FUNCNAME SHLVL ENV".split(
    " ",
  ),
);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Programs that a helper may call by bare name: none is a builtin or keyword of any shell. */
const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish"]);

/** Whether a helper can carry out a command as a spawn would. */
export function helperCan(spec: ProcessSpec): boolean {
  for (const name in spec.env) {
    if (!NAME.test(name) || SHELLS_OWN.has(name) || name.startsWith("BASH") || name.startsWith("__heddle"))
      return false;
  }
  const [program] = argumentsOf(spec);
  return program.includes("/") || SHELLS.has(program);
}

/**
 * Sent once. `owner` and the numbers are ours. The answer is one line: the watcher's pid, and 1 if orphans are
 * adopted by the helper.
 */
export function openingScript(options: {
  readonly owner: string;
  readonly graceMs: number;
  readonly proc: boolean;
}): string {
  // Leaves the command's folder before the end is reported: a folder that a process is in counts as in use and cannot
  // be unmounted.
  const leave = `__heddle_s=$?; cd /; unset OLDPWD`;
  const report = options.proc
    ? `__heddle_e() { ${leave}; __heddle_k=; read -r __heddle_k </proc/$$/task/$$/children; echo "$__heddle_s $__heddle_k"; }`
    : `__heddle_e() { ${leave}; echo "$__heddle_s"; }`;
  // A signal for the group reaches its helper too; a handler, unlike an ignored signal, is not passed on to commands.
  // At its end it stays for its watcher, whatever signal ends a wait: orphans, those too that the watcher makes, must still be its children.
  return `trap : HUP INT QUIT USR1 USR2 ALRM TERM PIPE
${report}
{ ${watcherScript(options)}
} <&3 3<&- >/dev/null 2>&1 &
trap "while kill -0 $! 2>/dev/null; do wait; done" EXIT
exec 3<&-
export HEDDLE_OWNER=${shellWord(options.owner)}
echo "$! \${1:-0}"
`;
}

/**
 * A process beside each helper that reads from a pipe of the engine's: a line says that the engine ends in order, an end
 * without one that it died. Then everything that carries the engine's mark, and the helper's group, gets TERM, grace, KILL; so do
 * the orphans that come to the helper, and at the end those that their death makes.
 */
function watcherScript(options: { readonly owner: string; readonly graceMs: number; readonly proc: boolean }): string {
  const mark = shellWord(`HEDDLE_OWNER=${options.owner}`);
  const find = options.proc
    ? `for f in $(grep -ls ${mark} /proc/[0-9]*/environ); do f=\${f#/proc/}; echo "\${f%/environ}"; done`
    : `ps -axeww -o pid= -o command= | grep ${mark} | while read -r p rest; do echo "$p"; done`;
  const rounds = Math.max(1, Math.ceil(options.graceMs / 100));
  return `trap '' HUP INT QUIT USR1 USR2 ALRM TERM
read -r word && exit 0
ours() { ${find}; }
each() { for p in $2; do kill -"$1" "$p"; done; }
k=; me=
${options.proc ? "read -r me rest </proc/self/stat; read -r k </proc/$$/task/$$/children" : ":"}
orphans=; for p in $k; do [ "$p" = "$me" ] || orphans="$orphans $p"; done
each TERM "$orphans $(ours)"
kill -TERM -$$
i=0
while [ $i -lt ${rounds} ] && { [ -n "$(ours)" ] || { [ -n "$orphans" ] && kill -0 $orphans; }; }; do sleep 0.1; i=$((i + 1)); done
each KILL "$orphans"
i=0; empty=0; seen=" $me$orphans "
while [ $i -lt 100 ] && [ $empty -lt 2 ]; do
k=; new=
${options.proc ? "read -r k </proc/$$/task/$$/children" : ":"}
for p in $k; do case "$seen" in *" $p "*) ;; *) new="$new $p"; seen="$seen$p ";; esac; done
all="$(ours)$new"
if [ -n "$all" ]; then each KILL "$all"; empty=0; else empty=$((empty + 1)); fi
i=$((i + 1)); sleep 0.02
done
kill -KILL -$$`;
}

/** One command. Answers with one line: its status and the pids of the helper's children, or `C` where `cwd` cannot be entered. */
export function commandScript(spec: ProcessSpec): string {
  let line = `PWD=${shellWord(spec.cwd)} `;
  for (const name in spec.env) line += `${name}=${shellWord(spec.env[name] ?? "")} `;
  for (const word of argumentsOf(spec)) line += `${shellWord(word)} `;
  const log = spec.logFile === null ? "/dev/null" : shellWord(spec.logFile);
  line += `</dev/null >>${log} 2>&1; __heddle_e`;
  return `if cd ${shellWord(spec.cwd)}; then unset OLDPWD; ${line}; else echo C; fi\n`;
}
