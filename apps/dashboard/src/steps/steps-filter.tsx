/** Filter of the steps: a chip for each status with its count, and a text. What is chosen stands in the address. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { STEP_STATUSES, type StatusCounts, type StepStatus } from "heddle/view";
import { useKeys } from "../app/keys.ts";
import { countText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";

export interface StepsFilterProps {
  readonly counts: StatusCounts;
  readonly total: number;
  readonly statuses: readonly StepStatus[];
  readonly text: string;
  readonly onStatus: (status: StepStatus | "all") => void;
  readonly onText: (text: string) => void;
}

export function StepsFilter({ counts, total, statuses, text, onStatus, onText }: StepsFilterProps): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  // The address may be another one now: somebody went back.
  useEffect(() => setTyped(text), [text]);
  useKeys([{ key: "/", what: "Find a step", run: () => input.current?.focus() }]);
  return (
    <div className="steps-filter">
      <div className="steps-chips" role="group" aria-label="Statuses shown">
        <Chip isOn={statuses.length === 0} onPress={() => onStatus("all")}>
          all <span className="chip-count">{countText(total)}</span>
        </Chip>
        {STEP_STATUSES.map((status) => (
          <Chip
            key={status}
            isOn={statuses.includes(status)}
            isEmpty={counts[status] === 0}
            onPress={() => onStatus(status)}
          >
            <Glyph name={status} size={14} />
            {status} <span className="chip-count">{countText(counts[status])}</span>
          </Chip>
        ))}
      </div>
      <input
        ref={input}
        type="search"
        aria-label="Part of a step's name"
        placeholder="Find a step"
        spellCheck={false}
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          onText(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          if (typed === "") return event.currentTarget.blur();
          setTyped("");
          onText("");
        }}
      />
    </div>
  );
}

function Chip({
  isOn,
  isEmpty = false,
  onPress,
  children,
}: {
  readonly isOn: boolean;
  readonly isEmpty?: boolean;
  readonly onPress: () => void;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <button type="button" className={isEmpty ? "chip empty" : "chip"} aria-pressed={isOn} onClick={onPress}>
      {children}
    </button>
  );
}
