/** Download button: the log as it is, into a file; says how far it is, and can be stopped. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { downloadLog } from "./log-download.ts";
import type { AttemptId } from "./served-log.ts";

type Stage =
  | { readonly kind: "idle" }
  | { readonly kind: "reading"; readonly percent: number }
  | { readonly kind: "refused"; readonly thrown: unknown };

export function DownloadButton({ id }: { readonly id: AttemptId }): ReactNode {
  const { client } = useHeddle();
  const [stage, setStage] = useState<Stage>({ kind: "idle" });
  const way = useRef<AbortController>(undefined);
  useEffect(() => () => way.current?.abort(), []);
  const begin = (): void => {
    const abort = new AbortController();
    way.current = abort;
    setStage({ kind: "reading", percent: 0 });
    downloadLog(client.project(id.project), id, abort.signal, (bytes, size) =>
      setStage({ kind: "reading", percent: Math.floor((bytes / Math.max(1, size)) * 100) }),
    ).then(
      () => setStage({ kind: "idle" }),
      (thrown: unknown) => (abort.signal.aborted ? undefined : setStage({ kind: "refused", thrown })),
    );
  };
  const stop = (): void => {
    way.current?.abort();
    setStage({ kind: "idle" });
  };
  return (
    <>
      {stage.kind === "reading" ? (
        <Button kind="quiet" onClick={stop}>
          Stop download ({stage.percent} %)
        </Button>
      ) : (
        <Button kind="quiet" onClick={begin}>
          Download
        </Button>
      )}
      {stage.kind === "refused" ? <InlineProblem thrown={stage.thrown} /> : null}
    </>
  );
}
