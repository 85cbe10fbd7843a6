/** `heddle completion`: prints completion scripts for shells, built from the command table. */
import { EXIT, fail, type Context } from "../context.ts";
import { GLOBAL_OPTIONS } from "../parse.ts";
import type { CommandAction, CommandSpec, OptionSpec } from "../spec.ts";

export function completionOf(commands: readonly CommandSpec[]): CommandAction {
  return async (context: Context, [shell]) => {
    const script = scriptOf(shell, commands);
    if (script === undefined) {
      const message = `no completion for ${JSON.stringify(shell)}`;
      return fail(context, { code: "Usage", message, hint: "Use bash, zsh or fish." });
    }
    if (context.json) context.out.json({ shell, script });
    else context.out.write(script);
    return EXIT.ok;
  };
}

function scriptOf(shell: string | undefined, commands: readonly CommandSpec[]): string | undefined {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return `#compdef heddle\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return fish(commands);
    default:
      return undefined;
  }
}

function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...(spec.options ?? []), ...GLOBAL_OPTIONS].filter((option) => option.hidden !== true);
}

function longOf({ flags }: OptionSpec): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? "";
}

function takesFile(spec: CommandSpec): boolean {
  return /file/.test(spec.args ?? "");
}

function bash(commands: readonly CommandSpec[]): string {
  const cases = commands.map((spec) => {
    const words = [...optionsOf(spec).map(longOf), ...(spec.name === "completion" ? ["bash", "zsh", "fish"] : [])].join(
      " ",
    );
    const files = takesFile(spec) ? ' $(compgen -f -- "$word")' : "";
    return `    ${spec.name}) COMPREPLY=($(compgen -W "${words}" -- "$word")${files}) ;;`;
  });
  const choices = commands
    .flatMap((spec) => spec.options ?? [])
    .filter((option) => option.choices !== undefined)
    .map(
      (option) =>
        `    ${longOf(option)}) COMPREPLY=($(compgen -W "${option.choices?.join(" ") ?? ""}" -- "$word")); return ;;`,
    );
  return `_heddle() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) ;; *) command="\${COMP_WORDS[i]}"; break ;; esac
  done
  case "$before" in
${[...new Set(choices)].join("\n")}
  esac
  case "$command" in
    "") COMPREPLY=($(compgen -W "${commands.map((spec) => spec.name).join(" ")} --help --version" -- "$word")) ;;
${cases.join("\n")}
  esac
}
complete -o default -F _heddle heddle
`;
}

function fish(commands: readonly CommandSpec[]): string {
  const lines = commands.flatMap((spec) => [
    `complete -c heddle -n __fish_use_subcommand -f -a ${spec.name} -d '${quoted(spec.summary)}'`,
    ...optionsOf(spec).map((option) => {
      const short = /^-(\w),/.exec(option.flags)?.[1];
      const values =
        option.choices === undefined
          ? option.flags.includes("<")
            ? " -r"
            : ""
          : ` -x -a '${option.choices.join(" ")}'`;
      return `complete -c heddle -n '__fish_seen_subcommand_from ${spec.name}' -l ${longOf(option).slice(2)}${short === undefined ? "" : ` -s ${short}`}${values} -d '${quoted(option.description)}'`;
    }),
  ]);
  return `${lines.join("\n")}\ncomplete -c heddle -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "\\'");
}
