/** Awaited signal: the word that a step waits for, and a way to send it, with JSON as its value. */
import { useState, type ReactNode } from "react";
import type { StepView } from "heddle/view";
import { useUnusable } from "../run/acting.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useAction } from "../store/action.ts";
import { goingOn } from "../store/answering.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";

export function AwaitedSignal({ step }: { readonly step: StepView }): ReactNode {
  const { id, signal, waitsSince } = step;
  return signal === undefined ? null : <SignalForm key={`${id} ${waitsSince}`} signal={signal} />;
}

function SignalForm({ signal }: { readonly signal: string }): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const unusable = useUnusable();
  const [text, setText] = useState("");
  const send = useAction((value: string) =>
    goingOn(client, { project, run: run.head.run }, (api) =>
      api.signal(run.head.run, signal, value.trim() === "" ? null : JSON.parse(value)),
    ),
  );
  const wrong = text.trim() === "" || isJson(text) ? undefined : "This is no JSON: write a text in quotes";
  const isAsked = send.state.kind === "asking" || send.state.kind === "asked";
  return (
    <section className="panel-part" aria-label="Awaited signal">
      <h3>Waits for the signal</h3>
      <form
        className="signal-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (unusable === undefined && wrong === undefined) send.ask(text);
        }}
      >
        <code>{signal}</code>
        <input
          type="text"
          aria-label="Value as JSON"
          placeholder="null"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit" unusable={unusable ?? wrong} aria-busy={isAsked || undefined}>
          {isAsked ? "Asked" : "Send"}
        </Button>
      </form>
      {send.state.kind === "refused" ? <InlineProblem thrown={send.state.thrown} /> : null}
    </section>
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
