/** Command table: every command, in the order of the help. */
import type { CommandSpec } from "../spec.ts";
import { PROJECT_COMMANDS } from "./project-commands.ts";
import { INSPECT_COMMANDS } from "./inspect-commands.ts";
import { RUN_COMMANDS } from "./run-commands.ts";
import { SERVER_COMMANDS } from "./server-commands.ts";

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandSpec[];
}

const COMPLETION: CommandSpec = {
  name: "completion",
  summary: "Print the completion script of a shell",
  args: "<shell>",
  examples: [
    ['eval "$(heddle completion bash)"', "in ~/.bashrc"],
    ['eval "$(heddle completion zsh)"', "in ~/.zshrc, after compinit"],
    ["heddle completion fish > ~/.config/fish/completions/heddle.fish", "for fish"],
  ],
  load: async () => (await import("../commands/completion.ts")).completionCommand,
};

export const GROUPS: readonly CommandGroup[] = [
  { title: "Run", commands: RUN_COMMANDS },
  { title: "Inspect", commands: INSPECT_COMMANDS },
  { title: "Serve", commands: SERVER_COMMANDS },
  { title: "Maintain", commands: [...PROJECT_COMMANDS, COMPLETION] },
];

export const COMMANDS: readonly CommandSpec[] = GROUPS.flatMap((group) => group.commands);

/** By its name, or by the word of another tool. */
export function commandCalled(word: string): CommandSpec | undefined {
  return COMMANDS.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
}
