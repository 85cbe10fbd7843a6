/**
 * Event schemas: one per type of event, held equal to `event.ts` and `plan.ts` by the compiler: a field added there does
 * not compile until it is here. Events are checked before they are written and after they are read.
 *
 * Values that steps produced (outputs, items, progress) are not checked: they came from JSON text, or `toJson` checked
 * them. Why tables and not a schema library: see docs/adr/0005-simulation.md.
 */
import {
  anything,
  count,
  finite,
  flag,
  inside,
  lazy,
  listOf,
  literal,
  mapOf,
  object,
  oneOf,
  optional,
  positive,
  tagged,
  text,
  type Check,
} from "../base/check.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { ReadOnlyWorkspace } from "../plan/agents-config.ts";
import { recordedAgentOptions, recordedAgents } from "./agents-schema.ts";
import type { NoticeKind, NotifyTarget } from "../plan/notify-config.ts";
import type { Action, FailureClass, ParamSpec, Plan, Retry, Step } from "../plan/plan.ts";
import type {
  TokenUsage,
  CancelReason,
  EarlierStatus,
  EventOf,
  EventType,
  HandedDown,
  LandingPlace,
  MachineShortage,
  QuestionAbout,
  Resolution,
  RunOptions,
  SkipReason,
  SubplanSettings,
  StepError,
  TerminalErrorCode,
  ResourceUsage,
} from "./event.ts";

const json: Check<Json> = anything(
  "a JSON value",
  (value) =>
    value !== undefined && typeof value !== "function" && typeof value !== "symbol" && typeof value !== "bigint",
);
const jsonObject: Check<JsonObject> = anything("an object", isJsonObject);
const texts = listOf(text);
const schedule = oneOf<"ready" | "layers">({ ready: true, layers: true });
const failureMode = oneOf<"fail-fast" | "continue">({ "fail-fast": true, continue: true });
const rollbackMode = oneOf<"none" | "dependents" | "all">({ none: true, dependents: true, all: true });
const cancelReason = oneOf<CancelReason>({
  cancel: true,
  "fail-fast": true,
  "run-timeout": true,
  "step-timeout": true,
});
const decision = oneOf<"approve" | "reject">({ approve: true, reject: true });

const FAILURE_CLASS_TABLE: Readonly<Record<FailureClass, true>> = {
  error: true,
  exit: true,
  timeout: true,
  memory: true,
  lost: true,
  output: true,
  spawn: true,
};

const ERROR_CODES: Readonly<Record<FailureClass | TerminalErrorCode, true>> = {
  ...FAILURE_CLASS_TABLE,
  rejected: true,
  interrupted: true,
  expression: true,
  expansion: true,
  unsupported: true,
  abandoned: true,
};

const action = tagged<"kind", Action>("kind", {
  run: object({ kind: literal("run"), command: text }),
  call: object({ kind: literal("call"), module: text, export: text, with: optional(jsonObject) }),
  function: object({
    kind: literal("function"),
    source: text,
    needs: optional(mapOf(text)),
    schema: optional(literal(true)),
  }),
  agent: object({
    kind: literal("agent"),
    prompt: text,
    options: optional(recordedAgentOptions),
    workspace: optional(oneOf<ReadOnlyWorkspace>({ project: true, empty: true })),
  }),
  approve: object({
    kind: literal("approve"),
    question: text,
    onTimeout: optional(oneOf<"reject" | "approve">({ reject: true, approve: true })),
  }),
  sleep: object({ kind: literal("sleep"), time: text }),
  signal: object({
    kind: literal("signal"),
    name: text,
    onTimeout: optional(oneOf<"fail" | "continue">({ fail: true, continue: true })),
  }),
  plan: object({
    kind: literal("plan"),
    file: optional(text),
    plan: optional(lazy(() => plan)),
    params: optional(jsonObject),
  }),
});

const notifyTarget: Check<NotifyTarget> = object({
  url: optional(text),
  urlFrom: optional(text),
  secret: optional(text),
  on: optional(listOf(oneOf<NoticeKind>({ succeeded: true, failed: true, cancelled: true, "needs-you": true }))),
  format: optional(oneOf<"json" | "slack">({ json: true, slack: true })),
  allowPrivate: optional(flag),
});

const retry: Check<Retry> = object({
  attempts: positive,
  delayMs: finite,
  factor: finite,
  maxDelayMs: finite,
  jitter: finite,
  on: optional(listOf(oneOf(FAILURE_CLASS_TABLE))),
});

