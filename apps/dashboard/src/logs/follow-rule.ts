/**
 * Follow rule: whether a log that grows takes the view along. The reader's place is theirs: whatever says that they look at something stops it,
 * and only they begin it again. Pure.
 */

/** What happened. */
export type FollowEvent =
  /** The reader moved the view. */
  | { readonly kind: "scrolled"; readonly by: number; readonly isAtEnd: boolean }
  /** The reader selects text of the log. */
  | { readonly kind: "selected" }
  /** The reader looks for something, or went to a hit, a failure or a line. */
  | { readonly kind: "searched" }
  /** The End key, or the button that says so. */
  | { readonly kind: "end" };

/** Lines that come, another size of the window and a lost connection are no events: they change nothing. */
export function followsAfter(follows: boolean, event: FollowEvent): boolean {
  switch (event.kind) {
    case "scrolled":
      if (event.by < 0 && !event.isAtEnd) return false;
      return event.by > 0 && event.isAtEnd ? true : follows;
    case "selected":
    case "searched":
      return false;
    case "end":
      return true;
  }
}
