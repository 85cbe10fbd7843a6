/** Dialog: asks or shows something above the page; the focus stays inside and goes back where it was. */
import { createContext, useContext, useEffect, useRef, type ReactNode, type RefObject } from "react";
import { Dialog as Base } from "@base-ui/react/dialog";
import { Cross } from "./cross.tsx";
import "./dialog.css";

const Held = createContext<{ current: boolean }>({ current: false });

/** In a dialog: it stays open while something is asked, so that what comes of it is seen. */
export function useHeldOpen(isAsking: boolean): void {
  const held = useContext(Held);
  useEffect(() => {
    held.current = isAsking;
    return () => void (held.current = false);
  }, [held, isAsking]);
}

export interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** What has the focus at first; absent: what comes first. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
  /** Buttons, the one that does it last. */
  readonly actions?: ReactNode;
}

export function Dialog({ title, isOpen, onClose, children, initialFocus, actions }: DialogProps): ReactNode {
  const held = useRef(false);
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => (open || held.current ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className="dialog-backdrop" />
        <Base.Popup className="dialog" {...(initialFocus === undefined ? {} : { initialFocus })}>
          <div className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close className="button quiet" aria-label="Close">
              <Cross />
            </Base.Close>
          </div>
          <div className="dialog-body">
            <Held value={held}>{children}</Held>
          </div>
          {actions === undefined ? null : <div className="dialog-actions">{actions}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
