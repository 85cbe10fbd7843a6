/** List copy: what the reader selects in a list of lines stays while they scroll, and is copied whole, as text. */
import { useEffect, useState, type ClipboardEvent, type RefObject } from "react";
import { copyText, MOST_COPIED, type TextPlace } from "./copy-text.ts";
import type { FollowEvent } from "./follow-rule.ts";
import { timeLength } from "./line-time.ts";
import type { LogListProps } from "./list-props.ts";
import { selectedText, selectionAnchor } from "./log-selection.ts";
import { countOf, countText } from "../ui/format.ts";

/** The line in which the selection, or what may become one, begins; `undefined`: it is elsewhere. */
export function useSelectionAnchor(
  box: RefObject<HTMLElement | null>,
  onFollow: (event: FollowEvent) => void,
): number | undefined {
  const [anchor, setAnchor] = useState<number>();
  useEffect(() => {
    const look = (): void => {
      const list = box.current;
      setAnchor(list === null ? undefined : selectionAnchor(list));
      if (list !== null && selectedText(list) !== undefined) onFollow({ kind: "selected" });
    };
    document.addEventListener("selectionchange", look);
    return () => document.removeEventListener("selectionchange", look);
  }, [box, onFollow]);
  return anchor;
}

/** For the list's own `copy`: the selection, else the chosen lines. */
export function useCopy(
  { log, chosen, hidesTimes, onCopied }: LogListProps,
  box: RefObject<HTMLElement | null>,
): (event: ClipboardEvent) => void {
  return (event) => {
    const selected = box.current === null ? undefined : selectedText(box.current);
    const from: TextPlace | undefined = selected?.from ?? (chosen && { line: chosen.from, offset: 0 });
    const to: TextPlace | undefined =
      selected?.to ?? (chosen && { line: Math.min(chosen.to, log.lines), offset: Infinity });
    if (from === undefined || to === undefined) return;
    event.preventDefault();
    const count = to.line - from.line + 1;
    if (count > MOST_COPIED) return onCopied(`${countText(count)} lines are too many to copy: download the log`);
    const textOf = (raws: readonly string[]): string => copyText(raws, from, to, hidesTimes ? timeLength : undefined);
    const here = Array.from({ length: count }, (_, at) => log.line(from.line + at));
    if (here.every((line) => line !== undefined && line.cut === 0)) {
      event.clipboardData.setData("text/plain", textOf(here.map((line) => line?.text ?? "")));
      return onCopied(`Copied ${countOf(count, "line")}`);
    }
    void copyRead(log, from.line, to.line, textOf).then(onCopied);
  };
}

/** Lines that are not here are read first; gives what became of it. */
async function copyRead(
  log: LogListProps["log"],
  from: number,
  to: number,
  textOf: (raws: readonly string[]) => string,
): Promise<string> {
  try {
    const raws = await log.read(from, to, AbortSignal.timeout(20_000));
    await navigator.clipboard.writeText(textOf(raws));
    return `Copied ${countOf(raws.length, "line")}`;
  } catch {
    return "The lines could not be copied: they are not all here, and could not be read";
  }
}
