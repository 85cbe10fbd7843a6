/** Selection of steps: one is selected or not, or all from the last one to it. */
import { useCallback, useRef } from "react";

export interface SelectionOptions {
  readonly selected: ReadonlySet<string>;
  readonly onSelected: (selected: ReadonlySet<string>) => void;
  readonly idAt: (place: number) => string | undefined;
  readonly placeOf: (id: string) => number;
}

/** The same function for as long as the table is shown: rows are not drawn again for it. */
export function useSelection(options: SelectionOptions): (id: string, isRange?: boolean) => void {
  const latest = useRef(options);
  latest.current = options;
  const anchor = useRef<string>(undefined);
  return useCallback((id, isRange = false) => {
    const { selected, onSelected, idAt, placeOf } = latest.current;
    const next = new Set(selected);
    const isOn = !selected.has(id);
    const to = placeOf(id);
    const from = isRange && anchor.current !== undefined ? placeOf(anchor.current) : -1;
    const [first, last] = from === -1 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    for (let place = first; place <= last; place++) {
      const one = idAt(place);
      if (one === undefined) continue;
      if (isOn) next.add(one);
      else next.delete(one);
    }
    anchor.current = id;
    onSelected(next);
  }, []);
}