const items: Check<string | readonly Json[]> = anything(
  "a string or list",
  (value) => typeof value === "string" || Array.isArray(value),
);

/** What a step says of its commands. */
const ofCommands = {
  env: optional(mapOf(text)),
  envMode: optional(oneOf<"inherit" | "strict">({ inherit: true, strict: true })),
  passEnv: optional(texts),
  secrets: optional(texts),
  cwd: optional(text),
  shell: optional(text),
  graceMs: optional(finite),
};
const handedDown: Check<HandedDown> = object(ofCommands);

const step: Check<Step> = object({
  id: text,
  description: optional(text),
  labels: optional(texts),
  acceptance: optional(texts),
  action,
  deps: optional(texts),
  after: optional(texts),
  if: optional(text),
  reads: optional(texts),
  readsParams: optional(texts),
  forEach: optional(
    object<NonNullable<Step["forEach"]>>({ items, maxConcurrency: optional(positive), if: optional(text) }),
  ),
  group: optional(text),
  ...ofCommands,
  isolate: optional(flag),
  inputs: optional(texts),
  outputs: optional(texts),
  cache: optional(flag),
  writes: optional(texts),
  timeoutMs: optional(finite),
  totalTimeoutMs: optional(finite),
  retry: optional(retry),
  resources: optional(mapOf(finite)),
  locks: optional(object<NonNullable<Step["locks"]>>({ read: optional(texts), write: optional(texts) })),
  limits: optional(object<NonNullable<Step["limits"]>>({ maxMemoryMb: optional(finite) })),
  runsOn: optional(texts),
  optional: optional(flag),
  always: optional(flag),
  onInterrupt: optional(oneOf<"rerun" | "fail" | "ask">({ rerun: true, fail: true, ask: true })),
  undo: optional(text),
  verify: optional(texts),
  priority: optional(finite),
  estimateMs: optional(finite),
  output: optional(jsonObject),
});

const plan: Check<Plan> = object({
  name: text,
  description: optional(text),
  params: optional(jsonObject),
  paramSpecs: optional(
    mapOf(
      object<ParamSpec>({
        type: oneOf<"string" | "number" | "boolean" | "json">({
          string: true,
          number: true,
          boolean: true,
          json: true,
        }),
        enum: optional(listOf(json)),
        default: optional(json),
        description: optional(text),
      }),
    ),
  ),
  maxConcurrency: optional(positive),
  maxAgents: optional(positive),
  schedule: optional(schedule),
  failure: optional(failureMode),
  rollback: optional(rollbackMode),
  timeoutMs: optional(finite),
  graceMs: optional(finite),
  resources: optional(mapOf(finite)),
  limits: optional(
    object<NonNullable<Plan["limits"]>>({ maxMemoryMb: optional(finite), maxCpuPercent: optional(finite) }),
  ),
  budget: optional(
    object<NonNullable<Plan["budget"]>>({
      usd: finite,
      onReached: oneOf<"pause" | "stop">({ pause: true, stop: true }),
    }),
  ),
  agents: optional(recordedAgents),
  notify: optional(listOf(notifyTarget)),
  defaults: optional(jsonObject),
  steps: listOf(step),
});

const options: Check<RunOptions> = object({
  maxConcurrency: positive,
  maxAgents: positive,
  schedule,
  failure: failureMode,
  rollback: rollbackMode,
  sequential: optional(flag),
  timeoutMs: optional(finite),
  only: optional(texts),
  planFile: optional(text),
});

export const stepErrorCheck: Check<StepError> = object({
  code: oneOf(ERROR_CODES),
  message: text,
  exitCode: optional(finite),
  signal: optional(text),
  class: optional(text),
  final: optional(literal(true)),
  output: optional(text),
});

export const tokensCheck: Check<TokenUsage> = object({
  input: optional(finite),
  cachedRead: optional(finite),
  cacheWrite: optional(finite),
  output: optional(finite),
  reasoning: optional(finite),
});

export const usageCheck: Check<ResourceUsage> = object({ peakMemoryMb: optional(finite), cpuMs: optional(finite) });

const skipReason = tagged<"kind", SkipReason>("kind", {
  dependency: object({ kind: literal("dependency"), cause: text }),
  condition: object({ kind: literal("condition") }),
  earlier: object({
    kind: literal("earlier"),
    from: text,
    status: oneOf<EarlierStatus>({ failed: true, skipped: true }),
  }),
  "up-to-date": object({ kind: literal("up-to-date"), output: json }),
});

