/** One thing that `heddle doctor` looked at. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warning" | "error";
  readonly message: string;
  readonly hint?: string;
}
