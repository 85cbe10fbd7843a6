/** Exported functions for the module runner's tests: each does what its name says. */
import type { StepContext } from "../../src/plan/plan.ts";

export function double(input: { readonly n: number }): number {
  return input.n * 2;
}

export async function talk(_input: unknown, context: StepContext): Promise<object> {
  context.log("first line");
  context.progress({ percent: 50 });
  context.addSteps([{ id: "more", run: "true" }]);
  context.log(`secret is ${process.env["HOME"] ?? ""}`);
  return {
    run: context.run,
    step: context.step,
    attempt: context.attempt,
    item: context.item ?? null,
    params: context.params,
  };
}

export function spin(): never {
  for (;;);
}

export function wait(_input: unknown, context: StepContext): Promise<void> {
  return new Promise((_resolve, reject) =>
    context.signal.addEventListener("abort", () => reject(context.signal.reason)),
  );
}

export function deaf(_input: unknown, context: StepContext): Promise<void> {
  context.progress({ running: true });
  return new Promise(() => setInterval(() => undefined, 1000));
}

export function fail(): never {
  throw new Error("it broke");
}

export function strange(): unknown {
  return { when: new Date(0) };
}

export function huge(): string {
  return "x".repeat(2_000_000);
}

export function hog(): number {
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 1000 }, () => ({})));
}

export function leave(): never {
  process.exit(3);
}

export const value = 5;
