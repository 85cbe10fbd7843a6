/** Result of one check of `heddle doctor`. */
export interface DoctorFinding {
  readonly check: string;
  readonly level: "ok" | "warning" | "error";
  readonly message: string;
  readonly hint?: string;
}
