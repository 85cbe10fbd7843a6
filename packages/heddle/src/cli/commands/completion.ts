/**
 * `heddle completion`: prints the completion script of a shell. The scripts ask heddle itself (`complete.ts`) for what can be
 * typed, so that they know of steps, runs and worktrees; where it has no answer, the shell completes names of files.
 */
import { EXIT, fail, type Context } from "../context.ts";

/** The word that scripts ask with; not a command for people. */
export const COMPLETE = "__complete";

const BASH = `_heddle() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    COMPREPLY+=("$(printf '%q' "$word")")
  done < <("\${COMP_WORDS[0]}" ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _heddle heddle
`;

const ZSH = `#compdef heddle
_heddle() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe heddle found; else _files; fi
}
if [[ "\${funcstack[1]}" = _heddle ]]; then _heddle; else compdef _heddle heddle; fi
`;

const FISH = `function __heddle_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    command $typed[1] ${COMPLETE} $typed[2..-1] "$current" 2>/dev/null
end
complete -c heddle -e
complete -c heddle -f -a '(__heddle_complete)'
complete -c heddle -n 'test -z (__heddle_complete | string collect; or echo)' -F
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export async function completionCommand(
  context: Context,
  [shell = ""]: readonly (string | undefined)[],
): Promise<number> {
  const script = SCRIPTS[shell];
  if (script === undefined) {
    const message = `no completion for ${JSON.stringify(shell)}`;
    return fail(context, { code: "Usage", message, hint: "Use bash, zsh or fish." });
  }
  if (context.json) context.out.json({ shell, script });
  else context.out.write(script);
  return EXIT.ok;
}
