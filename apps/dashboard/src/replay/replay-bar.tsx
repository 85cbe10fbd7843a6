/**
 * Replay bar: goes through the history of a run. The event that the page stands at is in the address; while it plays, it takes its place there
 * without leaving a trail.
 */
import { useEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { getRouteApi } from "@tanstack/react-router";
import type { HistoryMarks } from "heddle/client";
import { useKeys } from "../app/keys.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useFollowedQuery, type Followed } from "../store/followed-query.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { countText, durationText, timeText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { eventAt, pacedTimes, playedTime, SPEEDS, timeOfEvent, type EventTimes, type Speed } from "./replay-clock.ts";
import { MARK_GLYPHS, markFrom, shareOf, shownMarks } from "./replay-marks.ts";
import "./replay-bar.css";

const route = getRouteApi("/p/$project/runs/$run");

/** Between two pictures of a replay that plays. */
const TICK_MS = 200;
/** The same for who wants no motion. */
const CALM_TICK_MS = 1000;
/** Pixels that a mark needs for itself. */
const MARK_WIDTH = 16;
const MARKS_MS = 3000;

export function ReplayBar(): ReactNode {
  const { run, time, last, problem } = useShownRun();
  const { seq } = route.useSearch();
  const { data: marks, error } = useMarks(last);
  const { goTo, wanted } = useGoTo();
  // What is shown may still be on its way to it.
  const at = seq ?? last;
  const way = useRef<HTMLDivElement>(null);
  const wayWidth = useWidth(way);
  const player = usePlayer({ wanted, last, marks, goTo });
  const moveTo = (next: number): void => {
    player.stop();
    goTo(Math.min(last, Math.max(1, next)));
  };
  const moveBy = (by: 1 | -1): void => moveTo((wanted.current ?? last) + by);
  const toMark = (by: 1 | -1): void | false => {
    const mark = markFrom(marks?.items ?? [], wanted.current ?? last, by);
    if (mark === undefined) return false;
    moveTo(mark.seq);
  };
  const backToLive = (): void => {
    player.stop();
    goTo(undefined);
  };
  useKeys([
    { key: "]", what: "Next event", run: () => moveBy(1) },
    { key: "[", what: "Previous event", run: () => moveBy(-1) },
    { key: "}", what: "Next mark of the replay", run: () => toMark(1) },
    { key: "{", what: "Previous mark of the replay", run: () => toMark(-1) },
  ]);
  const shownTime = time ?? (marks === undefined ? undefined : timeOfEvent(marks.times, at));
  return (
    <section className="replay" aria-label="Replay">
      {problem === undefined ? null : <InlineProblem thrown={problem} />}
      {marks === undefined && error !== null ? (
        <p className="replay-unknown dim" role="status">
          The times of the events cannot be read: the replay takes a second for each.
        </p>
      ) : null}
      <Button onClick={player.isPlaying ? player.stop : player.play}>
        <PlaySign isPlaying={player.isPlaying} />
        {player.isPlaying ? "Pause replay" : "Replay"}
      </Button>
      <label className="replay-speed">
        <span className="visually-hidden">Speed of the replay</span>
        <select value={player.speed} onChange={(event) => player.setSpeed(Number(event.target.value) as Speed)}>
          {SPEEDS.map((speed) => (
            <option key={speed} value={speed}>
              {speed}×
            </option>
          ))}
        </select>
      </label>
      <div className="replay-way" ref={way}>
        <div className="replay-track" aria-hidden="true">
          <div className="replay-done" style={{ width: `${shareOf(at, last) * 100}%` }} />
        </div>
        <input
          type="range"
          className="replay-range"
          aria-label="Event of the history"
          aria-valuetext={`Event ${countText(at)} of ${countText(last)}${shownTime === undefined ? "" : `, ${timeText(shownTime)}`}`}
          min={1}
          max={Math.max(1, last)}
          value={at}
          onChange={(event) => moveTo(Number(event.target.value))}
        />
        <ul className="replay-marks" aria-label="Marks">
          {shownMarks(marks?.items ?? [], last, MARK_WIDTH / wayWidth).map((mark) => (
            <li key={mark.seq} style={{ left: `${mark.at * 100}%` }}>
              <button
                type="button"
                tabIndex={-1}
                title={`${mark.text} (event ${countText(mark.seq)})`}
                aria-label={`${mark.text}, event ${countText(mark.seq)}`}
                onClick={() => moveTo(mark.seq)}
              >
                <Glyph name={MARK_GLYPHS[mark.kind]} size={14} />
              </button>
            </li>
          ))}
        </ul>
      </div>
      <span className="replay-place">
        <code>
          {countText(at)} of {countText(last)}
        </code>
        {shownTime === undefined ? null : (
          <span className="dim"> at {durationText(shownTime - run.head.startedAt)}</span>
        )}
      </span>
      <Button
        kind={seq === undefined ? "plain" : "primary"}
        unusable={seq === undefined ? "The page follows the run" : undefined}
        onClick={backToLive}
      >
        Back to live
      </Button>
    </section>
  );
}

function useWidth(of: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    if (of.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(1, entry?.contentRect.width ?? 1)));
    observer.observe(of.current);
    return () => observer.disconnect();
  }, [of]);
  return width;
}

