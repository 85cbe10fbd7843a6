/** Comment to an agent: words about a file for the agent of a step that asks something, which is the answer to its question. */
import { useState, type FormEvent, type ReactNode } from "react";
import type { StepDocument } from "heddle/client";
import { useUnusable } from "../run/acting.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useStep } from "../step-panel/use-step.ts";
import { useAction } from "../store/action.ts";
import { goingOn } from "../store/answering.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import "./agent-comment.css";

export interface AgentCommentProps {
  readonly step: string;
  readonly file: string;
}

/** Nothing where its agent asks nothing: only then does it read what people say. */
export function AgentComment({ step, file }: AgentCommentProps): ReactNode {
  const { document } = useStep(step);
  if (document?.step.about !== "question" || document.step.question === undefined) return null;
  return <Answer key={`${step} ${document.step.waitsSince}`} file={file} document={document} />;
}

function Answer({ file, document }: { readonly file: string; readonly document: StepDocument }): ReactNode {
  const { project } = useShownRun();
  const { client } = useHeddle();
  const unusable = useUnusable();
  const [text, setText] = useState("");
  const { run, seq, step } = document;
  const answer = useAction((words: string) =>
    goingOn(client, { project, run }, (api) => api.steps.answer(run, step.id, words, { seen: { run, seq } })),
  );
  const isAsked = answer.state.kind === "asking" || answer.state.kind === "asked";
  const reason = unusable ?? (text.trim() === "" ? "There is nothing to send yet" : undefined);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (reason === undefined) answer.ask(`About ${file}: ${text.trim()}`);
  };
  return (
    <form className="agent-comment" onSubmit={submit}>
      <label htmlFor="agent-comment">
        The agent of {step.id} asks: <b>{step.question}</b>
      </label>
      <textarea
        id="agent-comment"
        rows={2}
        maxLength={65_000}
        value={text}
        placeholder="Your answer, about this file"
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit" unusable={reason} aria-busy={isAsked || undefined}>
        {isAsked ? "Sent" : "Send to the agent"}
      </Button>
      {answer.state.kind === "refused" ? <InlineProblem thrown={answer.state.thrown} /> : null}
    </form>
  );
}
