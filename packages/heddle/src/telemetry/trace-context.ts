/** Trace context: W3C's `traceparent` and `tracestate` as texts, and as the API has them. Pure. */
import { createTraceState, isSpanContextValid, type SpanContext } from "@opentelemetry/api";
import { defined } from "../base/defined.ts";
import type { TraceContext } from "../run/attempt.ts";

/** Version 00, and what later ones may have behind it. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[0-9a-f-]*)?$/;
const LONGEST = 512;

/** `undefined`: it is none. */
export function spanContextOf(given: Partial<TraceContext>): SpanContext | undefined {
  const { traceparent = "", tracestate } = given;
  if (traceparent.length > LONGEST) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = TRACEPARENT.exec(traceparent.trim()) ?? [];
  const isStated = tracestate !== undefined && tracestate !== "" && tracestate.length <= LONGEST;
  const context: SpanContext = defined({
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    traceState: isStated ? createTraceState(tracestate) : undefined,
  });
  return isSpanContextValid(context) ? context : undefined;
}

export function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const stated = traceState?.serialize() ?? "";
  return defined({
    traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
    tracestate: stated === "" ? undefined : stated,
  });
}
