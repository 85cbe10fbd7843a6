/** Choices of the graph: what a person decides about how it is shown. */

export const COLOURINGS = ["status", "duration", "cost", "group"] as const;
export type Colouring = (typeof COLOURINGS)[number];

export interface GraphChoices {
  readonly colouring: Colouring;
  readonly showsPath: boolean;
  /** Text that is looked for. */
  readonly text: string;
  /** Keys of folds that were opened or closed. */
  readonly toggled: ReadonlySet<string>;
}
