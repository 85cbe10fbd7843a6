/** A plan whose functions isolated threads look up. */
import { plan, step, type PlanDefinition } from "../../src/plan/define.ts";

const first = step("first", () => ({ n: 20 }));
const second = step("second", { deps: { first }, isolate: true }, ({ first: { n } }, context) => {
  context.log(`n is ${n}`);
  return n + 1;
});
const spinning = step("spinning", { isolate: true }, (): number => {
  for (;;);
});

const definition: PlanDefinition = plan("fixture", { steps: [first, second, spinning] });
export default definition;
