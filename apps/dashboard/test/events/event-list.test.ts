/** Events of a run as a list: every event under its number, those a filter lets through in order, however the run grows. */
import { ApiProblem, type EventPage } from "heddle/client";
import type { RunEvent } from "heddle/view";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventIndex } from "../../src/events/event-index.ts";
import { EventList, type EventSource } from "../../src/events/event-list.ts";
import { eventJson, eventText } from "../../src/events/event-text.ts";
import { ManualTimers, settled } from "../logs/log-rig.ts";
import { plainLine } from "../../src/logs/styled-line.ts";

function event(seq: number, type = "step.started", step: string | null = "a", data: object = {}): RunEvent {
  return { run: "r", seq, time: 0, type, data, ...(step === null ? {} : { step }) } as unknown as RunEvent;
}

class MemoryEvents implements EventSource {
  readonly events: RunEvent[] = [];
  readonly asked: string[] = [];
  problem: ApiProblem | undefined;
  #tell: ((events: readonly RunEvent[]) => void) | undefined;

  constructor(count: number) {
    this.record(count);
  }

  /** Of three steps and three types by turns. */
  record(count: number): void {
    const fresh = Array.from({ length: count }, (_, at) => {
      const seq = this.events.length + at + 1;
      return event(
        seq,
        ["step.started", "step.succeeded", "step.failed"][seq % 3],
        seq % 10 === 0 ? null : `s${seq % 4}`,
      );
    });
    this.events.push(...fresh);
    this.#tell?.(fresh);
  }

  async page(after: number, limit: number): Promise<EventPage> {
    this.asked.push(`${after}+${limit}`);
    await Promise.resolve();
    if (this.problem !== undefined) throw this.problem;
    return { items: this.events.slice(after, after + limit) };
  }

