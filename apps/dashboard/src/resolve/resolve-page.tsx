/** Resolve page: a conflict that waits for a person, file by file and place by place; verified before the branch moves. */
import { useCallback, useEffect, useRef, useState, type ReactNode, type Ref } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { LiveRun, LiveStep } from "heddle/view";
import { ApiProblem, type ConflictDocument, type ConflictFileDocument, type FileDecision } from "heddle/client";
import { announce } from "../app/announce.tsx";
import { useKeys } from "../app/keys.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useAction, type Action } from "../store/action.ts";
import { useCannotAct } from "../store/heddle.tsx";
import { useLiveRun } from "../store/live-run.ts";
import { Button } from "../ui/button.tsx";
import { InlineProblem, ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { countOf } from "../ui/format.ts";
import { ConflictFiles } from "./conflict-files.tsx";
import { ConflictHead } from "./conflict-head.tsx";
import { nextPlace, placeNumbers, type ConflictPlace } from "./conflict-order.ts";
import { HunkFile, type FileHandle } from "./hunk-file.tsx";
import { resultText } from "./result-text.ts";
import {
  useConflict,
  useConflictFile,
  useDecide,
  useRereadConflict,
  useResolve,
  type ConflictOf,
} from "./use-conflict.ts";
import { Verification } from "./verification.tsx";
import { WholeFile } from "./whole-file.tsx";
import "./resolve-page.css";

const route = getRouteApi("/p/$project/runs/$run/steps/$step/resolve");

export function ResolvePage(): ReactNode {
  const { project, run, step } = route.useParams();
  const followed = useLiveRun(project, run);
  usePageTitle(`Resolve ${step} · ${run}`);
  const line = followed.kind === "shown" ? followed.run.steps.find(({ id }) => id === step) : undefined;
  return (
    <>
      {followed.kind === "loading" ? (
        <main id="main" className="page">
          <Waiting what="the conflict" />
        </main>
      ) : null}
      {followed.kind === "problem" ? (
        <main id="main" className="page">
          <ProblemPanel title={`Run ${run} cannot be shown`} thrown={followed.problem} />
        </main>
      ) : null}
      {followed.kind === "shown" && line === undefined ? (
        <main id="main" className="page">
          <ProblemPanel title={`Run ${run} has no step ${step}`} />
        </main>
      ) : null}
      {followed.kind === "shown" && line !== undefined ? (
        <StepConflict key={step} project={project} run={followed.run} step={line} />
      ) : null}
      <StatusLine
        seq={followed.kind === "shown" ? followed.run.seq : undefined}
        keys={line?.status === "needs-resolution" ? KEYS : []}
      />
    </>
  );
}

const KEYS = [
  ["n", "next"],
  ["p", "previous"],
  ["1", "ours"],
  ["2", "theirs"],
  ["3", "both"],
  ["Ctrl Enter", "verify and merge"],
] as const;

interface StepConflictProps {
  readonly project: string;
  readonly run: LiveRun;
  readonly step: LiveStep;
}

function StepConflict({ project, run, step }: StepConflictProps): ReactNode {
  const isOpen = step.status === "needs-resolution";
  const readOnly = useCannotAct();
  const of: ConflictOf = { project, run: run.head.run, step: step.id, since: step.startedAt };
  const conflict = useConflict(of, isOpen);
  if (!isOpen)
    return (
      <main id="main" className="page">
        <h1>Resolve {step.id}</h1>
        <Verification project={project} run={run} step={step} />
      </main>
    );
  if (conflict.isPending)
    return (
      <main id="main" className="page">
        <Waiting what="the conflict" />
      </main>
    );
  // A later look that fails takes nothing away of what is being decided.
  if (conflict.data === undefined)
    return (
      <main id="main" className="page">
        <h1>Resolve {step.id}</h1>
        <ProblemPanel title="The conflict cannot be shown" thrown={conflict.error}>
          <WholeConflict of={of} seen={run.seq} unusable={readOnly} />
        </ProblemPanel>
      </main>
    );
  return (
    <OpenConflict key={`${conflict.data.head}${conflict.data.captured}`} of={of} run={run} conflict={conflict.data} />
  );
}

interface OpenConflictProps {
  readonly of: ConflictOf;
  readonly run: LiveRun;
  readonly conflict: ConflictDocument;
}

function OpenConflict({ of, run, conflict }: OpenConflictProps): ReactNode {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { files } = conflict;
  const file = files.some((one) => one.file === search.file) ? search.file : files[0]?.file;
  const at: ConflictPlace = { file: file ?? "", hunk: search.hunk ?? 1 };
  const shown = useRef<FileHandle>(null);
  const [counted, setCounted] = useState<{ readonly file: string | undefined; readonly open: number }>();
  // Of another file, while this one is loaded, it says nothing.
  const undecided = counted?.file === file ? counted?.open : undefined;
  const readOnly = useCannotAct();
  const resolve = useResolve(of, conflict.seq);
  const verify = useAction(async () => {
    await shown.current?.keep();
    await resolve("stored");
  }, run.seq);
  const open = files.filter(
    (one) => one.state === "open" && (one.file !== file || undecided === undefined || undecided > 0),
  ).length;
  const unusable =
    readOnly ?? (open === 0 ? undefined : `${countOf(open, "file")} ${open === 1 ? "is" : "are"} not decided yet`);
  const go = (by: 1 | -1): void | false => {
    const next = nextPlace(files, at, by);
    if (next === undefined) return false;
    show(next);
  };
  const show = (place: ConflictPlace): void =>
    void navigate({ search: { file: place.file, hunk: place.hunk === 1 ? undefined : place.hunk }, replace: true });
  const choose = (choice: "ours" | "theirs" | "both") => () => shown.current?.choose(choice);
  useKeys([
    { key: "n", what: "Next place", run: () => go(1) },
    { key: "p", what: "Previous place", run: () => go(-1) },
    { key: "1", what: "Take ours: the run's branch", run: choose("ours") },
    { key: "2", what: "Take theirs: the step's work", run: choose("theirs") },
    { key: "3", what: "Take both, ours first", run: choose("both") },
  ]);
  const late = useRef({ verify, unusable });
  late.current = { verify, unusable };
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (late.current.unusable === undefined) late.current.verify.ask();
      else announce(`${late.current.unusable}.`);
    };
    addEventListener("keydown", listen, { capture: true });
    return () => removeEventListener("keydown", listen, { capture: true });
  }, []);
  const onOpen = useCallback((open: number) => setCounted({ file, open }), [file]);
  const isAsked = verify.state.kind === "asking" || verify.state.kind === "asked";
  return (
    <main id="main" className="resolve" tabIndex={-1}>
      <ConflictHead
        project={of.project}
        conflict={conflict}
        place={file === undefined ? undefined : placeNumbers(files, at)}
        actions={
          <>
            <Button
              onClick={() => go(-1)}
              unusable={nextPlace(files, at, -1) === undefined ? "This is the first" : undefined}
            >
              Previous <kbd>p</kbd>
            </Button>
            <Button
              onClick={() => go(1)}
              unusable={nextPlace(files, at, 1) === undefined ? "This is the last" : undefined}
            >
              Next <kbd>n</kbd>
            </Button>
            <Button kind="primary" unusable={unusable} onClick={() => verify.ask()}>
              {isAsked ? "Asked" : "Verify and merge"}
            </Button>
          </>
        }
      />
      {unusable === undefined || readOnly !== undefined ? null : <p className="resolve-open dim">{unusable}.</p>}
      <Refused of={of} action={verify} />
      <div className="resolve-grid">
        <ConflictFiles
          conflict={conflict}
          file={file}
          undecided={undecided}
          onShow={(name) => show({ file: name, hunk: 1 })}
        >
          <WholeConflict of={of} seen={conflict.seq} unusable={readOnly} />
        </ConflictFiles>
        {file === undefined ? (
          <p className="dim">No file conflicts any more: verify and merge what is in the worktree.</p>
        ) : (
          <ShownFile
            key={file}
            of={of}
            file={file}
            hunk={at.hunk - 1}
            readOnly={readOnly}
            handle={shown}
            onOpen={onOpen}
          />
        )}
      </div>
    </main>
  );
}

