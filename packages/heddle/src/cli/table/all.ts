/** Every command, in the order of the help. */
import type { CommandSpec } from "../spec.ts";
import { KEEPING } from "./keeping.ts";
import { LOOKING } from "./looking.ts";
import { RUNNING } from "./running.ts";

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandSpec[];
}

export const GROUPS: readonly CommandGroup[] = [
  { title: "Running", commands: RUNNING },
  { title: "Looking", commands: LOOKING },
  { title: "Keeping", commands: KEEPING },
];

export const COMMANDS: readonly CommandSpec[] = GROUPS.flatMap((group) => group.commands);
