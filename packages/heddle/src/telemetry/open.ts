/**
 * Tracing over OpenTelemetry: by the provider that this process has, or by the SDK of the project where only an address to export to is
 * given. Loaded where one of the two is the case.
 *
 * Invariants:
 *  1. Nothing is registered by heddle's own copy of the API: the user's SDK finds it as if heddle were not there.
 *  2. Whatever is wrong with tracing is said once, and the run goes on without it.
 */
import { context, trace, type Tracer } from "@opentelemetry/api";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { ok } from "../base/result.ts";
import type { TraceContext } from "../run/attempt.ts";
import { VERSION } from "../version.ts";
import type { RunTrace, TracedRun, Tracing } from "./port.ts";
import { RunSpans } from "./run-spans.ts";
import { startSdk } from "./sdk.ts";

/** How long the last spans may take to be exported. */
const FLUSH_MS = 3000;

/** The older minor versions have globals that this one does not use. */
const OLDEST_API = 9;
const API_GLOBAL = Symbol.for("opentelemetry.js.api.1");

export interface TracingOptions {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** What began this process. */
  readonly incoming: Partial<TraceContext>;
  readonly onWarning: (text: string) => void;
}

export interface OpenedTracing extends Tracing, AsyncDisposable {}

/** `undefined`: there is nobody to trace for, which was said. */
export async function openTracing(options: TracingOptions): Promise<OpenedTracing | undefined> {
  const started = isProviderThere() ? ok(undefined) : await startSdk(options);
  if (!started.ok) {
    options.onWarning(started.error);
    return undefined;
  }
  const other = versionThere();
  if (isTooOld(other)) {
    options.onWarning(
      `OpenTelemetry's API of this process is ${other}: runs are traced with @opentelemetry/api 1.9 or newer.`,
    );
    return undefined;
  }
  try {
    return new OtelTracing(options, trace.getTracer("heddle", VERSION));
  } catch (thrown) {
    options.onWarning(`OpenTelemetry: ${messageOf(thrown)}; runs are not traced.`);
    return undefined;
  }
}

class OtelTracing implements OpenedTracing {
  readonly #options: TracingOptions;
  readonly #tracer: Tracer;
  readonly #runs = new Map<string, RunSpans>();
  #isBroken = false;

  constructor(options: TracingOptions, tracer: Tracer) {
    this.#options = options;
    this.#tracer = tracer;
  }

  begin(run: TracedRun): RunTrace | undefined {
    const { clock, incoming } = this.#options;
    const spans = this.#safely(() => new RunSpans({ ...run, tracer: this.#tracer, startedAt: clock.now(), incoming }));
    if (spans === undefined) return undefined;
    this.#runs.set(run.run, spans);
    return {
      traceparent: spans.traceparent,
      takeUp: (state) => this.#safely(() => spans.takeUp(state)),
      event: (event, state) => this.#safely(() => spans.event(event, state)),
      contextOf: (step, attempt) => this.#safely(() => spans.contextOf(step, attempt)),
      end: () => {
        this.#runs.delete(run.run);
        this.#safely(() => spans.end());
      },
    };
  }

  within<T>({ run, step, attempt }: Parameters<Tracing["within"]>[0], work: () => T): T {
    let done: (() => T) | undefined;
    this.#safely(() => {
      const span = this.#runs.get(run)?.spanOf(step.id, attempt);
      if (span !== undefined) context.with(trace.setSpan(context.active(), span), () => (done = held(work)));
    });
    return (done ?? work)();
  }

  /** What spans are made of is known, but a user's SDK takes them. `undefined`: it threw, now or before. */
  #safely<T>(work: () => T): T | undefined {
    if (this.#isBroken) return undefined;
    try {
      return work();
    } catch (thrown) {
      this.#isBroken = true;
      this.#options.onWarning(`OpenTelemetry: ${messageOf(thrown)}; the rest is not traced.`);
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(FLUSH_MS, resolve);
    // What cannot be exported is the exporter's to tell.
    await Promise.race([flushProvider().catch(() => undefined), late]);
    cancel();
  }
}

/** Does the work, and gives what gives its result, or throws what it threw. */
function held<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}

interface Delegating {
  readonly getDelegate?: () => unknown;
  readonly forceFlush?: () => Promise<unknown>;
}

/** A process that ends does not wait for what its provider has not sent yet. */
async function flushProvider(): Promise<void> {
  const provider = trace.getTracerProvider() as Delegating;
  const own = (provider.getDelegate?.() ?? provider) as Delegating;
  await own.forceFlush?.();
}

function globalThere(): { readonly version?: unknown; readonly trace?: unknown } | undefined {
  return (globalThis as unknown as Record<symbol, ReturnType<typeof globalThere>>)[API_GLOBAL];
}

function isProviderThere(): boolean {
  return globalThere()?.trace !== undefined;
}

function versionThere(): string {
  return String(globalThere()?.version ?? "");
}

function isTooOld(version: string): boolean {
  return Number(/^1\.(\d+)\./.exec(version)?.[1] ?? OLDEST_API) < OLDEST_API;
}
