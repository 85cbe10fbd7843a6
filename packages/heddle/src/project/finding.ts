/** Doctor finding: the result of one check of `heddle doctor`. */
import type { AgentLine } from "../agent/port.ts";

export interface DoctorFinding {
  readonly check: string;
  readonly level: "ok" | "warning" | "error";
  readonly message: string;
  readonly hint?: string;
  /** Of a check `agent`: what was found of it, as data. */
  readonly agent?: AgentLine;
}
