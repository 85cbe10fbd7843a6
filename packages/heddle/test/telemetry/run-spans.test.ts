/** The spans of a run, made from its events and taken by a real provider: what hangs below what, what links to what, and what is in them. */
import { SpanStatusCode, type HrTime } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { describe, expect, test } from "vitest";
import { defined } from "../../src/base/defined.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { Event, EventBody } from "../../src/run/event.ts";
import { RunSpans, type RunSpansOptions } from "../../src/telemetry/run-spans.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "../view/histories.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, tracestate: "vendor=1" };

interface Traced {
  readonly spans: readonly ReadableSpan[];
  readonly traceparent: string;
  /** The only one of this name. */
  one(name: string): ReadableSpan;
}

/** What an engine that goes through the events would have exported when it is done with the run. */
function traced(events: readonly Event[], options: Partial<RunSpansOptions> = {}, before = 0): Traced {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const reader = new HistoryReader();
  const spans = new RunSpans({
    tracer: provider.getTracer("test"),
    run: "r1",
    plan: "diamond",
    startedAt: 1000,
    incoming: {},
    ...options,
  });
  for (const event of events.slice(0, before)) reader.add(event);
  if (before > 0 && reader.state !== undefined) spans.takeUp(reader.state);
  for (const event of events.slice(before)) {
    reader.add(event);
    if (reader.state !== undefined) spans.event(event, reader.state);
  }
  spans.end();
  const finished = exporter.getFinishedSpans();
  return {
    spans: finished,
    traceparent: spans.traceparent,
    one(name) {
      const found = finished.filter((span) => span.name === name);
      expect(found, `${name} among ${finished.map((span) => span.name).join(", ")}`).toHaveLength(1);
      return found[0] as ReadableSpan;
    },
  };
}

function ms([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1_000_000;
}

function parentOf(spans: readonly ReadableSpan[], { parentSpanContext }: ReadableSpan): string | undefined {
  return spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name;
}

function linksOf(spans: readonly ReadableSpan[], { links }: ReadableSpan): readonly (string | undefined)[] {
  return links.map(({ context }) => spans.find((span) => span.spanContext().spanId === context.spanId)?.name);
}

const RUN_ENDED: EventBody = { type: "run.succeeded", data: { durationMs: 1 } };

const DONE: readonly Happening[] = [
  [1010, started("a")],
  [1020, started("b")],
  [1040, succeeded("a", 30)],
  [1050, failed("b", 30, 1, 5)],
  [1060, started("b", 2)],
  [1080, succeeded("b", 20, 2)],
  [1090, started("c")],
  [1100, succeeded("c", 10)],
  [1110, { type: "approval.requested", step: "d", attempt: 1, data: { about: "step", question: "QUESTION?" } }],
  [1150, { type: "approval.given", step: "d", attempt: 1, data: { decision: "approve", by: "ada" } }],
  [1150, succeeded("d", 40)],
  [1160, RUN_ENDED],
];

describe("a run", () => {
  const result = traced(history(DIAMOND, DONE));
  const { spans, one } = result;

  test("is a tree of steps and attempts, each with the times of the history", () => {
    const tree = spans.map((span) => [span.name, parentOf(spans, span), ms(span.startTime), ms(span.endTime)]);
    expect(tree.toSorted()).toEqual(
      [
        ["run diamond", undefined, 1000, 1160],
        ["a", "run diamond", 1010, 1040],
        ["b", "run diamond", 1020, 1080],
        ["c", "run diamond", 1090, 1100],
        ["d", "run diamond", 1110, 1150],
        ["attempt 1", "a", 1010, 1040],
        ["attempt 1", "b", 1020, 1050],
        ["attempt 2", "b", 1060, 1080],
        ["attempt 1", "c", 1090, 1100],
      ].toSorted(),
    );
  });

  test("has links from a step to what it depends on", () => {
    expect(linksOf(spans, one("a"))).toEqual([]);
    expect(linksOf(spans, one("c"))).toEqual(["a", "b"]);
    expect(linksOf(spans, one("d"))).toEqual(["c"]);
  });

  test("says how each ended: a failed attempt before a success is an error of its own", () => {
    expect(one("run diamond").attributes).toEqual({
      "cicd.pipeline.name": "diamond",
      "cicd.pipeline.run.id": "r1",
      "cicd.pipeline.result": "success",
    });
    expect(one("b").status.code).toBe(SpanStatusCode.UNSET);
    expect(one("b").attributes).toEqual({
      "cicd.pipeline.task.name": "b",
      "cicd.pipeline.task.run.result": "success",
      "heddle.step.kind": "run",
    });
    const [first] = spans.filter((span) => span.name === "attempt 1" && parentOf(spans, span) === "b");
    expect(first?.status).toEqual({ code: SpanStatusCode.ERROR, message: "exit code 2" });
    expect(first?.attributes).toMatchObject({ "error.type": "exit", "process.exit.code": 2, "heddle.attempt": 1 });
  });

  test("has nothing of outputs and questions in it", () => {
    const all = JSON.stringify(spans.map(({ name, attributes, status, events }) => [name, attributes, status, events]));
    expect(all).not.toContain("QUESTION");
    expect(all).not.toContain("ada");
    expect(all).not.toContain('"of"');
  });
});

test("a run that fails is an error, with the step that failed, and those that did not run", () => {
  const { one } = traced(
    history(DIAMOND, [
      [1010, started("a")],
      [1020, failed("a", 10)],
      [1020, { type: "step.skipped", step: "c", data: { reason: { kind: "dependency", cause: "a" } } }],
      [1030, { type: "run.failed", data: { durationMs: 30, failed: ["a"] } }],
    ]),
  );
  expect(one("run diamond").status.code).toBe(SpanStatusCode.ERROR);
  expect(one("a").status).toEqual({ code: SpanStatusCode.ERROR, message: "exit code 2" });
  expect(one("c").attributes["cicd.pipeline.task.run.result"]).toBe("skip");
});

describe("traces of others", () => {
  test("an incoming context is the parent, and goes on to attempts", () => {
    const { one, traceparent } = traced(history(DIAMOND, DONE), { incoming: PARENT });
    const run = one("run diamond");
    expect(run.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: "b7ad6b7169203331", isRemote: true });
    expect(traceparent).toBe(`00-${TRACE}-${run.spanContext().spanId}-01`);
    expect(run.spanContext().traceState?.serialize()).toBe("vendor=1");
  });

  test.each([
    "",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    `${PARENT.traceparent}\n`.repeat(20),
  ])("%j is none: the run begins a trace", (traceparent) => {
    expect(traced(history(DIAMOND, DONE), { incoming: { traceparent } }).one("run diamond").parentSpanContext).toBe(
      undefined,
    );
  });

  test("what an attempt passes on names its own span", () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const reader = new HistoryReader();
    const options = { tracer: provider.getTracer("t"), run: "r1", plan: "p", startedAt: 0, incoming: PARENT };
    const spans = new RunSpans(options);
    for (const event of history(DIAMOND, [[1010, started("a")]])) {
      reader.add(event);
      if (reader.state !== undefined) spans.event(event, reader.state);
    }
    const given = spans.contextOf("a", 1);
    spans.end();
    const attempt = exporter.getFinishedSpans().find(({ name }) => name === "attempt 1");
    expect(given).toEqual({ traceparent: `00-${TRACE}-${attempt?.spanContext().spanId}-01`, tracestate: "vendor=1" });
  });
});

