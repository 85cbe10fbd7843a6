/**
 * Actions: what a button asks of the server. Nothing is shown as done before the journal says so: a button is idle, asking, asked (the word
 * is taken, its consequence not seen yet), or refused with the reason.
 */
import { useEffect, useRef, useState } from "react";

export type ActionState =
  | { readonly kind: "idle" }
  | { readonly kind: "asking" }
  | { readonly kind: "asked" }
  | { readonly kind: "refused"; readonly thrown: unknown };

export interface Action<Args extends readonly unknown[]> {
  readonly state: ActionState;
  /** Does nothing while it is asking, or asked and its consequence not seen. */
  readonly ask: (...args: Args) => void;
  readonly reset: () => void;
}

const IDLE: ActionState = { kind: "idle" };

/** `seq`: of the run; once it has moved on from where it was asked, the action is idle again. */
export function useAction<Args extends readonly unknown[]>(
  act: (...args: Args) => Promise<unknown>,
  seq?: number,
): Action<Args> {
  const [state, setShown] = useState<ActionState>(IDLE);
  // What is shown comes a moment later: a second press of the same moment has to see the first.
  const present = useRef<ActionState>(IDLE);
  const setState = (next: ActionState): void => {
    present.current = next;
    setShown(next);
  };
  const isShown = useRef(true);
  const latest = useRef(seq);
  latest.current = seq;
  useEffect(() => {
    isShown.current = true;
    return () => void (isShown.current = false);
  }, []);
  useEffect(() => {
    if (present.current.kind === "asked") setState(IDLE);
  }, [seq]);
  return {
    state,
    ask: (...args) => {
      if (present.current.kind === "asking" || present.current.kind === "asked") return;
      setState({ kind: "asking" });
      const before = latest.current;
      act(...args).then(
        // What follows may be seen before the answer is here.
        () => (isShown.current ? setState(latest.current === before ? { kind: "asked" } : IDLE) : undefined),
        (thrown: unknown) => (isShown.current ? setState({ kind: "refused", thrown }) : undefined),
      );
    },
    reset: () => setState(IDLE),
  };
}
