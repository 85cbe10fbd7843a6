/**
 * Run spans: one for a run, each step and each attempt, made from the run's events. Links lead from a step to what it depends on. Knows
 * OpenTelemetry's API, not who takes the spans.
 *
 * Invariants:
 *  1. Times are those of the events, so that a trace says what the history says.
 *  2. What is not open any more has no span here, but for what names it to others.
 *  3. Attributes are ids, names, numbers and words of closed lists, cut at {@link MOST_TEXT}; an error's message is the recorded one, whose
 *     secrets are masked. No output, prompt, question or environment.
 *  4. When the engine is done with the run, no span of it is open.
 */
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from "@opentelemetry/api";
import { defined } from "../base/defined.ts";
import type { Event, EventOf, StepError, TokenUsage } from "../run/event.ts";
import { depsOf, hasEnded, stepAt, type RunState } from "../run/state.ts";
import type { TraceContext } from "../run/attempt.ts";
import type { RunTrace, TracedRun } from "./port.ts";
import { spanContextOf, traceContextOf } from "./trace-context.ts";

const MOST_TEXT = 256;
const MOST_LINKS = 128;

export interface RunSpansOptions extends TracedRun {
  readonly tracer: Tracer;
  readonly startedAt: number;
  /** What began this process; absent: nothing that is traced. */
  readonly incoming: Partial<TraceContext>;
}

interface OpenStep {
  readonly span: Span;
  attempt: { readonly number: number; readonly span: Span } | undefined;
}

export class RunSpans implements RunTrace {
  readonly traceparent: string;
  readonly #tracer: Tracer;
  readonly #run: string;
  readonly #span: Span;
  readonly #steps = new Map<string, OpenStep>();
  /** Of all steps that had a span here: what comes after them links to it. */
  readonly #known = new Map<string, SpanContext>();
  #lastTime: number;

  constructor({ tracer, run, plan, recorded, startedAt, incoming }: RunSpansOptions) {
    this.#tracer = tracer;
    this.#run = run;
    this.#lastTime = startedAt;
    const before = recorded === undefined ? undefined : spanContextOf({ traceparent: recorded });
    const attributes = defined<Attributes>({
      "cicd.pipeline.name": short(plan),
      "cicd.pipeline.run.id": run,
      "heddle.run.resumed": before === undefined ? undefined : true,
    });
    this.#span = tracer.startSpan(
      `run ${short(plan)}`,
      { startTime: timeOf(startedAt), attributes, kind: SpanKind.INTERNAL },
      parentOf(before ?? spanContextOf(incoming)),
    );
    // The first engine's: what each of them does hangs below one place.
    this.traceparent = recorded ?? traceContextOf(this.#span.spanContext()).traceparent;
  }

  takeUp(state: RunState): void {
    this.#lastTime = state.lastTime;
    for (const [step, phase] of state.phases.entries()) {
      if (phase.tag === "waiting" || hasEnded(phase)) continue;
      const since = "since" in phase ? phase.since : state.lastTime;
      const open = this.#openStep(state, stepAt(state, step).id, since);
      if (phase.tag === "running" && isWork(state, step))
        this.#beginAttempt(open, state, { step, attempt: phase.attempt, since });
    }
  }

  /** The span of an attempt, for what is done in it. */
  spanOf(step: string, attempt: number): Span {
    const open = this.#steps.get(step);
    return (open?.attempt?.number === attempt ? open.attempt.span : open?.span) ?? this.#span;
  }

  contextOf(step: string, attempt: number): TraceContext {
    return traceContextOf(this.spanOf(step, attempt).spanContext());
  }

