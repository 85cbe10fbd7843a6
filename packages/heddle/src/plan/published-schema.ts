/** The JSON Schema that editors complete and check plan files with, made from the definitions that validate them. */
import { toJSONSchema } from "zod/v4/core";
import { NOTES, PLAN_FILE } from "./schema.ts";

/** Draft 2020-12. */
export function planJsonSchema(): object {
  const schema = toJSONSchema(PLAN_FILE, { io: "input", metadata: NOTES, unrepresentable: "any" });
  return { title: "heddle plan", description: "A plan of dependent steps.", ...schema };
}
