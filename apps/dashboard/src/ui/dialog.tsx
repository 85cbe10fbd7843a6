/** Dialog: asks or shows something above the page; the focus stays inside and goes back where it was. */
import type { ReactNode, RefObject } from "react";
import { Dialog as Base } from "@base-ui/react/dialog";
import "./dialog.css";

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
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => (open ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className="dialog-backdrop" />
        <Base.Popup className="dialog" {...(initialFocus === undefined ? {} : { initialFocus })}>
          <div className="dialog-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close className="button quiet" aria-label="Close">
              <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
                <path d="M1 1l10 10M11 1L1 11" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
              </svg>
            </Base.Close>
          </div>
          <div className="dialog-body">{children}</div>
          {actions === undefined ? null : <div className="dialog-actions">{actions}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
