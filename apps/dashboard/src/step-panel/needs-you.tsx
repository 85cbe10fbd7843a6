/** Needs you: what a person is asked about the step, and the ways to answer. Said with what was seen, so that nobody answers another question. */
import { useState, type ReactNode } from "react";
import type { SaidToStep, StepCalls } from "heddle/client";
import type { StepView } from "heddle/view";
import { useKeys } from "../app/keys.ts";
import { ResolveLink } from "../resolve/resolve-link.tsx";
import { useUnusable } from "../run/acting.ts";
import { useShownNow, useShownRun } from "../run/shown-run.tsx";
import { useAction, type Action } from "../store/action.ts";
import { goingOn } from "../store/answering.ts";
import { useHeddle } from "../store/heddle.tsx";
import { ActionButton } from "../ui/action-button.tsx";
import { Button } from "../ui/button.tsx";
import { agoText, durationText } from "../ui/format.ts";

/** By what the question is about. */
const TITLES = {
  step: "Needs you: approval",
  interrupt: "Needs you: its process died",
  conflict: "Needs you: merge conflict",
  question: "Needs you: its agent asks",
  permission: "Needs you: its agent asks for permission",
} as const;

type About = keyof typeof TITLES;

export interface NeedsYouProps {
  readonly step: StepView;
  /** The run as it was when the question was read: no other one is answered. */
  readonly seen: { readonly run: string; readonly seq: number };
  /** Told of an answer that was refused: the question may be gone by then. */
  readonly onRefused: (thrown: unknown) => void;
}

export function NeedsYou({ step, seen, onRefused }: NeedsYouProps): ReactNode {
  const now = useShownNow();
  const { question, about = "step", waitsSince, until } = step;
  if (question === undefined) return null;
  const since = waitsSince === undefined ? "" : `asked ${agoText(waitsSince, now)}`;
  const left = until === undefined ? "" : `, ${durationText(Math.max(0, until - now))} left to answer`;
  return (
    <section className="needs-you" aria-label={TITLES[about]}>
      <h3>{TITLES[about]}</h3>
      <p className="needs-you-question">{question}</p>
      <p className="needs-you-since">
        {since}
        {left}
      </p>
      <Answers key={`${step.id} ${waitsSince}`} step={step} about={about} seen={seen} onRefused={onRefused} />
    </section>
  );
}

function Answers({ about, ...asked }: NeedsYouProps & { readonly about: About }): ReactNode {
  switch (about) {
    case "question":
      return <Words {...asked} />;
    case "conflict":
      return <Sides {...asked} />;
    case "step":
      return <YesOrNo {...asked} yes="Approve" no="Reject" />;
    case "interrupt":
      return <YesOrNo {...asked} yes="Run it again" no="Fail the step" />;
    case "permission":
      return <YesOrNo {...asked} yes="Allow" no="Refuse" />;
  }
}

/** What is said to the step. A refusal is told to who shows it whatever becomes of the question. */
function useAnswer<Args extends readonly unknown[]>(
  say: (steps: StepCalls, ...args: Args) => Promise<SaidToStep>,
  onRefused: NeedsYouProps["onRefused"],
): Action<Args> {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  return useAction((...args: Args) =>
    goingOn(client, { project, run: run.head.run }, ({ steps }) => say(steps, ...args)).catch((thrown: unknown) => {
      onRefused(thrown);
      throw thrown;
    }),
  );
}