  event(event: Event, state: RunState): void {
    const interruptedAt = this.#lastTime;
    this.#lastTime = event.time;
    switch (event.type) {
      case "run.resumed":
        for (const { attempt } of this.#steps.values())
          if (attempt !== undefined) fail(attempt.span, { code: "interrupted", message: "its process died" });
        for (const open of this.#steps.values()) this.#endAttempt(open, interruptedAt);
        return;
      case "step.started": {
        const step = state.index.byId.get(event.step) ?? -1;
        const open = this.#openStep(state, event.step, event.time);
        if (isWork(state, step)) this.#beginAttempt(open, state, { step, attempt: event.attempt, since: event.time });
        return;
      }
      case "approval.requested":
        if (event.data.about !== "permission")
          this.#endAttempt(this.#openStep(state, event.step, event.time), event.time);
        return;
      case "usage.recorded":
        return this.#noteUsage(event);
      case "step.succeeded":
        return this.#endStep(event, state, { result: "success" });
      case "step.failed":
        return this.#endFailed(event, state);
      case "step.cancelled":
        return this.#endStep(event, state, { result: "cancellation" });
      case "step.skipped":
      case "step.cached":
      case "step.reused":
        return this.#endStep(event, state, { result: "skip" });
      case "step.rolledback":
      case "rollback.failed":
        return this.#noteUndo(event);
      case "run.succeeded":
        this.#span.setAttribute("cicd.pipeline.result", "success");
        return;
      case "run.failed":
        this.#span.setAttribute("cicd.pipeline.result", "failure").setStatus({ code: SpanStatusCode.ERROR });
        return;
      case "run.cancelled":
        this.#span.setAttributes({ "cicd.pipeline.result": "cancellation", "heddle.cancel.reason": event.data.reason });
        return;
      default:
    }
  }

  end(): void {
    for (const open of this.#steps.values()) {
      this.#endAttempt(open, this.#lastTime);
      // A question that stays open, or what an engine that lost the run left.
      open.span.setAttribute("heddle.step.open", true).end(timeOf(this.#lastTime));
    }
    this.#steps.clear();
    this.#span.end(timeOf(this.#lastTime));
  }

  #openStep(state: RunState, id: string, since: number): OpenStep {
    const known = this.#steps.get(id);
    if (known !== undefined) return known;
    const step = state.index.byId.get(id) ?? -1;
    const around = state.parents[step] ?? -1;
    const parent = around === -1 ? undefined : this.#steps.get(stepAt(state, around).id)?.span;
    const attributes = { "cicd.pipeline.task.name": short(id), "heddle.step.kind": kindOf(state, step) };
    const span = this.#tracer.startSpan(
      short(id),
      { startTime: timeOf(since), attributes, links: this.#linksOf(state, step) },
      trace.setSpan(ROOT_CONTEXT, parent ?? this.#span),
    );
    const open: OpenStep = { span, attempt: undefined };
    this.#steps.set(id, open);
    this.#known.set(id, span.spanContext());
    return open;
  }

  #linksOf(state: RunState, step: number): Link[] {
    if (step === -1) return [];
    const links: Link[] = [];
    for (const dep of depsOf(state, step)) {
      const before = this.#known.get(stepAt(state, dep).id);
      if (before !== undefined && links.length < MOST_LINKS) links.push({ context: before });
    }
    return links;
  }

  #beginAttempt(
    open: OpenStep,
    state: RunState,
    { step, attempt, since }: { readonly step: number; readonly attempt: number; readonly since: number },
  ): void {
    this.#endAttempt(open, since);
    const { id, action } = stepAt(state, step);
    const attributes: Attributes = {
      "cicd.pipeline.task.name": short(id),
      "cicd.pipeline.task.run.id": short(`${this.#run}/${id}/${attempt}`),
      "heddle.attempt": attempt,
    };
    if (action.kind === "agent") {
      attributes["gen_ai.operation.name"] = "invoke_agent";
      const { model } = action.options ?? {};
      if (typeof model === "string") attributes["gen_ai.request.model"] = short(model);
    }
    const name = action.kind === "agent" ? "invoke_agent" : `attempt ${attempt}`;
    const parent = trace.setSpan(ROOT_CONTEXT, open.span);
    const span = this.#tracer.startSpan(name, { startTime: timeOf(since), attributes }, parent);
    open.attempt = { number: attempt, span };
  }

  #endAttempt(open: OpenStep, at: number): void {
    open.attempt?.span.end(timeOf(at));
    open.attempt = undefined;
  }

  #endFailed(event: EventOf<"step.failed">, state: RunState): void {
    const { error, willRetry } = event.data;
    if (!willRetry)
      return this.#endStep(event, state, { result: error.code === "timeout" ? "timeout" : "failure", error });
    const open = this.#steps.get(event.step);
    if (open?.attempt === undefined) return;
    fail(open.attempt.span, error);
    this.#endAttempt(open, event.time);
  }

