/** Declaration of `heddle` without a command. */
import type { CommandSpec } from "../spec.ts";

export const DEFAULT_COMMAND: CommandSpec = {
  name: "",
  summary: "Show the steps of this folder's plan and how they ended in the last run",
  examples: [["heddle", "in a folder with a heddle.yaml"]],
  load: async () => (await import("../commands/overview.ts")).overviewCommand,
};
