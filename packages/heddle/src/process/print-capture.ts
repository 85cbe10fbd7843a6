/**
 * Print capture: hands what code of others prints (`console.*`, `process.stdout.write`, `process.stderr.write`) to a sink of
 * whoever runs that code, told apart by its asynchronous context. Does not know what a sink does with the text.
 *
 * Invariants:
 *  1. What is printed outside of every sink passes unchanged, unless the process asked for that too ({@link captureRest}).
 *  2. Nothing is replaced before the first sink is there: who runs no code of others keeps the streams of the process.
 *
 * Writes to file descriptors 1 and 2, and those of child processes that inherit them, are not seen here.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { safeText } from "../base/safe-text.ts";

export interface PrintSink {
  /** Text as it was printed: any piece of a line, or several lines. */
  print(text: string): void;
}

type Write = Writable["write"];

const sinks = new AsyncLocalStorage<PrintSink | undefined>();
let rest: PrintSink | undefined;
/** What a stream's own `write` was, for streams whose `write` is ours. */
const replaced = new WeakMap<Writable, { readonly ours: Write; readonly own: Write }>();

/** Does `work`; what it prints, now or later, goes to `sink`. `undefined`: as if no sink were there. */
export function printingTo<T>(sink: PrintSink | undefined, work: () => T): T {
  capture();
  return sinks.run(sink, work);
}

/** The sink of the code that asks. */
export function currentSink(): PrintSink | undefined {
  return sinks.getStore();
}

/** What is printed outside of every sink goes to `sink` from now on. */
export function captureRest(sink: PrintSink): void {
  rest = sink;
  capture();
}

/** Writes past every sink: for the owner of the console. */
export function writeUncaptured(stream: Writable, text: string | Uint8Array, done?: () => void): boolean {
  const write = replaced.get(stream)?.own ?? stream.write;
  return Reflect.apply(write as (text: string | Uint8Array, done?: () => void) => boolean, stream, [text, done]);
}

/** Foreign text for standard error, where it can do no harm to a terminal. */
export function printToStderr(text: string): void {
  writeUncaptured(process.stderr, safeText(text));
}

function capture(): void {
  captureStream(process.stdout);
  captureStream(process.stderr);
}

function captureStream(stream: Writable): void {
  // Others may replace `write` as well, and put it back: what stands there now counts.
  const own = stream.write;
  if (replaced.get(stream)?.ours === own) return;
  const decoders = new WeakMap<PrintSink, StringDecoder>();
  function ours(...given: readonly unknown[]): boolean {
    const [chunk] = given;
    const sink = sinks.getStore() ?? rest;
    if (sink === undefined || !(typeof chunk === "string" || chunk instanceof Uint8Array))
      return Reflect.apply(own as (...args: readonly unknown[]) => boolean, stream, given);
    sink.print(textOf(chunk, given[1], sink, decoders));
    const done = given.findLast((argument) => typeof argument === "function");
    if (done !== undefined) process.nextTick(done);
    return true;
  }
  stream.write = ours as Write;
  replaced.set(stream, { ours: ours as Write, own });
}

/** Characters can be split over chunks of bytes. */
function textOf(
  chunk: string | Uint8Array,
  encoding: unknown,
  sink: PrintSink,
  decoders: WeakMap<PrintSink, StringDecoder>,
): string {
  if (typeof chunk === "string")
    return typeof encoding === "string" ? Buffer.from(chunk, encoding as BufferEncoding).toString() : chunk;
  let decoder = decoders.get(sink);
  if (decoder === undefined) decoders.set(sink, (decoder = new StringDecoder("utf8")));
  return decoder.write(chunk);
}
