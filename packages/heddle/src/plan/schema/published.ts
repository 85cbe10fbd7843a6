/** Published JSON Schema: for completion and checks in editors, generated from the schema that validates plans. */
import { toJSONSchema } from "zod/v4/core";
import { NOTES } from "./parts.ts";
import { planFileSchema } from "./plan.ts";

/** Draft 2020-12. */
export function planJsonSchema(): object {
  const schema = toJSONSchema(planFileSchema(), { io: "input", metadata: NOTES, unrepresentable: "any" });
  // Keys that begin with `x-` are the user's own.
  for (const name of ["plan", "step"])
    Object.assign(schema.$defs?.[name] ?? {}, { patternProperties: { "^x-": { description: "Your own: ignored." } } });
  return { title: "heddle plan", description: "A plan of dependent steps.", ...schema };
}
