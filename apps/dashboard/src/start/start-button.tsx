/** Start button of a plan's page. */
import { useState, type ReactNode } from "react";
import { useCannotAct } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { StartDialog } from "./start-dialog.tsx";

export interface StartButtonProps {
  readonly project: string;
  /** Of the plan. */
  readonly file: string;
  /** Why it cannot be started. */
  readonly unusable?: string | undefined;
}

export function StartButton({ project, file, unusable }: StartButtonProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const readOnly = useCannotAct();
  return (
    <>
      <Button kind="primary" unusable={unusable ?? readOnly} onClick={() => setOpen(true)}>
        Start
      </Button>
      <StartDialog projects={[project]} file={file} isOpen={isOpen} onClose={() => setOpen(false)} />
    </>
  );
}