  follow(after: number, onEvents: (events: readonly RunEvent[]) => void): () => void {
    this.#tell = onEvents;
    if (this.events.length > after) onEvents(this.events.slice(after));
    return () => (this.#tell = undefined);
  }
}

function opened(source: MemoryEvents, { last = source.events.length, follows = true } = {}): EventList {
  return new EventList({ source, last, follows, after: new ManualTimers().after });
}

async function shown(list: EventList, from: number, to: number): Promise<readonly (number | string | undefined)[]> {
  for (let round = 0; round < 8; round++) {
    list.want(from, to);
    await settled();
  }
  return Array.from({ length: to - from + 1 }, (_, at) =>
    list.line(from + at) === undefined ? "absent" : list.seqOf(from + at),
  );
}

describe("events", () => {
  test("are read by number where they are looked at, and as they are recorded", async () => {
    const source = new MemoryEvents(10_000);
    const list = opened(source);
    expect(list.lines).toBe(10_000);
    expect(await shown(list, 5000, 5003)).toEqual([5000, 5001, 5002, 5003]);
    expect(source.asked).toEqual(["4800+200", "5000+200"]);
    source.record(2);
    expect([list.lines, list.line(10_002) === undefined]).toEqual([10_002, false]);
  });

  test("are filtered by type and step; those that come are, too", async () => {
    const source = new MemoryEvents(2500);
    const list = opened(source);
    list.filter({ types: ["step.failed"], step: "s1" });
    for (let round = 0; round < 5; round++) await settled();
    const expected = (): readonly number[] =>
      source.events
        .filter((one) => one.type === "step.failed" && "step" in one && one.step === "s1")
        .map(({ seq }) => seq);
    expect(list.isWhole).toBe(true);
    expect(Array.from({ length: list.lines }, (_, at) => list.seqOf(at + 1))).toEqual(expected());
    expect(await shown(list, 1, 3)).toEqual(expected().slice(0, 3));
    source.record(30);
    expect(Array.from({ length: list.lines }, (_, at) => list.seqOf(at + 1))).toEqual(expected());
    expect([list.lineOf(expected()[4] ?? 0), list.lineOf((expected()[4] ?? 0) - 1)]).toEqual([5, 5]);
    // All were read once.
    expect(source.asked.filter((one) => one.endsWith("+1000"))).toEqual(["0+1000", "1000+1000", "2000+1000"]);
    list.filter({ types: [], step: undefined });
    expect(list.lines).toBe(2530);
  });

  test("of a run that is shown as it was end there", async () => {
    const list = opened(new MemoryEvents(100), { last: 40, follows: false });
    expect(await shown(list, 39, 41)).toEqual([39, 40, "absent"]);
    list.filter({ types: ["step.started"], step: undefined });
    for (let round = 0; round < 5; round++) await settled();
    expect(list.seqOf(list.lines)).toBeLessThanOrEqual(40);
  });

  test("are given whole for a copy, those that are shown alone", async () => {
    const source = new MemoryEvents(3000);
    const list = opened(source);
    const { signal } = new AbortController();
    expect((await list.events(10, 12, signal)).map(({ seq }) => seq)).toEqual([10, 11, 12]);
    list.filter({ types: ["step.failed"], step: undefined });
    for (let round = 0; round < 5; round++) await settled();
    expect((await list.events(1, 1000, signal)).map(({ seq }) => seq)).toEqual(
      source.events.filter(({ type }) => type === "step.failed").map(({ seq }) => seq),
    );
  });

  test("that cannot be had say why", async () => {
    const source = new MemoryEvents(10);
    source.problem = new ApiProblem({ code: "damaged", status: 500 - 78, detail: "no" });
    const list = opened(source);
    list.want(1, 5);
    await settled();
    expect(list.problem?.code).toBe("damaged");
  });
});

test("an index finds what a filter lets through, from any number on", () => {
  const types = fc.constantFrom("a", "b", "c");
  const steps = fc.option(fc.constantFrom("x", "y"), { nil: undefined });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(types, steps)),
      fc.subarray(["a", "b"]),
      steps,
      fc.nat(5),
      (made, wanted, step, after) => {
        const events = made.map(([type, of], at) => ({ ...event(at + 1, type), step: of }) as unknown as RunEvent);
        const index = new EventIndex();
        index.add(events);
        // Known already, or with a gap before it.
        index.add(events.slice(0, 2));
        index.add([event(made.length + 5)]);
        expect(index.size).toBe(made.length);
        const expected = made.flatMap(([type, of], at) =>
          at >= after && (wanted.length === 0 || wanted.includes(type)) && (step === undefined || of === step)
            ? [at + 1]
            : [],
        );
        expect(index.matches({ types: wanted, step }, after)).toEqual(expected);
        expect(index.types.reduce((sum, [, count]) => sum + count, 0)).toBe(made.length);
      },
    ),
  );
});

describe("an event as text", () => {
  test("is one line, whatever is in it", () => {
    const text = eventText(
      event(1, "step.failed", "a", {
        error: { code: "exit", message: "x\ny\u001b[31mz" },
        many: Array.from({ length: 99 }),
        long: "l".repeat(500),
      }),
    );
    expect(text).not.toContain("\n");
    expect(plainLine(text)).toMatch(
      /^\d\d:\d\d:\d\d\.000 {2}step\.failed {10}a {14}error=\{"code":"exit","message":"x\\ny\\u001b\[31mz"\} {2}many=\[99\] {2}long=l{120}…$/,
    );
    expect(
      plainLine(
        eventText(
          event(1, "run.created", null, {
            plan: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [at, 1])),
          }),
        ),
      ),
    ).toMatch(/run\.created {10}plan=\{20\}$/);
  });

  test("is JSON that is the same to who parses it, and in which nothing is reordered or hidden", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom("\u202e", "\u2066", "\u200b", "\u{e0041}", "ä", "\u0000"),
        (json, special) => {
          const value: unknown = [JSON.parse(json), special];
          const text = eventJson(value);
          expect(JSON.parse(text)).toEqual(value);
          expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u{e0000}-\u{e007f}]/u);
        },
      ),
    );
  });
});