const nothing = object<Record<string, never>>({});

const landingPlace = {
  mode: oneOf<LandingPlace["mode"]>({ ff: true, merge: true, branch: true }),
  integration: text,
  commits: count,
};

/** What an event of type `T` has besides its envelope. */
interface Schema<T extends EventType> {
  readonly step: EventOf<T> extends { readonly step: string } ? true : false;
  readonly attempt: EventOf<T> extends { readonly attempt: number } ? true : false;
  readonly data: Check<EventOf<T>["data"]>;
}

const run = <T extends EventType>(data: Check<EventOf<T>["data"]>) => ({ step: false, attempt: false, data }) as const;
const ofStep = <T extends EventType>(data: Check<EventOf<T>["data"]>) =>
  ({ step: true, attempt: false, data }) as const;
const ofAttempt = <T extends EventType>(data: Check<EventOf<T>["data"]>) =>
  ({ step: true, attempt: true, data }) as const;

const SCHEMAS: { readonly [T in EventType]: Schema<T> } = {
  "run.created": run<"run.created">(
    object({
      plan,
      options,
      engine: text,
      gitHead: optional(text),
      branch: optional(text),
      begin: optional(text),
      from: optional(text),
      rules: optional(count),
      traceparent: optional(text),
    }),
  ),
  "run.started": run<"run.started">(nothing),
  "run.resumed": run<"run.resumed">(
    object({ engine: text, interrupted: texts, reset: texts, plan: optional(plan), options: optional(options) }),
  ),
  "run.options": run<"run.options">(object({ maxConcurrency: positive, by: text })),
  "machine.short": run<"machine.short">(
    object({
      resource: oneOf<MachineShortage["resource"]>({ memory: true, cpu: true }),
      used: finite,
      limit: finite,
    }),
  ),
  "step.started": ofAttempt<"step.started">(object({ item: optional(json), signal: optional(text) })),
  "timer.set": ofAttempt<"timer.set">(object({ at: finite, durationMs: optional(finite) })),
  "timer.fired": ofAttempt<"timer.fired">(nothing),
  "signal.received": run<"signal.received">(object({ signal: text, value: json, by: text, id: optional(text) })),
  "step.progress": ofAttempt<"step.progress">(jsonObject),
  "step.succeeded": ofAttempt<"step.succeeded">(
    object({ output: json, durationMs: finite, usage: optional(usageCheck) }),
  ),
  "step.failed": ofAttempt<"step.failed">(
    object({
      error: stepErrorCheck,
      durationMs: finite,
      willRetry: flag,
      retryAt: optional(finite),
      retryDelayMs: optional(finite),
      usage: optional(usageCheck),
    }),
  ),
  "step.cancelled": ofAttempt<"step.cancelled">(
    object({ reason: cancelReason, durationMs: finite, abandoned: optional(literal(true)) }),
  ),
  "step.skipped": ofStep<"step.skipped">(object({ reason: skipReason })),
  "step.examined": ofStep<"step.examined">(
    object({ decision: oneOf({ run: true, uncacheable: true }), key: optional(text), reason: optional(text) }),
  ),
  "step.cached": ofStep<"step.cached">(object({ key: text, from: text, output: json })),
  "step.reused": ofStep<"step.reused">(
    object({ from: text, output: json, madeAt: optional(finite), planFiles: optional(mapOf(text)) }),
  ),
  "steps.added": ofStep<"steps.added">(
    object({
      kind: oneOf<"children" | "siblings">({ children: true, siblings: true }),
      steps: listOf(step),
      items: optional(listOf(json)),
      maxConcurrency: optional(positive),
      params: optional(jsonObject),
      content: optional(text),
      settings: optional(
        object<SubplanSettings>({
          maxConcurrency: optional(positive),
          maxAgents: optional(positive),
          failure: optional(failureMode),
          timeoutMs: optional(finite),
          resources: optional(mapOf(finite)),
          defaults: optional(jsonObject),
          handed: optional(handedDown),
        }),
      ),
    }),
  ),
  "approval.requested": ofAttempt<"approval.requested">(
    object({
      about: oneOf<QuestionAbout>({ step: true, interrupt: true, conflict: true, question: true, permission: true }),
      question: text,
      options: optional(texts),
      deadline: optional(finite),
    }),
  ),
  "approval.given": ofAttempt<"approval.given">(
    object({
      decision,
      by: text,
      comment: optional(text),
      choice: optional(oneOf<Resolution>({ ours: true, theirs: true, continue: true })),
    }),
  ),
  "worktree.created": ofAttempt<"worktree.created">(
    object({ tree: text, path: text, branch: optional(text), base: text, fresh: flag }),
  ),
  "worktree.merged": ofAttempt<"worktree.merged">(
    object({ branch: text, commit: text, onto: text, after: optional(text), captured: text, ref: text, files: texts }),
  ),
  "worktree.conflicted": ofAttempt<"worktree.conflicted">(
    object({
      reason: oneOf<"conflict" | "verify">({ conflict: true, verify: true }),
      files: texts,
      head: text,
      captured: text,
      ref: text,
      time: positive,
      output: optional(text),
    }),
  ),
  "worktree.removed": ofAttempt<"worktree.removed">(object({ tree: text, path: text })),
  "usage.recorded": ofAttempt<"usage.recorded">(
    object({
      agent: text,
      provider: optional(text),
      model: optional(text),
      sessionId: optional(text),
      promptHash: optional(text),
      tokens: optional(tokensCheck),
      usd: optional(finite),
      totals: optional(jsonObject),
      raw: optional(json),
      class: optional(text),
      sandbox: optional(text),
      captured: optional(text),
      ref: optional(text),
    }),
  ),
  "lesson.recorded": ofAttempt<"lesson.recorded">(
    object({
      domain: text,
      kind: oneOf({ "key-file": true, pattern: true, practice: true, failure: true }),
      text,
      files: texts,
    }),
  ),
  "rollback.started": run<"rollback.started">(object({ mode: rollbackMode, steps: texts })),
  "step.rolledback": ofStep<"step.rolledback">(object({ durationMs: finite })),
  "rollback.failed": ofStep<"rollback.failed">(object({ error: stepErrorCheck, durationMs: finite })),
  "rollback.ended": run<"rollback.ended">(object({ undone: count, failed: count })),
  "run.paused": run<"run.paused">(object({ reason: text })),
  "run.unpaused": run<"run.unpaused">(nothing),
  "run.succeeded": run<"run.succeeded">(object({ durationMs: finite })),
  "run.failed": run<"run.failed">(object({ durationMs: finite, failed: texts, reason: optional(text) })),
  "run.cancelled": run<"run.cancelled">(object({ durationMs: finite, reason: cancelReason })),
  "run.landed": run<"run.landed">(object({ ...landingPlace, branch: text, commit: text, head: optional(text) })),
  "landing.refused": run<"landing.refused">(
    object({ ...landingPlace, problem: object({ code: text, message: text, hint: optional(text) }) }),
  ),
};