test("a run that is taken up goes on in its trace; what its dead engine left is there, as interrupted", () => {
  const events = history(DIAMOND, [
    [1010, started("a")],
    [1020, started("b")],
    [1030, succeeded("a", 20)],
    [9000, { type: "run.resumed", data: { engine: "test", interrupted: ["b"], reset: [] } }],
    [9010, started("b", 2)],
    [9020, succeeded("b", 10, 2)],
    [9030, started("c")],
    [9040, succeeded("c", 10)],
  ]);
  const recorded = `00-${TRACE}-00f067aa0ba902b7-01`;
  const { spans, one, traceparent } = traced(events, { recorded, startedAt: 9000, incoming: PARENT }, 5);
  const run = one("run diamond");
  expect(run.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: "00f067aa0ba902b7" });
  expect(run.attributes["heddle.run.resumed"]).toBe(true);
  expect(traceparent).toBe(recorded);
  const attempts = spans.filter(({ name }) => name.startsWith("attempt"));
  expect(attempts.map((span) => [parentOf(spans, span), span.name, ms(span.startTime), ms(span.endTime)])).toEqual([
    ["b", "attempt 1", 1020, 1030],
    ["b", "attempt 2", 9010, 9020],
    ["c", "attempt 1", 9030, 9040],
  ]);
  expect(attempts[0]?.attributes["error.type"]).toBe("interrupted");
  expect([ms(one("b").startTime), ms(one("b").endTime)]).toEqual([1020, 9020]);
  // What ended under the other engine has its span there.
  expect(linksOf(spans, one("c"))).toEqual(["b"]);
});

test("an engine that leaves a question open ends its spans, and the next one begins anew", () => {
  const asked = DONE.slice(0, 9);
  const first = traced(history(DIAMOND, asked));
  expect(first.one("d").attributes["heddle.step.open"]).toBe(true);
  expect(first.one("run diamond").attributes["cicd.pipeline.result"]).toBe(undefined);
  const all = history(DIAMOND, [...asked, ...DONE.slice(9)]);
  const second = traced(all, { recorded: first.traceparent }, 2 + asked.length);
  expect(second.spans.map(({ name }) => name)).toEqual(["d", "run diamond"]);
});

