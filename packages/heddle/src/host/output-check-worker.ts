/** Program of worker threads for output checks: connects the runner's part with the check. */
import { outputProblem } from "../plan/schema/output-check.ts";
import { serveChecks } from "../runner/bounded-checks.ts";

serveChecks(outputProblem);