function PlaySign({ isPlaying }: { readonly isPlaying: boolean }): ReactNode {
  return (
    <svg className="replay-sign" width={10} height={12} viewBox="0 0 10 12" aria-hidden="true">
      {isPlaying ? <path d="M1 1h3v10H1zM6 1h3v10H6z" /> : <path d="M1 1l8 5-8 5z" />}
    </svg>
  );
}

/** Asked again as the history grows, now and then. */
function useMarks(last: number): Followed<HistoryMarks> {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const id = run.head.run;
  return useFollowedQuery({
    key: ["marks", project, id],
    mark: last,
    everyMs: MARKS_MS,
    ask: (signal) => client.project(project).replay.marks(id, { signal }),
  });
}

/**
 * `goTo(undefined)`: to the run as it is now. The first step away from it can be undone by going back in the browser. `wanted`: where it was
 * told to go last, also before the address has it.
 */
function useGoTo(): {
  readonly goTo: (seq: number | undefined) => void;
  readonly wanted: RefObject<number | undefined>;
} {
  const { seq } = route.useSearch();
  const navigate = route.useNavigate();
  const wanted = useRef(seq);
  useEffect(() => {
    wanted.current = seq;
  }, [seq]);
  const goTo = (next: number | undefined): void => {
    const replace = wanted.current !== undefined && next !== undefined;
    wanted.current = next;
    void navigate({ search: (before) => ({ ...before, seq: next }), replace, resetScroll: false });
  };
  return { goTo, wanted };
}

interface PlayerInput {
  readonly wanted: RefObject<number | undefined>;
  readonly last: number;
  readonly marks: HistoryMarks | undefined;
  readonly goTo: (seq: number | undefined) => void;
}

interface Player {
  readonly isPlaying: boolean;
  readonly speed: Speed;
  readonly setSpeed: (speed: Speed) => void;
  readonly play: () => void;
  readonly stop: () => void;
}

function usePlayer(input: PlayerInput): Player {
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<Speed>(10);
  const latest = useRef({ ...input, speed });
  latest.current = { ...input, speed };
  const isCalm = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)").matches, []);
  useEffect(() => {
    if (!isPlaying) return;
    const timesNow = (): EventTimes => latest.current.marks?.times ?? pacedTimes(latest.current.last);
    let isKnown = latest.current.marks !== undefined;
    let time = timeOfEvent(timesNow(), latest.current.wanted.current ?? 1);
    let before = performance.now();
    const timer = setInterval(
      () => {
        const { marks, last, goTo, speed: now, wanted } = latest.current;
        const elapsedMs = performance.now() - before;
        before += elapsedMs;
        // The times of the history have come meanwhile: it goes on from where it stands.
        if (!isKnown && marks !== undefined) time = timeOfEvent(timesNow(), wanted.current ?? 1);
        isKnown = marks !== undefined;
        time = playedTime(time, { gaps: marks?.gaps ?? [], elapsedMs, speed: now });
        const seq = Math.min(last, eventAt(timesNow(), time));
        if (seq > (wanted.current ?? last)) goTo(seq);
        if (seq >= last) setPlaying(false);
      },
      isCalm ? CALM_TICK_MS : TICK_MS,
    );
    return () => clearInterval(timer);
  }, [isPlaying, isCalm]);
  return {
    isPlaying,
    speed,
    setSpeed,
    play: () => {
      // From its beginning, where it stands at the end.
      if ((input.wanted.current ?? input.last) >= input.last) input.goTo(1);
      setPlaying(true);
    },
    stop: () => setPlaying(false),
  };
}
