/** Popup: a button and what it shows below itself, closed by Escape and by leaving it. What is in it stays, so that nothing is lost by closing. */
import { useId, useRef, useState, type ReactNode } from "react";
import { Button, type ButtonProps } from "./button.tsx";

export interface PopupProps {
  readonly label: ReactNode;
  /** Of the place around button and content, which the content is positioned in. */
  readonly className: string;
  readonly button?: Pick<ButtonProps, "aria-pressed" | "className">;
  readonly onOpen?: () => void;
  /** `id` and `hidden`: of the element that is shown below the button. */
  readonly children: (popup: {
    readonly id: string;
    readonly hidden: boolean;
    readonly close: () => void;
  }) => ReactNode;
}

export function Popup({ label, className, button, onOpen, children }: PopupProps): ReactNode {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLDivElement>(null);
  return (
    <div
      ref={opener}
      className={className}
      onBlur={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget)) setOpen(false);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        setOpen(false);
        opener.current?.querySelector("button")?.focus();
      }}
    >
      <Button
        {...button}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => {
          if (!isOpen) onOpen?.();
          setOpen(!isOpen);
        }}
      >
        {label}
      </Button>
      {children({ id, hidden: !isOpen, close: () => setOpen(false) })}
    </div>
  );
}
