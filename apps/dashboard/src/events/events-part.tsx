/** Events of the run: the lines of its history, by type and step, as they are recorded; each whole as JSON. */
import { useCallback, useEffect, useMemo, useReducer, useRef, useState, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useKeys } from "../app/keys.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { Button } from "../ui/button.tsx";
import { countOf, countText } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { followsAfter } from "../logs/follow-rule.ts";
import { LineField } from "../logs/line-field.tsx";
import { extendedRange, lineRangeOf, lineRangeText, type LineRange } from "../logs/line-range.ts";
import type { LogListHandle } from "../logs/list-props.ts";
import { LogList } from "../logs/log-list.tsx";
import { LogView } from "../logs/log-view.tsx";
import { useFrames } from "../logs/use-log.ts";
import { eventJson } from "./event-text.ts";
import type { EventList } from "./event-list.ts";
import { EventPanel } from "./event-panel.tsx";
import { TypeFilter } from "./type-filter.tsx";
import { useEventList } from "./use-event-list.ts";
import "./events.css";

const route = getRouteApi("/p/$project/runs/$run");

/** Events that are copied at once, at most. */
const MOST_COPIED = 5000;

export function EventsPart(): ReactNode {
  const { run, seq } = useShownRun();
  const list = useEventList();
  useFrames(list);
  const address = useEventsAddress();
  const { types, step, chosen, choose } = address;
  const rows = useRef<LogListHandle>(null);
  const [follows, onFollow] = useReducer(followsAfter, chosen === undefined && run.head.live && seq === undefined);
  const anchor = useRef<number>(undefined);
  useEffect(() => list?.filter({ types, step }), [list, types, step]);
  const isLive = run.head.live && seq === undefined;
  /** By numbers of events. */
  const show = (range: LineRange): void => {
    onFollow({ kind: "searched" });
    choose(range);
    if (list !== undefined) rows.current?.reveal(list.lineOf(range.from));
  };
  const move = (by: 1 | -1): void => {
    if (list === undefined) return;
    const line = chosen === undefined ? (rows.current?.firstSeen() ?? 1) : list.lineOf(chosen.from) + by;
    const next = list.seqOf(Math.min(Math.max(1, line), list.lines));
    if (next !== undefined) show({ from: next, to: next });
  };
  const toEnd = (): void => {
    onFollow({ kind: "end" });
    rows.current?.toEnd();
  };
  useKeys([
    { key: "j", what: "Next event", run: () => move(1) },
    { key: "k", what: "Event before", run: () => move(-1) },
    { key: "End", what: "To the last event, and follow", isNamed: true, run: toEnd },
    {
      key: "Home",
      what: "To the first event",
      isNamed: true,
      run: () => {
        onFollow({ kind: "searched" });
        rows.current?.toStart();
      },
    },
    {
      key: "Escape",
      what: "Close the event",
      isNamed: true,
      run: () => (chosen === undefined ? false : choose(undefined)),
    },
  ]);
  if (list === undefined) return <Waiting what="events" rows={14} />;
  if (list.problem !== undefined)
    return (
      <div className="page">
        <ProblemPanel title="The events cannot be shown" thrown={list.problem} />
      </div>
    );
  const shownRows: LineRange | undefined =
    chosen === undefined || list.lines === 0
      ? undefined
      : { from: list.lineOf(chosen.from), to: list.lineOf(chosen.to) };
  return (
    <div className="events">
      <LogView
        label="Events"
        unit="event"
        chooser={
          <>
            <TypeFilter list={list} types={types} onTypes={address.setTypes} />
            <StepFilter step={step} onStep={address.setStep} />
          </>
        }
        follows={follows && isLive}
        isLive={isLive}
        lines={list.lines}
        facts={factsText(list, types.length > 0 || step !== undefined)}
        onEnd={toEnd}
        search={undefined}
        isSearched={false}
        tools={
          <>
            <LineField label="Event to go to, as 12 or 12-20" placeholder="Event" chosen={chosen} onGo={show} />
            <CopyEvents list={list} rows={shownRows} />
          </>
        }
        body={(onCopied) =>
          list.lines === 0 ? (
            <p className="log-nothing dim">
              {list.isWhole
                ? "No event is of this kind."
                : `Reading: ${countText(list.index.size)} of ${countText(list.last)} events`}
            </p>
          ) : (
            <LogList
              ref={rows}
              log={list}
              label="Events of the run"
              start={
                shownRows === undefined ? { kind: isLive ? "end" : "start" } : { kind: "line", line: shownRows.from }
              }
              wraps={false}
              hidesTimes={false}
              follows={follows}
              onFollow={onFollow}
              onPlace={NOTHING}
              chosen={shownRows}
              query={undefined}
              currentHit={undefined}
              gutter={(line) => countText(list.seqOf(line) ?? 0)}
              choosesRows
              onGutter={(line, extend) => {
                const at = list.seqOf(line);
                if (at === undefined) return;
                if (!extend) anchor.current = at;
                onFollow({ kind: "searched" });
                choose(extend ? extendedRange(chosen, anchor.current, at) : { from: at, to: at });
              }}
              onChooseAll={() => choose({ from: list.seqOf(1) ?? 1, to: list.seqOf(list.lines) ?? 1 })}
              onCopied={onCopied}
            />
          )
        }
      />
      {chosen !== undefined && chosen.from === chosen.to ? (
        <EventPanel seq={chosen.from} onClose={() => choose(undefined)} />
      ) : null}
    </div>
  );
}

