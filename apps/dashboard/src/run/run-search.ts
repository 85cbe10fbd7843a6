/** Search parameters of a run's page: all that is chosen on it. */
import { STEP_STATUSES, type StepStatus } from "heddle/view";
import { COLOURINGS, type Colouring } from "../graph/choices.ts";
import { ATTEMPT_FILTERS, ROW_MODES, type AttemptFilter, type RowMode } from "../timeline/choices.ts";
import { oneOf, textOf, wholeNumber } from "../app/search-params.ts";

/** Parts of the page, in the order of its tabs. */
export const RUN_VIEWS = ["graph", "timeline", "steps", "logs", "changes", "cost", "events", "plan"] as const;
export type RunViewName = (typeof RUN_VIEWS)[number];

export interface RunSearch {
  readonly view?: RunViewName | undefined;
  /** Id of the step that is looked at. */
  readonly step?: string | undefined;
  /** Of that step, from 1. */
  readonly attempt?: number | undefined;
  /** Of a log, or of the events: `12`, or `12-40`. */
  readonly line?: string | undefined;
  /** Text that is looked for in a log. */
  readonly find?: string | undefined;
  /** How it is: `regex`, `case`, or both with a comma between. */
  readonly match?: string | undefined;
  /** Types of events that are shown, with commas between. */
  readonly types?: string | undefined;
  /** Id of the step whose events are shown. */
  readonly about?: string | undefined;
  /** The run as it was at this event; absent: as it is now. */
  readonly seq?: number | undefined;
  /** Text that is looked for. */
  readonly q?: string | undefined;
  /** Statuses that are shown, with commas between. */
  readonly status?: string | undefined;
  readonly group?: string | undefined;
  /** What the graph's colours mean; absent: the status. */
  readonly colour?: Colouring | undefined;
  /** `off`: the graph does not show the critical path. */
  readonly path?: "off" | undefined;
  /** Folds of the graph that were opened or closed, with line breaks between. */
  readonly folds?: string | undefined;
  /** Column of the table of steps, with `-` before it: downwards. */
  readonly sort?: string | undefined;
  /** Of the changes: the file that is looked at. */
  readonly file?: string | undefined;
  /** Id of the step whose change of it is meant; absent: what the run merged. */
  readonly of?: string | undefined;
  /** Only files that several steps changed. */
  readonly shared?: "1" | undefined;
  /** Rows of the timeline; absent: by step. */
  readonly by?: RowMode | undefined;
  /** Bars of the timeline; absent: all attempts. */
  readonly attempts?: AttemptFilter | undefined;
  /** `shown`: the timeline shows times in which nothing worked as long as they were. */
  readonly gaps?: "shown" | undefined;
  /** `on`: other numbers of workers are shown above the timeline. */
  readonly whatIf?: "on" | undefined;
}

export function runSearch(search: Readonly<Record<string, unknown>>): RunSearch {
  const statuses = statusesOf(textOf(search["status"]));
  return {
    view: oneOf(RUN_VIEWS, search["view"]),
    step: textOf(search["step"]),
    attempt: wholeNumber(search["attempt"], 1),
    line: /^\d{1,12}(-\d{1,12})?$/.exec(textOf(search["line"]) ?? "")?.[0],
    find: textOf(search["find"])?.slice(0, 500),
    match: /^(?:regex|case|regex,case)$/.exec(textOf(search["match"]) ?? "")?.[0],
    types: /^[a-z.,]{1,1000}$/.exec(textOf(search["types"]) ?? "")?.[0],
    about: textOf(search["about"]),
    seq: wholeNumber(search["seq"], 1),
    q: textOf(search["q"]),
    status: statuses.length === 0 ? undefined : statuses.join(","),
    group: textOf(search["group"]),
    colour: oneOf(COLOURINGS, search["colour"]),
    path: oneOf(["off"] as const, search["path"]),
    folds: textOf(search["folds"]),
    sort: /^-?[a-z]{1,20}$/.exec(textOf(search["sort"]) ?? "")?.[0],
    file: textOf(search["file"]),
    of: textOf(search["of"]),
    shared: oneOf(["1"], search["shared"]),
    by: oneOf(ROW_MODES, search["by"]),
    attempts: oneOf(ATTEMPT_FILTERS, search["attempts"]),
    gaps: oneOf(["shown"] as const, search["gaps"]),
    whatIf: oneOf(["on"] as const, search["whatIf"]),
  };
}

export function statusesOf(text: string | undefined): readonly StepStatus[] {
  return (text ?? "").split(",").flatMap((word) => oneOf(STEP_STATUSES, word) ?? []);
}
