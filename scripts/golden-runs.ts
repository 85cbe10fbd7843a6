/**
 * Makes anew what the golden runs are folded to, after a change of an event's upgrade or of the fold that was meant:
 * `node scripts/golden-runs.ts && npm run format`. The journals are only read, and what a resume does stays as it was written by
 * hand. Look at the difference: each line of it is a change for everybody who has such a run.
 */
import { writeFileSync } from "node:fs";
import {
  copyOf,
  expectedFile,
  expectedRuns,
  foldedRuns,
  goldenNames,
  openCopy,
} from "../packages/heddle/test/journal/golden-runs.ts";

for (const name of goldenNames()) {
  using copy = copyOf(name);
  await using project = await openCopy(copy, { access: "read" });
  const resumes = new Map(expectedRuns(name).map(({ run, resume }) => [run, resume]));
  const runs = (await foldedRuns(project)).map((folded) => ({ ...folded, resume: resumes.get(folded.run) }));
  writeFileSync(expectedFile(name), `${JSON.stringify(runs)}\n`);
  console.log(`${name}: ${runs.length} runs`);
}
