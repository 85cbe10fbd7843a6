/** Item of the inbox: what is asked, since when, what it holds up, and the answers. What was asked for is shown, not what came of it. */
import { useId, useState, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { AttentionItem } from "heddle/client";
import { ResolveLink } from "../resolve/resolve-link.tsx";
import { useAction, type Action } from "../store/action.ts";
import { answerSeen } from "../store/answering.ts";
import { useHeddle, useCannotAct } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { Button } from "../ui/button.tsx";
import { runningText, timeText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { askedText, heldText, kindGlyph, kindText } from "./attention-text.ts";

export function InboxItem({
  item,
  isSettled,
}: {
  readonly item: AttentionItem;
  readonly isSettled: boolean;
}): ReactNode {
  const now = useNow();
  const title = useId();
  const { project, run, plan, step, waitingSince } = item;
  return (
    <li className={isSettled ? "inbox-item is-settled" : "inbox-item"} aria-labelledby={title}>
      <Glyph name={isSettled ? "succeeded" : kindGlyph(item)} size={18} />
      <div className="inbox-about">
        <p id={title} className="inbox-question">
          <span className="visually-hidden">{kindText(item)}: </span>
          {askedText(item)}
        </p>
        <p className="dim inbox-where">
          <span>
            {kindText(item)}
            {step === undefined ? null : (
              <>
                {" "}
                of{" "}
                <Link
                  className="link"
                  to="/p/$project/runs/$run"
                  params={{ project, run }}
                  search={{ step } as never}
                  data-inbox=""
                >
                  {step}
                </Link>
              </>
            )}
          </span>
          <Link
            className="link"
            to="/p/$project/runs/$run"
            params={{ project, run }}
            {...(step === undefined ? { "data-inbox": "" } : {})}
          >
            {project} / {plan}&nbsp;<code>{run.slice(0, 8)}</code>
          </Link>
          <span title={timeText(waitingSince)}>waits {runningText(now - waitingSince)}</span>
          <span>{heldText(item)}</span>
        </p>
      </div>
      <Answers item={item} isSettled={isSettled} />
    </li>
  );
}

function Answers({ item, isSettled }: { readonly item: AttentionItem; readonly isSettled: boolean }): ReactNode {
  const { client } = useHeddle();
  const { project, run, step = "" } = item;
  const [words, setWords] = useState("");
  const comment = words.trim() === "" ? {} : { comment: words.trim() };
  const approve = useAction(() =>
    answerSeen(client, item, ({ steps }, seen) => steps.approve(run, step, { ...comment, ...seen })),
  );
  const reject = useAction(() =>
    answerSeen(client, item, ({ steps }, seen) => steps.reject(run, step, { ...comment, ...seen })),
  );
  const answer = useAction((text: string) =>
    answerSeen(client, item, ({ steps }, seen) => steps.answer(run, step, text, seen)),
  );
  const resolve = useAction((choice: "ours" | "theirs") =>
    answerSeen(client, item, ({ steps }, seen) => steps.resolve(run, step, choice, { ...comment, ...seen })),
  );
  const resume = useAction(() => client.project(project).runs.resume(run));
  switch (item.kind) {
    case "question":
      return (
        <AnswerForm actions={[answer]} isSettled={isSettled}>
          {(item.options ?? []).map((option, at) => (
            <AnswerButton key={at} action={answer} args={[option]} name={option} />
          ))}
          <Words words={words} onWords={setWords} placeholder="Answer" onEnter={() => answer.ask(words.trim())} />
          <AnswerButton
            action={answer}
            args={[words.trim()]}
            name="Answer"
            kind="primary"
            reason={words.trim() === "" ? "There is no answer yet" : undefined}
          />
        </AnswerForm>
      );
    case "conflict":
      return (
        <AnswerForm actions={[resolve]} isSettled={isSettled}>
          <AnswerButton action={resolve} args={["ours"]} name="Take ours" />
          <AnswerButton action={resolve} args={["theirs"]} name="Take theirs" />
          <ResolveLink className="button primary" project={project} run={run} step={step} />
        </AnswerForm>
      );
    case "interrupted":
      return (
        <AnswerForm actions={[resume]} isSettled={isSettled}>
          <AnswerButton action={resume} args={[]} name="Resume" kind="primary" />
        </AnswerForm>
      );
    default:
      return (
        <AnswerForm actions={[approve, reject]} isSettled={isSettled}>
          <Words words={words} onWords={setWords} placeholder="Comment" />
          <AnswerButton action={reject} args={[]} name="Reject" />
          <AnswerButton action={approve} args={[]} name="Approve" kind="primary" />
        </AnswerForm>
      );
  }
}

/** With what was refused of it, which stays when somebody else was quicker: who answered has to know that it was not they. */
function AnswerForm({
  actions,
  isSettled,
  children,
}: {
  readonly actions: readonly Action<never>[];
  readonly isSettled: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const refused = actions.flatMap(({ state }) => (state.kind === "refused" ? [state.thrown] : []));
  return (
    <div className="inbox-answers">
      {isSettled ? <p className="inbox-settled">Settled</p> : <div className="inbox-buttons">{children}</div>}
      {refused.map((thrown, at) => (
        <InlineProblem key={at} thrown={thrown} />
      ))}
    </div>
  );
}

function Words({
  words,
  onWords,
  placeholder,
  onEnter,
}: {
  readonly words: string;
  readonly onWords: (words: string) => void;
  readonly placeholder: string;
  readonly onEnter?: () => void;
}): ReactNode {
  return (
    <input
      type="text"
      aria-label={placeholder}
      placeholder={placeholder}
      value={words}
      onChange={({ target }) => onWords(target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && onEnter !== undefined && words.trim() !== "") onEnter();
      }}
    />
  );
}

function AnswerButton<Args extends readonly unknown[]>({
  action,
  args,
  name,
  kind = "plain",
  reason,
}: {
  readonly action: Action<Args>;
  readonly args: Args;
  readonly name: string;
  readonly kind?: "plain" | "primary";
  readonly reason?: string | undefined;
}): ReactNode {
  const readOnly = useCannotAct();
  const isAsked = action.state.kind === "asked" || action.state.kind === "asking";
  return (
    <Button
      kind={kind}
      data-answer={name}
      unusable={readOnly ?? reason ?? (isAsked ? "It is asked for already" : undefined)}
      onClick={() => action.ask(...args)}
    >
      {isAsked ? `${name}: asked` : name}
    </Button>
  );
}
