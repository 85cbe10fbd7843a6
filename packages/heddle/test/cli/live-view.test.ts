/** The live view on a terminal in memory: what stands on the screen at every moment, and what is left of it in the end. */
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Event, EventBody } from "../../src/run/event.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { Answer } from "../../src/project/port.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { LiveView } from "../../src/cli/live-view.ts";
import { UNREAD_MS } from "../../src/cli/questions.ts";
import { widthOf } from "../../src/cli/output-text.ts";
import { FakeTerminal, type Screen } from "../support/screen.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { failed, OPTIONS, started, succeeded } from "../view/histories.ts";

const SIZE = { columns: 80, rows: 24 };

function plan(...steps: readonly (Partial<Step> & { readonly id: string })[]): Plan {
  return { name: "p", steps: steps.map((step) => ({ action: { kind: "run", command: "x" }, ...step }) as Step) };
}

const ASKS: EventBody = {
  type: "approval.requested",
  step: "ask",
  attempt: 1,
  data: { about: "step", question: "Deploy to production?" },
} as EventBody;

/** A run whose events the test tells, shown on a terminal in memory. */
class Shown {
  readonly terminal: FakeTerminal;
  readonly clock = new VirtualClock(10_000);
  readonly answers: [step: string, answer: Answer][] = [];
  readonly view: LiveView;
  readonly folder = temporaryFolder("live-view");
  readonly #reader = new HistoryReader();
  #seq = 0;