test("children of a container hang below it, and an undo below the run", () => {
  const plan: Plan = {
    name: "each",
    steps: [{ id: "all", action: { kind: "run", command: "x" }, forEach: { items: "[1]" } } as unknown as Step],
  };
  const child: Step = { id: "all[0]", action: { kind: "run", command: "x" } };
  const { spans, one } = traced(
    history(plan, [
      [1010, started("all")],
      [1010, { type: "steps.added", step: "all", data: { kind: "children", steps: [child], items: [1] } }],
      [1020, started("all[0]")],
      [1030, succeeded("all[0]", 10)],
      [1030, succeeded("all", 20)],
      [1040, { type: "step.rolledback", step: "all", data: { durationMs: 5 } }],
    ]),
  );
  expect(parentOf(spans, one("all[0]"))).toBe("all");
  expect(one("all").attributes["heddle.step.kind"]).toBe("forEach");
  expect([parentOf(spans, one("undo all")), ms(one("undo all").startTime)]).toEqual(["run diamond", 1035]);
});

describe("an agent's attempt", () => {
  const plan: Plan = {
    name: "agents",
    steps: [{ id: "write", action: { kind: "agent", prompt: "PROMPT", options: { model: "big" } } }],
  };
  const usage = (tokens: object, more: object = {}): EventBody => ({
    type: "usage.recorded",
    step: "write",
    attempt: 1,
    data: { agent: "claude", provider: "anthropic", model: "big-4", sessionId: "s1", tokens, ...more },
  });

  test("says model and tokens by the conventions, summed over its turns, and what is unknown not at all", () => {
    const { one, spans } = traced(
      history(plan, [
        [1010, started("write")],
        [1020, usage({ input: 10, cachedRead: 100, output: 7 }, { usd: 0.5 })],
        [1030, usage({ input: 1, cacheWrite: 5, output: 3 }, { usd: 0.25 })],
        [1040, succeeded("write", 30)],
      ]),
    );
    const { attributes } = one("invoke_agent claude");
    expect(attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "claude",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "big",
      "gen_ai.response.model": "big-4",
      "gen_ai.conversation.id": "s1",
      "gen_ai.usage.input_tokens": 116,
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.cache_creation.input_tokens": 5,
      "gen_ai.usage.output_tokens": 10,
      "heddle.cost.usd": 0.75,
    });
    expect(Object.keys(attributes)).not.toContain("gen_ai.usage.reasoning.output_tokens");
    expect(JSON.stringify(spans.map((span) => span.attributes))).not.toContain("PROMPT");
  });
});

test("attributes, names and links are bounded, whatever a plan is called", () => {
  const long = "x".repeat(10_000);
  const steps: readonly Step[] = [
    ...Array.from({ length: 300 }, (_, at) => ({ id: `s${at}`, action: { kind: "run" as const, command: "x" } })),
    { id: long, action: { kind: "run", command: "x" }, deps: Array.from({ length: 300 }, (_, at) => `s${at}`) },
  ];
  const error = { code: "exit", message: `${"é".repeat(10_000)}\nsecond line`, exitCode: 1 } as const;
  const { spans, one } = traced(
    history({ name: long, steps }, [
      ...steps.slice(0, 300).flatMap(({ id }): Happening[] => [
        [1010, started(id)],
        [1020, succeeded(id, 10)],
      ]),
      [1030, started(long)],
      [1040, { type: "step.failed", step: long, attempt: 1, data: { error, durationMs: 10, willRetry: false } }],
    ]),
    { plan: long },
  );
  for (const { name, attributes, status, links } of spans) {
    expect(name.length).toBeLessThanOrEqual(260);
    for (const value of Object.values(attributes)) expect(String(value).length).toBeLessThanOrEqual(256);
    expect(status.message?.length ?? 0).toBeLessThanOrEqual(256);
    expect(links.length).toBeLessThanOrEqual(128);
  }
  expect(one(`${"x".repeat(255)}…`).links).toHaveLength(128);
  expect(JSON.stringify(spans.map((span) => span.status))).not.toContain("second line");
});

test("every span of generated histories ends, and hangs below one that is there", async () => {
  const { fuzzRun } = await import("../support/fuzz-reducer.ts");
  for (let seed = 1; seed <= 12; seed++) {
    const events = fuzzRun(seed);
    const { state } = read(events);
    if (state === undefined) continue;
    const { spans } = traced(events, defined({ run: state.run }));
    const ids = new Set(spans.map((span) => span.spanContext().spanId));
    const lost = spans.filter(({ parentSpanContext: parent }) => parent !== undefined && !ids.has(parent.spanId));
    expect([seed, lost.map(({ name }) => name)]).toEqual([seed, []]);
    for (const span of spans)
      expect(ms(span.endTime), `${seed} ${span.name}`).toBeGreaterThanOrEqual(ms(span.startTime));
  }
});