const NOTHING = (): void => undefined;

interface EventsAddress {
  readonly types: readonly string[];
  readonly step: string | undefined;
  /** By numbers of events. */
  readonly chosen: LineRange | undefined;
  readonly choose: (range: LineRange | undefined) => void;
  readonly setTypes: (types: readonly string[]) => void;
  readonly setStep: (step: string | undefined) => void;
}

function useEventsAddress(): EventsAddress {
  const { line, types: listed = "", about } = route.useSearch();
  const navigate = route.useNavigate();
  const types = useMemo(() => listed.split(",").filter((type) => type !== ""), [listed]);
  const set = useCallback(
    (changes: {
      readonly line?: string | undefined;
      readonly types?: string | undefined;
      readonly about?: string | undefined;
    }) => void navigate({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false }),
    [navigate],
  );
  return {
    types,
    step: about,
    chosen: line === undefined ? undefined : lineRangeOf(line),
    choose: (range) => set({ line: range === undefined ? undefined : lineRangeText(range) }),
    setTypes: (next) => set({ types: next.length === 0 ? undefined : next.toSorted().join(",") }),
    setStep: (next) => set({ about: next }),
  };
}

/** Steps by name: of thousands the reader types a part of it. */
function StepFilter({
  step,
  onStep,
}: {
  readonly step: string | undefined;
  readonly onStep: (step: string | undefined) => void;
}): ReactNode {
  const { run } = useShownRun();
  const [typed, setTyped] = useState(step ?? "");
  useEffect(() => setTyped(step ?? ""), [step]);
  const known = useMemo(() => new Set(run.steps.map(({ id }) => id)), [run.steps]);
  const look = (text: string): void => {
    setTyped(text);
    if (text === "" || known.has(text)) onStep(text === "" ? undefined : text);
  };
  const offered = typed === "" ? [] : run.steps.filter(({ id }) => id.includes(typed)).slice(0, 20);
  return (
    <>
      <input
        type="search"
        className="event-step"
        list="event-steps"
        aria-label="Only events of this step"
        placeholder="All steps"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={({ target }) => look(target.value)}
      />
      <datalist id="event-steps">
        {offered.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

function CopyEvents({ list, rows }: { readonly list: EventList; readonly rows: LineRange | undefined }): ReactNode {
  const [said, setSaid] = useState("");
  const count = rows === undefined ? list.lines : rows.to - rows.from + 1;
  const { from, to } = rows ?? { from: 1, to: list.lines };
  const copy = async (): Promise<void> => {
    try {
      const events = await list.events(from, to, AbortSignal.timeout(20_000));
      await navigator.clipboard.writeText(events.map((event) => `${eventJson(event)}\n`).join(""));
      setSaid(`Copied ${countOf(events.length, "event")}`);
    } catch {
      setSaid("The events could not be copied");
    }
  };
  return (
    <>
      <span className="dim" role="status">
        {said}
      </span>
      <Button
        kind="quiet"
        unusable={
          count > MOST_COPIED
            ? `More than ${countText(MOST_COPIED)}: choose some, or run heddle history --json`
            : undefined
        }
        onClick={() => void copy()}
      >
        Copy {rows === undefined ? "all" : countText(count)} as JSON
      </Button>
    </>
  );
}

function factsText(list: EventList, isFiltered: boolean): string {
  if (!isFiltered) return countOf(list.last, "event");
  return `${countText(list.lines)} of ${countOf(list.last, "event")}${list.isWhole ? "" : ", reading"}`;
}
