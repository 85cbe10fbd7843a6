/** Type filter: of which types events are shown. */
import type { ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { countOf, countText } from "../ui/format.ts";
import { Popup } from "../ui/popup.tsx";
import type { EventList } from "./event-list.ts";

export interface TypeFilterProps {
  readonly list: EventList;
  readonly types: readonly string[];
  readonly onTypes: (types: readonly string[]) => void;
}

export function TypeFilter({ list, types, onTypes }: TypeFilterProps): ReactNode {
  const known = list.index.types.toSorted(([one], [other]) => one.localeCompare(other));
  const shown = [
    ...known,
    ...types.filter((type) => !known.some(([name]) => name === type)).map((type) => [type, 0] as const),
  ];
  return (
    <Popup
      className="event-types"
      label={types.length === 0 ? "All types" : types.length === 1 ? types[0] : countOf(types.length, "type")}
      button={{ "aria-pressed": types.length > 0 }}
      onOpen={() => list.readAll()}
    >
      {({ id, hidden }) => (
        <fieldset id={id} className="event-types-list" hidden={hidden}>
          <legend className="visually-hidden">Types of events that are shown</legend>
          {shown.map(([type, count]) => (
            <label key={type}>
              <input
                type="checkbox"
                checked={types.includes(type)}
                onChange={({ target }) =>
                  onTypes(target.checked ? [...types, type] : types.filter((one) => one !== type))
                }
              />
              <span>{type}</span>
              <span className="dim num">{countText(count)}</span>
            </label>
          ))}
          {list.isWhole ? null : (
            <p className="dim" role="status">
              Reading: {countText(list.index.size)} of {countText(list.last)}
            </p>
          )}
          {types.length === 0 ? null : (
            <Button kind="quiet" onClick={() => onTypes([])}>
              Show all types
            </Button>
          )}
        </fieldset>
      )}
    </Popup>
  );
}