interface Compiled {
  readonly hasStep: boolean;
  readonly hasAttempt: boolean;
  readonly members: number;
  readonly data: Check<unknown>;
}

const COMPILED: ReadonlyMap<unknown, Compiled> = new Map(
  Object.entries(SCHEMAS).map(([type, { step: hasStep, attempt: hasAttempt, data }]) => [
    type,
    { hasStep, hasAttempt, members: 5 + Number(hasStep) + Number(hasAttempt), data: data as Check<unknown> },
  ]),
);

/** Every type of event that this version writes. */
export const EVENT_TYPES: readonly EventType[] = Object.keys(SCHEMAS) as EventType[];

/** What is wrong with a value that should be an event of the current version: one short sentence; `undefined`: nothing. */
export function checkEvent(event: unknown): string | undefined {
  if (typeof event !== "object" || event === null) return "is not an object";
  const { run: id, seq, time, type, step: name, attempt, data } = event as { readonly [key: string]: unknown };
  const schema = COMPILED.get(type);
  if (schema === undefined) return ".type is unknown";
  if (typeof id !== "string" || id === "") return ".run is not a run id";
  if (positive.test(seq) !== undefined) return ".seq is not a whole number from 1";
  if (!Number.isFinite(time)) return ".time is not a finite number";
  if (schema.hasStep && (typeof name !== "string" || name === "")) return ".step is not a step id";
  if (schema.hasAttempt && count.test(attempt) !== undefined) return ".attempt is not a whole number from 0";
  let members = 0;
  for (const _ in event) members++;
  if (members !== schema.members) return "has fields that events of its type do not have";
  const problem = schema.data.test(data);
  return problem === undefined ? undefined : inside(".data", problem);
}
