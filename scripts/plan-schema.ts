/** Writes the JSON Schema of plan files, generated from the definitions that validate them. `--check`: only says whether it is up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { planJsonSchema } from "../packages/heddle/src/plan/schema/published.ts";

const file = path.resolve(import.meta.dirname, "../packages/heddle/plan.schema.json");
const text = `${JSON.stringify(planJsonSchema(), null, 2)}\n`;

if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  console.error("plan.schema.json is stale: node scripts/plan-schema.ts");
  process.exitCode = 1;
}
