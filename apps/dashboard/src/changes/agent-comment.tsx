/** Comment to an agent: words about a file for the agent of a step that asks something, which is the answer to its question. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useShownRun } from "../run/shown-run.tsx";
import { useAction } from "../store/action.ts";
import { useHeddle, useReadOnlyReason } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import "./agent-comment.css";

export interface AgentCommentProps {
  readonly step: string;
  readonly file: string;
}

/** Nothing where its agent asks nothing: only then does it read what people say. */
export function AgentComment({ step, file }: AgentCommentProps): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const { run: id } = run.head;
  const status = run.steps.find((one) => one.id === step)?.status;
  const asked = useQuery({
    queryKey: ["asked step", project, id, step, run.seq],
    queryFn: ({ signal }) => client.project(project).steps.get(id, step, { signal }),
    enabled: status === "needs-approval",
  });
  const { question, about } = status === "needs-approval" ? (asked.data?.step ?? {}) : {};
  if (about !== "question" || question === undefined) return null;
  return <Answer step={step} file={file} question={question} />;
}

function Answer({ step, file, question }: AgentCommentProps & { readonly question: string }): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const [text, setText] = useState("");
  const unusable = useReadOnlyReason();
  const answer = useAction((words: string) => client.project(project).steps.answer(run.head.run, step, words), run.seq);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() !== "" && unusable === undefined) answer.ask(`About ${file}: ${text.trim()}`);
  };
  return (
    <form className="agent-comment" onSubmit={submit}>
      <label htmlFor="agent-comment">
        The agent of {step} asks: <b>{question}</b>
      </label>
      <textarea
        id="agent-comment"
        rows={2}
        value={text}
        placeholder="Your answer, about this file"
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit" unusable={unusable ?? (text.trim() === "" ? "There is nothing to send yet" : undefined)}>
        {answer.state.kind === "asking" || answer.state.kind === "asked" ? "Sent" : "Send to the agent"}
      </Button>
      {answer.state.kind === "refused" ? <InlineProblem thrown={answer.state.thrown} /> : null}
    </form>
  );
}