interface ShownFileProps {
  readonly of: ConflictOf;
  readonly file: string;
  readonly hunk: number;
  readonly readOnly: string | undefined;
  readonly handle: Ref<FileHandle>;
  readonly onOpen: (count: number) => void;
}

function ShownFile({ of, file: name, hunk, readOnly, handle, onOpen }: ShownFileProps): ReactNode {
  const asked = useConflictFile(of, name);
  const decide = useDecide(of);
  const reread = useRereadConflict(of);
  const file = asked.data;
  const last = useRef<ConflictFileDocument>(undefined);
  last.current = file;
  const keep = async (decision: FileDecision): Promise<void> => {
    if (last.current !== undefined) last.current = await decide(last.current, decision);
  };
  const isOpen = file?.state === "open";
  const result = file === undefined ? undefined : resultText(file);
  const isWhole = file !== undefined && result === undefined;
  useEffect(() => {
    if (isWhole) onOpen(isOpen ? 1 : 0);
  }, [isWhole, isOpen, onOpen]);
  if (asked.isError) return <ProblemPanel title={`${name} cannot be shown`} thrown={asked.error} />;
  if (file === undefined)
    return (
      <div>
        <Waiting what="the file" />
      </div>
    );
  return (
    <div className="resolve-file">
      {result === undefined ? (
        <WholeFile file={file} step={of.step} unusable={readOnly} handle={handle} onDecide={keep} />
      ) : (
        <HunkFile
          of={{ ...of, file: name, head: file.head, captured: file.captured }}
          file={file}
          result={result}
          shown={Math.min(hunk, Math.max(0, result.hunks.length - 1))}
          step={of.step}
          unusable={readOnly}
          handle={handle}
          onKeep={(text) => keep({ text })}
          onOpen={onOpen}
          onReread={reread}
        />
      )}
    </div>
  );
}

