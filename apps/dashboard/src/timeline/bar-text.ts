/** Texts of a bar: what it is, for its label and for the line that describes it. Pure. */
import { durationText } from "../ui/format.ts";
import type { RowBar } from "./row-bars.ts";

const LOOKS: Readonly<Record<RowBar["look"], string>> = {
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
  running: "running",
  cached: "taken from an earlier run",
  asked: "asked a person",
  waited: "waited",
  container: "with its steps",
  undo: "undone",
  expected: "expected",
};

const REASONS: Readonly<Record<string, string>> = {
  slot: "a slot",
  "agent-slot": "a place for agents",
  pool: "a pool",
  lock: "a lock",
  "foreign-lock": "a lock of another run",
  group: "its group's worktree",
  writes: "files that another step writes",
  layer: "its layer",
  deps: "what it comes after",
  paused: "the run, which was paused",
  "retry-delay": "its next attempt",
  memory: "memory",
  cpu: "the processor",
  person: "a person",
  turn: "its turn",
};

/** `a slot`. */
export function reasonText(kind: string): string {
  return REASONS[kind] ?? kind.replaceAll("-", " ");
}

/** Its parts, to be put one behind the other. `start`: of the run. */
export function barParts(
  { step, look, from, to, bar }: RowBar,
  { start, now }: { readonly start: number; readonly now: number },
): readonly string[] {
  const parts = [step];
  if (bar !== undefined && bar.attempt > 1) parts.push(`attempt ${bar.attempt}`);
  parts.push(bar?.kind === "approval" && to === null ? "asks a person" : LOOKS[look]);
  if (look === "expected") {
    parts.push(`from ${durationText(from - start)} for ${durationText((to ?? from) - from)}`);
    return parts;
  }
  if (bar === undefined) return parts;
  const { blockedMs, blockedBy, queuedMs, queuedBy, agent, model, note } = bar;
  if (blockedMs !== null && blockedMs > 0 && blockedBy === "retry-delay")
    parts.push(`${durationText(blockedMs)} before it was tried again`);
  if (queuedMs !== null && queuedMs > 0)
    parts.push(`ready, waited ${durationText(queuedMs)} for ${reasonText(queuedBy ?? "turn")}`);
  parts.push(`${to === null ? "for" : "ran"} ${durationText((to ?? now) - from)}, from ${durationText(from - start)}`);
  if (agent !== undefined) parts.push(model === undefined ? agent : `${agent}, ${model}`);
  if (note !== undefined) parts.push(note);
  return parts;
}
