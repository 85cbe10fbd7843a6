/** Line field: goes to a line, or chooses some, by number. */
import { useEffect, useState, type ReactNode } from "react";
import { lineRangeOf, lineRangeText, type LineRange } from "./line-range.ts";

export function LineField({
  label = "Line to go to, as 120 or 120-140",
  placeholder = "Line",
  chosen,
  onGo,
}: {
  readonly label?: string;
  readonly placeholder?: string;
  readonly chosen: LineRange | undefined;
  readonly onGo: (range: LineRange) => void;
}): ReactNode {
  const now = chosen === undefined ? "" : lineRangeText(chosen);
  const [typed, setTyped] = useState(now);
  useEffect(() => setTyped(now), [now]);
  return (
    <form
      className="log-line-field"
      onSubmit={(event) => {
        event.preventDefault();
        const range = lineRangeOf(typed.trim());
        if (range !== undefined) onGo(range);
      }}
    >
      <input
        type="text"
        inputMode="numeric"
        aria-label={label}
        placeholder={placeholder}
        size={7}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
    </form>
  );
}