/** One answer for all of it. */
function WholeConflict({
  of,
  seen,
  unusable,
}: {
  readonly of: ConflictOf;
  /** Number of the last event of the run as it is shown. */
  readonly seen: number;
  readonly unusable: string | undefined;
}): ReactNode {
  const resolve = useResolve(of, seen);
  const ask = useAction(resolve);
  const isAsked = ask.state.kind === "asking" || ask.state.kind === "asked";
  const reason = unusable ?? (isAsked ? "It was asked" : undefined);
  return (
    <details className="resolve-whole-conflict">
      <summary>One answer for all</summary>
      <p className="dim">Verified like any other; where both changed the same lines, one side of them is left out.</p>
      <Button unusable={reason} onClick={() => ask.ask("ours")}>
        Ours everywhere
      </Button>
      <Button unusable={reason} onClick={() => ask.ask("theirs")}>
        Theirs everywhere
      </Button>
      <Button unusable={reason} onClick={() => ask.ask("continue")}>
        The worktree as it is
      </Button>
      <Refused of={of} action={ask} />
    </details>
  );
}

/** Why an answer was refused. Where the conflict is not the one that was seen, it is to be looked at again. */
function Refused({
  of,
  action: { state, reset },
}: {
  readonly of: ConflictOf;
  readonly action: Pick<Action<never>, "state" | "reset">;
}): ReactNode {
  const reread = useRereadConflict(of);
  if (state.kind !== "refused") return null;
  if (!(state.thrown instanceof ApiProblem) || state.thrown.code !== "precondition-failed")
    return <InlineProblem thrown={state.thrown} />;
  return (
    <div className="resolve-refused">
      <InlineProblem thrown={new Error(`${of.step} has moved on since you looked, and nothing was done.`)} />
      <Button
        onClick={() => {
          reset();
          reread();
        }}
      >
        Look again
      </Button>
    </div>
  );
}