  #endStep(
    { step, time }: { readonly step: string; readonly time: number },
    state: RunState,
    { result, error }: { readonly result: string; readonly error?: StepError },
  ): void {
    const open = this.#openStep(state, step, time);
    const name = "cicd.pipeline.task.run.result";
    for (const span of [open.attempt?.span, open.span]) {
      span?.setAttribute(name, result);
      if (span !== undefined && error !== undefined) fail(span, error);
    }
    this.#endAttempt(open, time);
    open.span.end(timeOf(time));
    this.#steps.delete(step);
  }

  #noteUndo(event: EventOf<"step.rolledback"> | EventOf<"rollback.failed">): void {
    const { durationMs } = event.data;
    const attributes = { "cicd.pipeline.task.name": short(event.step) };
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span);
    const name = `undo ${short(event.step)}`;
    const span = this.#tracer.startSpan(name, { startTime: timeOf(event.time - durationMs), attributes }, parent);
    if (event.type === "rollback.failed") fail(span, event.data.error);
    span.end(timeOf(event.time));
  }

  /** By the conventions for generative AI. Several turns of one attempt are added up. */
  #noteUsage({ step, attempt, data }: EventOf<"usage.recorded">): void {
    const open = this.#steps.get(step)?.attempt;
    if (open?.number !== attempt) return;
    const { agent, provider, model, sessionId, tokens, usd } = data;
    open.span.updateName(`invoke_agent ${short(agent)}`);
    const sums = this.#tokens(open.span, tokens, usd);
    open.span.setAttributes(
      defined<Attributes>({
        "gen_ai.agent.name": short(agent),
        "gen_ai.provider.name": provider === undefined ? undefined : short(provider),
        "gen_ai.response.model": model === undefined ? undefined : short(model),
        "gen_ai.conversation.id": sessionId === undefined ? undefined : short(sessionId),
        ...sums,
      }),
    );
  }

  readonly #sums = new WeakMap<Span, Map<string, number>>();

  #tokens(span: Span, tokens: TokenUsage | undefined, usd: number | undefined): Attributes {
    const sums = this.#sums.get(span) ?? new Map<string, number>();
    this.#sums.set(span, sums);
    const add = (name: string, ...counts: readonly (number | undefined)[]): void => {
      // What is not known is left out, never 0.
      for (const count of counts) if (count !== undefined) sums.set(name, (sums.get(name) ?? 0) + count);
    };
    const { input, cachedRead, cacheWrite, output, reasoning } = tokens ?? {};
    // The convention's number has the cached ones in it.
    if (input !== undefined) add("gen_ai.usage.input_tokens", input, cachedRead, cacheWrite);
    add("gen_ai.usage.cache_read.input_tokens", cachedRead);
    add("gen_ai.usage.cache_creation.input_tokens", cacheWrite);
    add("gen_ai.usage.output_tokens", output);
    add("gen_ai.usage.reasoning.output_tokens", reasoning);
    add("heddle.cost.usd", usd);
    return Object.fromEntries(sums);
  }
}

/** Where a run begins without a word of another: below what is traced in this program. */
function parentOf(parent: SpanContext | undefined): Context {
  return parent === undefined ? context.active() : trace.setSpanContext(ROOT_CONTEXT, parent);
}

function fail(
  span: Span,
  { code, message, exitCode, signal }: Pick<StepError, "message" | "exitCode" | "signal"> & { readonly code: string },
): void {
  const line = message.split("\n", 1)[0] ?? "";
  span
    .setStatus({ code: SpanStatusCode.ERROR, message: short(line) })
    .setAttributes(defined<Attributes>({ "error.type": code, "process.exit.code": exitCode, "heddle.signal": signal }));
}

/** Whether an attempt of the step is one of a command, a function or an agent. */
function isWork(state: RunState, step: number): boolean {
  if (step === -1) return false;
  const { action, forEach } = stepAt(state, step);
  return forEach === undefined && ["run", "call", "function", "agent"].includes(action.kind);
}

function kindOf(state: RunState, step: number): string {
  if (step === -1) return "unknown";
  const { action, forEach } = stepAt(state, step);
  return forEach === undefined ? action.kind : "forEach";
}

function short(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…`.toWellFormed() : text.toWellFormed();
}

/** A number alone is taken for time since the process began where it lies before that. */
function timeOf(ms: number): HrTime {
  const whole = Math.floor(ms);
  return [Math.floor(whole / 1000), (whole % 1000) * 1_000_000];
}
