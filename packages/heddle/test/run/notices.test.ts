/** Notices made from events: which, for whom, and how short. */
import { describe, expect, test } from "vitest";
import type { NotifyTarget } from "../../src/plan/notify-config.ts";
import type { Event, EventBody } from "../../src/run/event.ts";
import { noticesOf, slackText, type NewNotice } from "../../src/run/notices.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "../view/histories.ts";

const ALL: NotifyTarget = { url: "https://a.test/" };

/** Of the last `count` events. */
function noticesAfter(
  happenings: readonly Happening[],
  targets: readonly NotifyTarget[],
  count = 1,
): readonly NewNotice[] {
  const events: readonly Event[] = history({ ...DIAMOND, notify: targets }, happenings);
  const { state } = read(events);
  if (state === undefined) throw new Error("no state");
  return noticesOf(state, events.slice(-count));
}

function asks(step: string, question = "ship?", more: object = {}): EventBody {
  return { type: "approval.requested", step, attempt: 1, data: { about: "step", question, ...more } };
}

const FAILED: readonly Happening[] = [
  [1010, started("a")],
  [1020, failed("a", 10)],
  [1030, { type: "run.failed", data: { durationMs: 30, failed: ["a"] } }],
];

describe("of a run", () => {
  test("that failed: which steps, and why", () => {
    expect(noticesAfter(FAILED, [ALL])).toEqual([
      {
        seq: 5,
        target: ALL,
        document: {
          id: "r1-5-1",
          type: "run.failed",
          time: 1030,
          run: "r1",
          plan: "diamond",
          counts: { succeeded: 0, failed: 1, cancelled: 0, skipped: 0, cached: 0, waiting: 3, running: 0 },
          durationMs: 30,
          failed: [{ step: "a", code: "exit", message: "exit code 2" }],
        },
      },
    ]);
  });

  test("that succeeded, or was cancelled", () => {
    const end = (body: EventBody): unknown => noticesAfter([[1030, body]], [ALL])[0]?.document;
    expect(end({ type: "run.succeeded", data: { durationMs: 7 } })).toMatchObject({
      type: "run.succeeded",
      durationMs: 7,
    });
    expect(end({ type: "run.cancelled", data: { durationMs: 7, reason: "cancel" } })).toMatchObject({
      type: "run.cancelled",
      reason: "cancel",
    });
  });

  test("that asks: all questions that come together as one", () => {
    const happenings: readonly Happening[] = [
      [1010, asks("d")],
      [1010, asks("c", "which?", { about: "question", options: ["x", "y"] })],
    ];
    const [only, ...more] = noticesAfter(happenings, [ALL], 2);
    expect(more).toEqual([]);
    expect(only?.seq).toBe(3);
    expect(only?.document).toMatchObject({
      id: "r1-3-1",
      type: "run.needs-you",
      asked: [
        { step: "d", about: "step", question: "ship?" },
        { step: "c", about: "question", question: "which?", options: ["x", "y"] },
      ],
    });
  });

  test("that does anything else: none; and none where nobody is to be told", () => {
    expect(noticesAfter([[1010, started("a")]], [ALL])).toEqual([]);
    expect(
      noticesAfter(
        [
          [1010, started("a")],
          [1020, succeeded("a", 10)],
        ],
        [ALL],
        4,
      ),
    ).toEqual([]);
    const events = history(DIAMOND, FAILED);
    const { state } = read(events);
    expect(state && noticesOf(state, events)).toEqual([]);
  });
});

test("each receiver is told what it asks for", () => {
  const targets: readonly NotifyTarget[] = [
    { url: "https://a.test/", on: ["succeeded"] },
    { urlFrom: "U", on: ["failed", "needs-you"] },
    ALL,
  ];
  expect(
    noticesAfter(FAILED, targets).map(({ target, document }) => [target.urlFrom ?? target.url, document.id]),
  ).toEqual([
    ["U", "r1-5-2"],
    ["https://a.test/", "r1-5-3"],
  ]);
});

describe("short", () => {
  test("whatever is asked, and however many fail", () => {
    const evil = "\u0000".repeat(5000);
    const ids = Array.from({ length: 40 }, (_, at) => `s${at}${"x".repeat(90)}`);
    const steps = ids.map((id) => ({ id, action: { kind: "run" as const, command: "x" } }));
    const plan = { name: evil, steps, notify: [ALL] };
    const error = { code: "exit", message: evil, exitCode: 1 } as const;
    const events = history(plan, [
      ...ids.flatMap((step): Happening[] => [
        [1010, started(step)],
        [1020, { type: "step.failed", step, attempt: 1, data: { error, durationMs: 1, willRetry: false } }],
      ]),
      ...ids.map((step): Happening => [1030, asks(step, evil, { options: Array.from({ length: 50 }, () => evil) })]),
      [1040, { type: "run.failed", data: { durationMs: 1, failed: ids, reason: evil } }],
    ]);
    const { state } = read(events);
    const notices = state === undefined ? [] : noticesOf(state, events);
    expect(notices.map(({ document }) => document.type)).toEqual(["run.needs-you", "run.failed"]);
    for (const { document } of notices) {
      expect(JSON.stringify(document).length).toBeLessThanOrEqual(16 * 1024);
      const listed = [...(document.asked ?? []), ...(document.failed ?? [])].length;
      expect(listed + (document.askedNotShown ?? 0) + (document.failedNotShown ?? 0)).toBe(40);
      expect(JSON.stringify(slackText(document)).length).toBeLessThan(20_000);
    }
  });

  test("the text for Slack says what to type, and escapes what Slack would carry out", () => {
    const [notice] = noticesAfter([[1010, asks("d", "<!here> & <https://evil.test|ok>")]], [ALL]);
    expect(notice && slackText(notice.document)).toEqual({
      text: "diamond: run r1 needs you\n• d: &lt;!here&gt; &amp; &lt;https://evil.test|ok&gt;\nheddle show r1",
    });
  });
});