  constructor(of: Plan, size = SIZE, options: { readonly bell?: boolean; readonly held?: string } = {}) {
    onTestFinished(() => {
      this.view.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
    this.terminal = new FakeTerminal(size);
    this.#add({ type: "run.created", data: { plan: of, options: { ...OPTIONS, maxConcurrency: 99 }, engine: "test" } });
    this.#add({ type: "run.started", data: {} });
    this.view = new LiveView({
      out: this.terminal.out,
      clock: this.clock,
      handle: {
        state: () => {
          if (this.#reader.state === undefined) throw new Error("no run");
          return this.#reader.state;
        },
        waitingFor: () => options.held,
        answer: (step, answer) => {
          this.answers.push([step, answer]);
          return { ok: true, value: undefined };
        },
      },
      expected: new Map([["known", 60_000]]),
      logFile: (step, attempt) => path.join(this.folder, `${step}.${attempt}.log`),
      worktreeOf: async (step) => `/home/me/.local/state/heddle/worktrees/${step}`,
      bell: options.bell === true,
    });
  }

  tell(...bodies: readonly EventBody[]): this {
    for (const body of bodies) this.view.event(this.#add(body));
    return this;
  }

  #add(body: EventBody): Event {
    const event = { run: "r1", seq: ++this.#seq, time: this.clock.now(), ...body } as Event;
    this.#reader.add(event);
    return event;
  }

  /** Some frames later. */
  async pass(ms = 300): Promise<readonly string[]> {
    let isOver = false;
    this.clock.after(ms, () => void (isOver = true));
    while (!isOver) {
      this.clock.advance();
      await Promise.resolve();
    }
    return this.terminal.screen.visible.filter((text) => text !== "");
  }
}

describe("the frame", () => {
  test("has a row for each running step with its last words, and a bar", async () => {
    const shown = new Shown(plan({ id: "known" }, { id: "b" }, { id: "c", deps: ["b"] }));
    writeFileSync(path.join(shown.folder, "b.1.log"), "first\n\u001b[2Jsecond\n\n");
    shown.tell(started("known"), started("b"));
    const [first, second, bar, ...others] = await shown.pass(2000);
    expect(first).toMatch(/^▶ known {4,}2\.0s$/);
    expect(second).toMatch(/^▶ b {8,}2\.0s {2}second$/);
    expect(bar).toMatch(/^━+ 0\/3 {2}about 1m 58s left · 2 running · 1 waiting$/);
    expect(others).toEqual([]);
  });

  test("counts in every frame what has ended", async () => {
    const shown = new Shown(plan({ id: "a" }, { id: "b" }));
    shown.tell(started("a"), started("b"));
    await shown.pass();
    shown.tell(succeeded("a", 5), failed("b", 5));
    expect((await shown.pass(91)).at(-1)).toMatch(/ 2\/2 {2}1 failed · 0 running$/);
  });

  test("shows an agent's words rather than what it did, and its deeds where it says nothing", async () => {
    const shown = new Shown(
      plan(
        { id: "talks", action: { kind: "agent", prompt: "p" } },
        { id: "works", action: { kind: "agent", prompt: "p" } },
      ),
    );
    writeFileSync(
      path.join(shown.folder, "talks.1.log"),
      "I read the tests.\n[read completed] a.ts\n[edit pending] b.ts\n[end] ok\n",
    );
    writeFileSync(path.join(shown.folder, "works.1.log"), "[edit pending] b.ts\n");
    shown.tell(started("talks"), started("works"));
    const [talks, works] = await shown.pass();
    expect(talks).toMatch(/I read the tests\.$/);
    expect(works).toMatch(/\[edit pending\] b\.ts$/);
  });

  test("cuts long names in their middle, which keeps both ends apart", async () => {
    const ids = ["packages-layer-18-service-accounts-build", "packages-layer-18-service-accounts-tests"];
    const shown = new Shown(plan(...ids.map((id) => ({ id }))));
    shown.tell(...ids.map((id) => started(id)));
    const [first, second] = await shown.pass();
    expect(first).toMatch(/^▶ packages-laye…counts-build /);
    expect(second).toMatch(/^▶ packages-laye…counts-tests /);
  });

  test("says how many steps need a person, keeps them where rows are few, and rings if asked to", async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `s${i}`);
    const agent = { kind: "agent", prompt: "p" } as const;
    const shown = new Shown(
      plan(...ids.map((id) => ({ id, action: agent }))),
      { columns: 80, rows: 10 },
      { bell: true },
    );
    shown.tell(...ids.map((id) => started(id)));
    expect((await shown.pass()).at(-1)).not.toContain("need");
    expect(shown.terminal.screen.bells).toBe(0);
    for (const step of ["s28", "s29"])
      shown.tell({
        type: "approval.requested",
        step,
        attempt: 1,
        data: { about: "permission", question: `May I push ${step}?` },
      } as EventBody);
    const rows = await shown.pass();
    expect(rows.filter((row) => /^\? s2[89] .* May I push s2[89]\?$/.test(row))).toHaveLength(2);
    expect(rows.at(-1)).toMatch(/ 0\/30 {2}2 need you · 30 running$/);
    expect(shown.terminal.screen.bells).toBe(2);
  });

  test("does not promise an end while a person is waited for, or the run is paused", async () => {
    const shown = new Shown(
      plan({ id: "ask", action: { kind: "approve", question: "?" } }, { id: "known", deps: ["ask"] }),
    );
    shown.tell(ASKS);
    expect((await shown.pass()).at(-1)).toMatch(/ 0\/2 {2}1 needs you · 0 running · 1 waiting$/);
    const paused = new Shown(plan({ id: "known" }));
    paused.tell(started("known"), { type: "run.paused", data: { reason: "x" } });
    expect((await paused.pass()).at(-1)).toMatch(/ 0\/1 {2}paused · 1 running$/);
  });

  test("names what holds steps back", async () => {
    const shown = new Shown(plan({ id: "a" }), SIZE, { held: "locks held by run abc" });
    expect((await shown.pass()).at(-1)).toContain("held back: locks held by run abc");
  });
});

describe("a question", () => {
  const of = plan({ id: "build" }, { id: "ask", action: { kind: "approve", question: "?" } });

  test("is answered by a line, and by nothing that was typed before it could be read", async () => {
    const shown = new Shown(of);
    shown.tell(started("build"));
    await shown.pass();
    shown.terminal.type("y\r");
    shown.tell(succeeded("build", 1), ASKS);
    shown.terminal.type("y\r");
    expect((await shown.pass(100)).at(-2)).toMatch(/^\? ask: Deploy to production\? █$/);
    await shown.pass(UNREAD_MS);
    shown.terminal.type("maybe\r");
    expect((await shown.pass(100)).slice(-3, -1).join("")).toMatch(/"maybe" is no answer: \[y\/n\] then Enter: █$/);
    shown.terminal.type("ye");
    expect((await shown.pass(100)).at(-2)).toMatch(/^\? ask: Deploy to production\? \[y\/n\] then Enter: ye█$/);
    shown.terminal.type("s\r");
    await import("../../src/cli/user.ts");
    await shown.pass();
    await settle();
    expect(shown.answers).toMatchObject([["ask", { decision: "approve" }]]);
  });

  test("is shown whole, however long, with the worktree of a conflict", async () => {
    const shown = new Shown(of, { columns: 40, rows: 24 });
    const question =
      "its work conflicts with heddle/r1/integration in src/a.ts, src/漢字漢字漢字漢字漢字.ts; resolve it";
    shown.tell({
      type: "approval.requested",
      step: "ask",
      attempt: 1,
      data: { about: "conflict", question },
    } as EventBody);
    const rows = (await shown.pass(UNREAD_MS + 100)).map((row) => row.trim());
    expect(rows.join("").replaceAll(" ", "")).toContain(question.replaceAll(" ", ""));
    expect(rows.join("")).toContain("/home/me/.local/state/heddle/worktrees/ask");
    expect(rows.join(" ")).toContain("[c]ontinue, then Enter:");
    expect(shown.terminal.screen.folded).toEqual([]);
  });

  test("that another process answers is taken away", async () => {
    const shown = new Shown(of);
    shown.tell(ASKS);
    await shown.pass(UNREAD_MS);
    shown.tell({
      type: "approval.given",
      step: "ask",
      attempt: 1,
      data: { decision: "approve", by: "me" },
    } as EventBody);
    expect(await shown.pass()).toHaveLength(1);
    shown.terminal.type("n\r");
    expect(shown.answers).toEqual([]);
  });
});

describe("the terminal", () => {
  test("is given back: the keyboard, the cursor, and no row of the frame", async () => {
    const before =
      process.listenerCount("SIGQUIT") + process.listenerCount("SIGTSTP") + process.listenerCount("SIGCONT");
    const shown = new Shown(plan({ id: "a" }));
    shown.tell(started("a"));
    await shown.pass();
    expect([shown.terminal.isRaw, shown.terminal.screen.isCursorVisible]).toEqual([true, false]);
    shown.view.write("a line\n");
    shown.view.stop();
    expect([shown.terminal.isRaw, shown.terminal.screen.isCursorVisible]).toEqual([false, true]);
    expect(shown.terminal.screen.text).toEqual(["a line"]);
    expect(process.listenerCount("SIGQUIT") + process.listenerCount("SIGTSTP") + process.listenerCount("SIGCONT")).toBe(
      before,
    );
  });

  test("is given back by Ctrl-\\ too, before the signal ends the process", async () => {
    const shown = new Shown(plan({ id: "a" }));
    shown.tell(started("a"));
    await shown.pass();
    const sent: [number, string | number | undefined, boolean, boolean][] = [];
    const kill = vi.spyOn(process, "kill").mockImplementation((pid, signal) => {
      sent.push([pid, signal, shown.terminal.isRaw, shown.terminal.screen.isCursorVisible]);
      return true;
    });
    onTestFinished(() => kill.mockRestore());
    process.emit("SIGQUIT");
    expect(sent).toEqual([[process.pid, "SIGQUIT", false, true]]);
  });

  test("shows a line of any length in one piece, also while it comes", async () => {
    const shown = new Shown(plan({ id: "a" }));
    shown.tell(started("a"));
    await shown.pass();
    const piece = "x".repeat(70_000);
    for (let i = 0; i < 3; i++) {
      shown.view.write(piece);
      await shown.pass();
    }
    shown.view.write("end\nnext\nnot who");
    expect((await shown.pass()).at(-1)).toContain("0/1");
    shown.view.write("le\n");
    shown.view.stop();
    expect(unfolded(shown.terminal.screen, SIZE.columns)).toEqual([`${piece.repeat(3)}end`, "next", "not whole"]);
  });

  test("keeps what is printed and nothing else, whatever is typed, resized and told", async () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant("print" as const),
        text: fc.string({ unit: fc.constantFrom("a", " b", "漢", "👍", "é"), maxLength: 60 }),
      }),
      fc.record({ kind: fc.constant("type" as const), text: fc.constantFrom("\r", "y", "npm test\r", "\u001b[A") }),
      fc.record({
        kind: fc.constant("resize" as const),
        columns: fc.integer({ min: 12, max: 120 }),
        rows: fc.integer({ min: 14, max: 40 }),
      }),
      fc.record({ kind: fc.constant("start" as const), step: fc.integer({ min: 0, max: 19 }) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 700 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const ids = Array.from({ length: 20 }, (_, i) => `step-漢字-with-a-long-name-${i}`);
        const shown = new Shown(plan(...ids.map((id) => ({ id }))));
        const begun = new Set<string>();
        const printed: string[] = [];
        for (const each of actions) {
          if (each.kind === "print") {
            printed.push(each.text);
            shown.view.write(`${each.text}\n`);
          } else if (each.kind === "type") shown.terminal.type(each.text);
          else if (each.kind === "resize") {
            // What a fold pushes out of the screen no program can take back: it is in the scrollback.
            if (heightAt(shown.terminal.screen, each.columns) < each.rows) shown.terminal.resize(each);
          } else if (each.kind === "pass") await shown.pass(each.ms);
          else {
            const id = ids[each.step] ?? "";
            if (begun.has(id)) continue;
            begun.add(id);
            appendFileSync(
              path.join(shown.folder, `${id}.1.log`),
              "漢字の最後の行 and much more of the same line, 👍\n",
            );
            shown.tell(started(id));
          }
          const frame = shown.terminal.screen.visible.filter((row) => /^[▶━]/.test(row));
          expect(frame.filter((row) => row.startsWith("━")).length).toBeLessThanOrEqual(1);
        }
        const { columns } = shown.terminal.screen;
        shown.view.stop();
        expect(unfolded(shown.terminal.screen, columns)).toEqual(trimmed(printed));
      }),
      { numRuns: 80 },
    );
  });
});

/** Rows of the frame when the terminal has so many columns. A wide character may leave one of a row empty. */
function heightAt({ visible }: Screen, columns: number): number {
  const frame = visible.slice(
    Math.max(
      0,
      visible.findIndex((row) => /^[▶━?…]/.test(row.trim())),
    ),
  );
  return frame.reduce((sum, row) => sum + Math.max(1, Math.ceil(widthOf(row) / (columns - 1))), 0);
}

/** The lines on the screen as they were written. */
function unfolded(screen: Screen, columns: number): readonly string[] {
  screen.resize({ columns: 1_000_000, rows: screen.rows });
  const text = [...screen.text];
  screen.resize({ columns, rows: screen.rows });
  return text;
}

function trimmed(lines: readonly string[]): readonly string[] {
  const kept = lines.map((text) => text.trimEnd());
  while (kept.at(-1) === "") kept.pop();
  return kept;
}
