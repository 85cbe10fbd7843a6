/** Action button: asks for something, and says that it is asked until what follows is seen. Refusals stand in {@link ActionProblems}. */
import type { ReactNode } from "react";
import type { Action } from "../store/action.ts";
import { Button, type ButtonProps } from "./button.tsx";
import { InlineProblem } from "./problem.tsx";

export interface ActionButtonProps extends Omit<ButtonProps, "onClick"> {
  readonly action: Action<[]>;
  /** What the button says while it is asked. */
  readonly asked: string;
}

export function ActionButton({ action, asked, children, ...rest }: ActionButtonProps): ReactNode {
  const { kind } = action.state;
  const isUnderWay = kind === "asking" || kind === "asked";
  return (
    <Button {...rest} aria-busy={isUnderWay || undefined} onClick={isUnderWay ? undefined : () => action.ask()}>
      {isUnderWay ? asked : children}
    </Button>
  );
}

/** Why what was asked for was refused, beside the buttons; nothing where nothing was. */
export function ActionProblems({
  actions,
}: {
  readonly actions: readonly Pick<Action<readonly never[]>, "state">[];
}): ReactNode {
  return actions.map(({ state }, at) =>
    state.kind === "refused" ? <InlineProblem key={at} thrown={state.thrown} /> : null,
  );
}
