/** Running logs: what all running steps write, as it comes, with where each line comes from before it. */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useKeys } from "../app/keys.ts";
import { setPreference, usePreferences } from "../app/preferences.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { bytesText, countOf } from "../ui/format.ts";
import { followsAfter } from "./follow-rule.ts";
import type { LogListHandle } from "./list-props.ts";
import { useLogAddress } from "./log-address.ts";
import { LogList } from "./log-list.tsx";
import { LogSearchBar } from "./log-search-bar.tsx";
import { LogView } from "./log-view.tsx";
import { MergedLog, type MergedStep } from "./merged-log.ts";
import { servedLog } from "./served-log.ts";
import { useFrames } from "./use-log.ts";
import { useFirstHit, useLogSearch } from "./use-log-search.ts";

const route = getRouteApi("/p/$project/runs/$run");

export interface RunningLogsProps {
  readonly project: string;
  readonly run: string;
  /** Those that run now. */
  readonly steps: readonly MergedStep[];
  readonly isLive: boolean;
  readonly chooser: ReactNode;
}

/** Steps that are followed at once: a connection has a bound. */
const MOST_FOLLOWED = 24;
/** Colours of the gutter. */
const HUES = 6;

export function RunningLogs({ project, run, steps, isLive, chooser }: RunningLogsProps): ReactNode {
  const log = useMergedLog(project, run, steps);
  useFrames(log);
  const address = useLogAddress();
  const { wrapsLogs } = usePreferences();
  const list = useRef<LogListHandle>(null);
  const field = useRef<HTMLInputElement>(null);
  const [follows, onFollow] = useReducer(followsAfter, address.query.text === "");
  const reveal = useCallback((line: number) => {
    onFollow({ kind: "searched" });
    list.current?.reveal(line);
  }, []);
  const query = useMemo(() => ({ ...address.query, isPattern: false }), [address.query.text, address.query.ignoreCase]);
  const search = useLogSearch(log, log, query, reveal);
  useFirstHit(search, address, list);
  const go = (direction: 1 | -1): void => search.go(direction, (list.current?.firstSeen() ?? 1) - 1);
  const toEnd = (): void => {
    onFollow({ kind: "end" });
    list.current?.toEnd();
  };
  useKeys([
    { key: "/", what: "Search the logs", run: () => field.current?.focus() },
    { key: "n", what: "Next hit", run: () => (search.state === undefined ? false : go(1)) },
    { key: "N", what: "Hit before", run: () => (search.state === undefined ? false : go(-1)) },
    { key: "End", what: "To the end of the logs, and follow them", isNamed: true, run: toEnd },
    {
      key: "Home",
      what: "To the beginning of the logs",
      isNamed: true,
      run: () => {
        onFollow({ kind: "searched" });
        list.current?.toStart();
      },
    },
  ]);
  const navigate = route.useNavigate();
  const showStep = (of: MergedStep | undefined): void =>
    void (
      of !== undefined &&
      navigate({ search: (before) => ({ ...before, step: of.step, attempt: of.attempt, line: undefined }) })
    );
  const lines = log?.lines ?? 0;
  const left = steps.length - MOST_FOLLOWED;
  return (
    <LogView
      chooser={chooser}
      follows={follows && isLive}
      isLive={isLive}
      lines={lines}
      facts={`${countOf(Math.min(steps.length, MOST_FOLLOWED), "running step")}${left > 0 ? `, ${left} more not shown` : ""}`}
      onEnd={toEnd}
      search={search.state}
      isSearched={query.text !== ""}
      tools={
        <>
          <LogSearchBar
            ref={field}
            query={query}
            takesPatterns={false}
            state={search.state}
            number={search.current === undefined ? undefined : search.numberOf(search.current)}
            onQuery={address.look}
            onGo={go}
            onLeave={() => list.current?.focus()}
          />
          <Button kind="quiet" aria-pressed={wrapsLogs} onClick={() => setPreference("wrapsLogs", !wrapsLogs)}>
            Wrap
          </Button>
        </>
      }
      body={(onCopied) =>
        log === undefined || lines === 0 ? (
          <p className="log-nothing dim">
            {isLive
              ? "Nothing is written yet. What the running steps write is shown here as it comes."
              : "Nothing was written."}
          </p>
        ) : (
          <LogList
            ref={list}
            log={log}
            label="Logs of the running steps"
            start={{ kind: "end" }}
            wraps={wrapsLogs}
            hidesTimes={false}
            follows={follows}
            onFollow={onFollow}
            onPlace={NOTHING}
            chosen={undefined}
            query={search.marks}
            currentHit={search.current}
            gutter={(line) => <StepName log={log} line={line} />}
            onGutter={(line) => showStep(log.line(line)?.of)}
            instead={(line) => skippedText(log, line)}
            onChooseAll={NOTHING}
            onCopied={onCopied}
          />
        )
      }
    />
  );
}

/** Where a line comes from; said once for lines that follow each other, to the eye. */
function StepName({ log, line }: { readonly log: MergedLog; readonly line: number }): ReactNode {
  const step = log.line(line)?.of.step ?? "";
  const isFirst = log.line(line - 1)?.of.step !== step;
  return (
    <span className={`log-step log-hue-${hueOf(step)} ${isFirst ? "is-first" : ""}`} title={`Show the log of ${step}`}>
      {step}
    </span>
  );
}

function hueOf(step: string): number {
  let sum = 7;
  for (const character of step) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % HUES;
}

/** `undefined`: it is a line. */
function skippedText(log: MergedLog, line: number): string | undefined {
  const { skipped, of } = log.line(line) ?? {};
  return skipped === undefined
    ? undefined
    : `${bytesText(skipped)} skipped, as they were too many at once: the log of ${of?.step} has them`;
}

const NOTHING = (): void => undefined;

function useMergedLog(project: string, run: string, steps: readonly MergedStep[]): MergedLog | undefined {
  const heddle = useHeddle();
  const [log, setLog] = useState<MergedLog>();
  useEffect(() => {
    const made = new MergedLog((of) => servedLog(heddle, { project, run, ...of }));
    setLog(made);
    return () => {
      made.close();
      setLog(undefined);
    };
  }, [heddle, project, run]);
  useEffect(() => log?.follow(steps.slice(0, MOST_FOLLOWED)), [log, steps]);
  return log;
}
