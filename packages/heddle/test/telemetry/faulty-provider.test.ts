/** A provider that throws wherever it is called: what an attempt does is done, once, and the run goes on untraced. */
import {
  context,
  ROOT_CONTEXT,
  trace,
  type ContextManager,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import { openTracing, type OpenedTracing } from "../../src/telemetry/open.ts";
import type { RunTrace } from "../../src/telemetry/port.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { DIAMOND, history, started } from "../view/histories.ts";

afterEach(() => {
  trace.disable();
  context.disable();
});

const SPAN_CONTEXT = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };

function fault(): never {
  throw new Error("out of order");
}

/** A span of which every call but those in `working` throws. */
function span(working: readonly string[]): unknown {
  const made: unknown = new Proxy(
    {},
    {
      get: (_, name) =>
        name === "spanContext" && working.includes(name)
          ? () => SPAN_CONTEXT
          : working.includes(String(name))
            ? () => made
            : fault,
    },
  );
  return made;
}

function manager(around: ContextManager["with"]): ContextManager {
  const made: ContextManager = {
    active: () => ROOT_CONTEXT,
    with: around,
    bind: (_, target) => target,
    enable: () => made,
    disable: () => made,
  };
  return made;
}

const warnings: string[] = [];

async function opened(provider: Partial<TracerProvider>): Promise<OpenedTracing | undefined> {
  warnings.length = 0;
  trace.setGlobalTracerProvider(provider as TracerProvider);
  const onWarning = (text: string): void => void warnings.push(text);
  return await openTracing({ dir: "/p", env: {}, clock: new VirtualClock(), incoming: {}, onWarning });
}

function tracer(startSpan: () => unknown): Partial<TracerProvider> {
  return { getTracer: () => ({ startSpan, startActiveSpan: fault }) as unknown as Tracer };
}

/** All that an engine calls for a run, in its order. */
function follow(tracing: OpenedTracing): RunTrace | undefined {
  const made = tracing.begin({ run: "r1", plan: "diamond" });
  const reader = new HistoryReader();
  for (const event of history(DIAMOND, [[1010, started("a")]])) {
    reader.add(event);
    if (reader.state !== undefined) made?.event(event, reader.state);
  }
  if (reader.state !== undefined) made?.takeUp(reader.state);
  made?.contextOf("a", 1);
  return made;
}

const TASK = { run: "r1", step: { id: "a" }, attempt: 1 } as Parameters<OpenedTracing["within"]>[0];

describe.each([
  ["gives no tracer", { getTracer: fault }],
  ["starts no span", tracer(fault)],
  ["starts spans without a context", tracer(() => span([]))],
  ["starts spans that take nothing", tracer(() => span(["spanContext"]))],
])("a provider that %s", (_, provider) => {
  test("hurts no run, and is told of once", async () => {
    const tracing = await opened(provider);
    if (tracing !== undefined) {
      const made = follow(tracing);
      expect(tracing.within(TASK, () => "done")).toBe("done");
      made?.end();
      await tracing[Symbol.asyncDispose]();
    }
    expect(warnings).toEqual([expect.stringContaining("out of order")]);
  });
});

describe.each<readonly [string, ContextManager["with"]]>([
  ["before what it is to do", fault],
  [
    "after what it has done",
    ((_: unknown, work: () => unknown) => {
      work();
      fault();
    }) as ContextManager["with"],
  ],
])("a context that throws %s", (_, around) => {
  test("leaves the work done once, with what it gave or threw", async () => {
    context.setGlobalContextManager(manager(around));
    const tracing = await opened(
      tracer(() => span(["spanContext", "setAttribute", "setAttributes", "setStatus", "end"])),
    );
    if (tracing === undefined) throw new Error("not traced");
    follow(tracing);
    let calls = 0;
    expect(tracing.within(TASK, () => ++calls)).toBe(1);
    expect(() =>
      tracing.within(TASK, () => {
        throw new Error("the work's own");
      }),
    ).toThrow("the work's own");
    expect(calls).toBe(1);
    expect(warnings).toEqual([expect.stringContaining("out of order")]);
  });
});