function YesOrNo({
  step,
  seen,
  onRefused,
  yes,
  no,
}: NeedsYouProps & { readonly yes: string; readonly no: string }): ReactNode {
  const { run } = useShownRun();
  const unusable = useUnusable();
  const [comment, setComment] = useState("");
  const id = run.head.run;
  const said = { seen, ...(comment.trim() === "" ? {} : { comment }) };
  const approve = useAnswer((steps) => steps.approve(id, step.id, said), onRefused);
  const reject = useAnswer((steps) => steps.reject(id, step.id, said), onRefused);
  useKeys([
    {
      key: "a",
      what: `${yes}: ${step.id}`,
      isAction: true,
      run: () => (unusable === undefined ? approve.ask() : false),
    },
  ]);
  return (
    <>
      <Comment text={comment} onText={setComment} label="Comment" />
      <div className="needs-you-buttons">
        <ActionButton kind="primary" action={approve} asked="Asked" unusable={unusable}>
          {yes} <kbd>a</kbd>
        </ActionButton>
        <ActionButton kind="danger" action={reject} asked="Asked" unusable={unusable}>
          {no}
        </ActionButton>
      </div>
    </>
  );
}

/** An agent's question: one of its options, or words. */
function Words({ step, seen, onRefused }: NeedsYouProps): ReactNode {
  const { run } = useShownRun();
  const unusable = useUnusable();
  const [words, setWords] = useState("");
  const id = run.head.run;
  const answer = useAnswer((steps, text: string) => steps.answer(id, step.id, text, { seen }), onRefused);
  const reject = useAnswer((steps) => steps.reject(id, step.id, { seen }), onRefused);
  const isAsked = answer.state.kind === "asking" || answer.state.kind === "asked";
  const options = step.options ?? [];
  return (
    <>
      {options.length === 0 ? null : (
        <ol className="needs-you-options" aria-label="Options">
          {options.map((option, at) => (
            <li key={at}>
              <Button unusable={unusable} aria-busy={isAsked || undefined} onClick={() => answer.ask(String(at + 1))}>
                {option}
              </Button>
            </li>
          ))}
        </ol>
      )}
      <form
        className="needs-you-words"
        onSubmit={(event) => {
          event.preventDefault();
          if (unusable === undefined && words.trim() !== "") answer.ask(words);
        }}
      >
        <Comment text={words} onText={setWords} label={options.length === 0 ? "Answer" : "Or in words"} />
        <div className="needs-you-buttons">
          <Button
            kind="primary"
            type="submit"
            unusable={unusable ?? (words.trim() === "" ? "Write an answer first" : undefined)}
            aria-busy={isAsked || undefined}
          >
            {isAsked ? "Asked" : "Send the answer"}
          </Button>
          <ActionButton kind="danger" action={reject} asked="Asked" unusable={unusable}>
            Fail the step
          </ActionButton>
        </div>
      </form>
    </>
  );
}

function Sides({ step, seen, onRefused }: NeedsYouProps): ReactNode {
  const { project, run } = useShownRun();
  const unusable = useUnusable();
  const id = run.head.run;
  const ours = useAnswer((steps) => steps.resolve(id, step.id, "ours", { seen }), onRefused);
  const theirs = useAnswer((steps) => steps.resolve(id, step.id, "theirs", { seen }), onRefused);
  const goOn = useAnswer((steps) => steps.resolve(id, step.id, "continue", { seen }), onRefused);
  return (
    <>
      <div className="needs-you-buttons">
        <ResolveLink className="button primary" project={project} run={id} step={step.id} text="Resolve in page" />
        <ActionButton
          action={ours}
          asked="Asked"
          unusable={unusable}
          title="Where both changed, keep what is merged already"
        >
          Take ours
        </ActionButton>
        <ActionButton
          action={theirs}
          asked="Asked"
          unusable={unusable}
          title="Where both changed, take the work of this step"
        >
          Take theirs
        </ActionButton>
        <ActionButton
          action={goOn}
          asked="Asked"
          unusable={unusable}
          title="The worktree has the solution: you have edited it"
        >
          Use the worktree
        </ActionButton>
      </div>
    </>
  );
}

function Comment({
  text,
  onText,
  label,
}: {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly label: string;
}): ReactNode {
  return (
    <label className="needs-you-comment">
      <span>{label}</span>
      <textarea rows={2} maxLength={65_536} value={text} onChange={(event) => onText(event.target.value)} />
    </label>
  );
}
