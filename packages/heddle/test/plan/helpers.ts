/** What the tests of plans share: compiling a text, and the errors of one in a short form. */
import { compilePlan, type CompiledPlan, type CompileInput } from "../../src/graph/compile.ts";
import type { Diagnostic } from "../../src/plan/diagnostic.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";

type Options = Partial<Omit<CompileInput, "text">>;

export async function diagnosticsOf(text: string, options: Options = {}): Promise<readonly Diagnostic[]> {
  const compiled = await compilePlan({ text, file: "plan.yaml", ...options });
  return compiled.ok ? [] : compiled.error;
}

/** `Code line:column` of every error. */
export async function errorsOf(text: string, options: Options = {}): Promise<readonly string[]> {
  return (await diagnosticsOf(text, options)).map(({ code, line, column }) => `${code} ${line}:${column}`);
}

export async function compiled(text: string, options: Options = {}): Promise<CompiledPlan> {
  const result = await compilePlan({ text, file: "plan.yaml", ...options });
  if (!result.ok)
    throw new Error(result.error.map(({ code, line, message }) => `${code} ${line}: ${message}`).join("\n"));
  return result.value;
}

export async function planOf(text: string, options: Options = {}): Promise<Plan> {
  return (await compiled(text, options)).plan;
}

export async function stepOf(text: string, options: Options = {}): Promise<Step> {
  const [step] = (await planOf(text, options)).steps;
  if (step === undefined) throw new Error("no step");
  return step;
}

/** The plan of the documentation's first example, in all its keys. */
export const FULL_PLAN = `name: checkout
description: Card payments, end to end
params:
  env: { type: string, enum: [staging, production], default: staging }
maxConcurrency: 4
maxAgents: 3
schedule: ready
failure: fail-fast
rollback: none
timeout: 2h
grace: 5s
resources: { cpu: 4, browser: 1 }
limits: { maxMemoryMb: 8192, maxCpuPercent: 80 }
budget: { usd: 20, onReached: pause }
agents:
  default: claude
defaults: { timeout: 30m, retry: 1, shell: bash }
steps:
  - id: schema
    description: Set up the database schema
    run: npm run db:generate
    inputs: [prisma/**]
    outputs: [src/generated/**]
    undo: git checkout -- src/generated
  - id: ui
    agent:
      prompt: Build the checkout form in src/ui. \${{ params.env }}
      model: auto
    group: frontend
    verify: npm test -- ui
  - id: api
    deps: [schema]
    call: ./steps/api.ts#build
    with: { tables: "\${{ deps.schema.output.tables }}" }
  - id: sign-off
    deps: [ui, api]
    approve: Ship it?
    timeout: 1d
  - id: shards
    deps: [sign-off]
    forEach: \${{ deps.api.output.shards }}
    run: npm test -- --shard "$ITEM"
    resources: { cpu: 1 }
  - id: nightly
    deps: [shards]
    plan: ./nightly.yaml
    if: params.env == 'production'
`;
