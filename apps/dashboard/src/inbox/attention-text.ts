/** Attention text: what waits for a person, in words. Pure. */
import type { AttentionItem, AttentionKind } from "heddle/client";
import type { GlyphName } from "heddle/view";
import { countOf } from "../ui/format.ts";

const WORD: Readonly<Record<AttentionKind, string>> = {
  approval: "approval",
  question: "question",
  permission: "permission",
  conflict: "conflict",
  interrupt: "interrupted step",
  interrupted: "interrupted run",
};

export function kindText({ kind }: Pick<AttentionItem, "kind">): string {
  return WORD[kind];
}

export function kindGlyph({ kind }: Pick<AttentionItem, "kind">): GlyphName {
  if (kind === "conflict") return "needs-resolution";
  return kind === "interrupt" || kind === "interrupted" ? "interrupted" : "needs-approval";
}

/** What is asked, in one line. */
export function askedText({ kind, question, step, plan }: AttentionItem): string {
  if (question !== undefined) return question;
  if (kind === "interrupted") return `The process of ${plan} died; what was done is kept`;
  return kind === "conflict" ? `The work of ${step ?? "a step"} does not merge` : `${step ?? plan} asks`;
}

/** `holds up 6 steps, on the critical path`; empty: nothing. */
export function heldText({ holdsUp, onCriticalPath }: AttentionItem): string {
  if (holdsUp === 0) return "holds nothing up";
  return `holds up ${countOf(holdsUp, "step")}${onCriticalPath ? ", on the critical path" : ""}`;
}

/** `1 step waits for you`: of the title of the page it is `1 needs you`. */
export function needText(count: number): string {
  return count === 1 ? "1 needs you" : `${count} need you`;
}
