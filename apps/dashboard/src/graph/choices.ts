/** Choices of the graph: what a person decides about how it is shown, and how that stands in the address. Pure. */

export const COLOURINGS = ["status", "duration", "cost", "model", "group"] as const;
export type Colouring = (typeof COLOURINGS)[number];

export interface GraphChoices {
  readonly colouring: Colouring;
  readonly showsPath: boolean;
  /** Text that is looked for. */
  readonly text: string;
  /** Keys of folds that were opened or closed. */
  readonly toggled: ReadonlySet<string>;
}

/** The same in the search parameters of a page; what is as usual is absent. */
export interface GraphSearch {
  readonly colour?: Colouring | undefined;
  readonly path?: "off" | undefined;
  readonly q?: string | undefined;
  /** With line breaks between. */
  readonly folds?: string | undefined;
}

export function graphChoices({ colour, path, q, folds }: GraphSearch): GraphChoices {
  return {
    colouring: colour ?? "status",
    showsPath: path !== "off",
    text: q ?? "",
    toggled: new Set(folds === undefined ? [] : folds.split("\n")),
  };
}

/** What changes in the address by a choice. */
export function graphSearch({ colouring, showsPath, text, toggled }: Partial<GraphChoices>): GraphSearch {
  return {
    ...(colouring === undefined ? {} : { colour: colouring === "status" ? undefined : colouring }),
    ...(showsPath === undefined ? {} : { path: showsPath ? undefined : "off" }),
    ...(text === undefined ? {} : { q: text }),
    ...(toggled === undefined ? {} : { folds: toggled.size === 0 ? undefined : [...toggled].join("\n") }),
  };
}
