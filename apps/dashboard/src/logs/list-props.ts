/** List properties: what a list of lines is told, and what it is asked to do. */
import type { ReactNode, Ref } from "react";
import type { FollowEvent } from "./follow-rule.ts";
import type { HitQuery } from "./hit-search.ts";
import type { LineRange } from "./line-range.ts";
import type { Place } from "./scroll-place.ts";
import type { ShownLog } from "./shown-log.ts";

export interface LogListHandle {
  /** Into the view, unless it is there. */
  reveal(line: number): void;
  toStart(): void;
  toEnd(): void;
  firstSeen(): number;
  focus(): void;
}

/** Where a log is opened. */
export type LogStart =
  | { readonly kind: "start" | "end" }
  | { readonly kind: "line"; readonly line: number }
  | { readonly kind: "place"; readonly place: Place };

export interface LogListProps {
  readonly log: ShownLog;
  readonly label: string;
  readonly start: LogStart;
  readonly wraps: boolean;
  readonly hidesTimes: boolean;
  readonly follows: boolean;
  readonly onFollow: (event: FollowEvent) => void;
  /** After the reader has come to rest. */
  readonly onPlace: (place: Place) => void;
  readonly chosen: LineRange | undefined;
  readonly query: HitQuery | undefined;
  readonly currentHit: number | undefined;
  readonly gutter: (line: number) => ReactNode;
  readonly onGutter: (line: number, extend: boolean) => void;
  /** A click anywhere in a line chooses it. Absent: on what stands before it. */
  readonly choosesRows?: boolean;
  /** What stands in the place of a line that has none. */
  readonly instead?: (line: number) => ReactNode;
  readonly onChooseAll: () => void;
  /** What became of a copy. */
  readonly onCopied: (said: string) => void;
  readonly ref: Ref<LogListHandle>;
}
