/** Published JSON Schema: for completion and checks in editors, generated from the schema that validates plans. */
import { toJSONSchema } from "zod/v4/core";
import { NOTES } from "./parts.ts";
import { planFileSchema } from "./plan.ts";

/** Draft 2020-12. */
export function planJsonSchema(): object {
  const schema = toJSONSchema(planFileSchema(), { io: "input", metadata: NOTES, unrepresentable: "any" });
  return { title: "heddle plan", description: "A plan of dependent steps.", ...schema };
}
