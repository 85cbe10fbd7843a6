/** A file that is decided as a whole: it is no text, or one side has none. */
import { useEffect, useImperativeHandle, type ReactNode, type Ref } from "react";
import type { ConflictFileDocument, FileDecision } from "heddle/client";
import { useAction } from "../store/action.ts";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import type { FileHandle } from "./hunk-file.tsx";
import { SidePanel } from "./side-panel.tsx";

export interface WholeFileProps {
  readonly file: ConflictFileDocument;
  readonly step: string;
  readonly unusable: string | undefined;
  readonly handle: Ref<FileHandle>;
  readonly onDecide: (decision: FileDecision) => Promise<unknown>;
}

export function WholeFile({ file, step, unusable, handle, onDecide }: WholeFileProps): ReactNode {
  const decide = useAction(onDecide);
  // The answer is the consequence: another choice may follow.
  useEffect(() => {
    if (decide.state.kind === "asked") decide.reset();
  });
  const isManual = file.kind === "manual";
  const chosen = file.result !== undefined && "take" in file.result ? file.result.take : undefined;
  const take = (choice: "ours" | "theirs" | "none"): void => {
    // A side without the file: it is removed.
    if (!isManual && unusable === undefined) decide.ask({ take: choice });
  };
  useImperativeHandle(handle, () => ({
    choose: (choice) => (choice === "both" ? undefined : take(choice)),
    keep: async () => undefined,
  }));
  const button = (choice: "ours" | "theirs", key: string): ReactNode =>
    isManual ? null : (
      <Button unusable={unusable} aria-pressed={chosen === choice} onClick={() => take(choice)}>
        {file[choice] === null ? "Remove it" : "Take"} <kbd>{key}</kbd>
      </Button>
    );
  return (
    <>
      <div className="resolve-sides">
        <SidePanel
          title="Integration (ours)"
          family="ours"
          side={file.ours}
          ranges={[]}
          shown={0}
          action={button("ours", "1")}
        />
        <SidePanel
          title={`${step} (theirs)`}
          family="theirs"
          side={file.theirs}
          ranges={[]}
          shown={0}
          action={button("theirs", "2")}
        />
      </div>
      <section className="panel side resolve-whole" aria-label="Result">
        <div className="side-head">
          <h2>Result</h2>
          <span className="dim" role="status">
            {wordOf(file, chosen)}
          </span>
        </div>
        <p className="side-about">
          {isManual
            ? "A submodule, or a folder in the way: settle it with git in the worktree, or take one side for the whole conflict."
            : file.kind === "text"
              ? "One side has removed or renamed this file, the other has changed it: one of the two is taken."
              : "This is not text: one side is taken as it is."}
        </p>
        {decide.state.kind === "refused" ? <InlineProblem thrown={decide.state.thrown} /> : null}
      </section>
    </>
  );
}

function wordOf({ state, ours, theirs }: ConflictFileDocument, chosen: "ours" | "theirs" | "none" | undefined): string {
  if (chosen === undefined) return state === "settled" ? "settled in the worktree" : "undecided";
  const isRemoved = chosen === "none" || (chosen === "ours" ? ours : theirs) === null;
  return isRemoved ? "it is removed" : `${chosen} is taken`;
}
