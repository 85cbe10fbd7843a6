/** A file of text: both sides, and the result that is made of them, place by place. What is decided is kept by itself. */
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type ReactNode, type Ref } from "react";
import type { ConflictFileDocument } from "heddle/client";
import { announce } from "../app/announce.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { countOf } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import { dropDraft, readDraft, writeDraft, type DraftOf } from "./drafts.ts";
import { resultEditor, type ResultEditor } from "./result-editor.ts";
import { keptText, openHunks, type Hunk, type ResultText } from "./result-text.ts";
import { SidePanel } from "./side-panel.tsx";

/** What keys do with the file that is shown. */
export interface FileHandle {
  /** The place that is looked at gets the lines of a side; of a file without places, the file. */
  choose(choice: "ours" | "theirs" | "both"): void;
  /** Keeps what is decided and not kept yet. Rejects where that is refused. */
  keep(): Promise<void>;
}

export interface HunkFileProps {
  readonly of: DraftOf;
  readonly file: ConflictFileDocument;
  readonly result: ResultText;
  /** The place that is looked at, from 0. */
  readonly shown: number;
  readonly step: string;
  readonly unusable: string | undefined;
  readonly handle: Ref<FileHandle>;
  readonly onKeep: (text: string) => Promise<unknown>;
  /** How many places are undecided. */
  readonly onOpen: (count: number) => void;
  readonly onReread: () => void;
}

type Keeping = { readonly kind: "idle" | "keeping" } | { readonly kind: "refused"; readonly thrown: unknown };

/** After the last change. */
const QUIET_MS = 700;

export function HunkFile(props: HunkFileProps): ReactNode {
  const { of, file, result, shown, step, unusable, handle, onKeep, onOpen, onReread } = props;
  const { session } = useHeddle();
  const first = useMemo(() => {
    const draft = readDraft(of, result.hunks);
    const hunks = result.hunks.map((hunk, at): Hunk => ({ ...hunk, ...draft?.hunks[at] }));
    return { text: draft?.text ?? result.text, hunks };
    // Once for each file: what is being written is not replaced.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const [now, setNow] = useState<{ readonly text: string; readonly hunks: readonly Hunk[] }>(first);
  const [keeping, setKeeping] = useState<Keeping>({ kind: "idle" });
  const editor = useRef<ResultEditor>(undefined);
  const host = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLElement>(null);
  const open = openHunks(now.hunks);
  const text = keptText({ text: now.text, isWindows: result.isWindows });
  const stored = file.result?.from === "stored" && "text" in file.result ? file.result.text : undefined;
  const isKept = stored === text;
  const isDue = open === 0 && !isKept && (now !== first || file.state !== "settled") && unusable === undefined;
  useEffect(() => {
    if (host.current === null) return undefined;
    const made = resultEditor({
      host: host.current,
      label: "Result, editable",
      ...first,
      // For as long as it is shown: not for a connection that comes back.
      isReadOnly: session.authority !== "act",
      onChange: (changed, hunks) => {
        setNow({ text: changed, hunks });
        setKeeping({ kind: "idle" });
        writeDraft(of, { text: changed, hunks });
      },
      onLeave: () => panel.current?.focus(),
    });
    editor.current = made;
    return () => made.destroy();
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [first]);
  useEffect(() => editor.current?.show(shown), [shown]);
  useEffect(() => onOpen(open), [open, onOpen]);
  const keep = async (): Promise<void> => {
    if (!isDue) return;
    setKeeping({ kind: "keeping" });
    try {
      await onKeep(text);
      dropDraft(of);
      setKeeping({ kind: "idle" });
    } catch (thrown) {
      setKeeping({ kind: "refused", thrown });
      throw thrown;
    }
  };
  useImperativeHandle(handle, () => ({ choose: (choice) => editor.current?.choose(shown, choice), keep }));
  const late = useRef(keep);
  late.current = keep;
  useEffect(() => {
    if (!isDue || keeping.kind !== "idle") return undefined;
    const timer = setTimeout(() => void late.current().catch(() => undefined), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isDue, text, keeping.kind]);
  const leave = useRef<() => void>(undefined);
  leave.current = () => {
    if (keeping.kind === "idle") void keep().catch(() => announce(`What was decided in ${of.file} is not kept yet.`));
  };
  // Who moves on does not wait until it is kept.
  useEffect(() => {
    const flush = (): void => leave.current?.();
    const hidden = (): void => (document.visibilityState === "hidden" ? flush() : undefined);
    addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      removeEventListener("pagehide", flush);
      document.removeEventListener("visibilitychange", hidden);
      flush();
    };
  }, []);
  const take = (choice: "ours" | "theirs" | "both", key: string, word: string): ReactNode =>
    now.hunks.length === 0 ? null : (
      <Button
        unusable={unusable}
        aria-pressed={now.hunks[shown]?.state === choice}
        onClick={() => editor.current?.choose(shown, choice)}
      >
        {word} <kbd>{key}</kbd>
      </Button>
    );
  const ranges = (side: "ours" | "theirs") => file.regions.map((region) => region[side]);
  return (
    <>
      <div className="resolve-sides">
        <SidePanel
          title="Integration (ours)"
          family="ours"
          side={file.ours}
          ranges={ranges("ours")}
          shown={shown}
          action={take("ours", "1", "Take")}
        />
        <SidePanel
          title={`${step} (theirs)`}
          family="theirs"
          side={file.theirs}
          ranges={ranges("theirs")}
          shown={shown}
          action={take("theirs", "2", "Take")}
        />
      </div>
      <section ref={panel} className="panel side resolve-result" aria-label="Result" tabIndex={-1}>
        <div className="side-head">
          <h2>Result, editable</h2>
          <span className="dim" role="status">
            {keptWord(open, isKept, keeping, file.state === "settled" && now === first)}
          </span>
          <span className="resolve-space" />
          {take("both", "3", "Both")}
        </div>
        {keeping.kind === "refused" ? (
          <div className="side-about">
            <InlineProblem thrown={keeping.thrown} />
            <Button
              onClick={() => {
                dropDraft(of);
                onReread();
              }}
            >
              Read the file again
            </Button>
          </div>
        ) : null}
        <div ref={host} className="result-host" />
      </section>
    </>
  );
}

function keptWord(open: number, isKept: boolean, { kind }: Keeping, isSettled: boolean): string {
  if (open > 0) return `${countOf(open, "place")} undecided`;
  if (kind === "refused") return "not kept";
  if (isSettled) return "settled in the worktree";
  return isKept ? "decided and kept" : kind === "keeping" ? "keeping…" : "decided";
}
