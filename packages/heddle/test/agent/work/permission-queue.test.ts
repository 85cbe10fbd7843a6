/** Leave that agents at work ask for: one question at a time, each answered once, whatever happens. */
import { expect, test } from "vitest";
import { Leave } from "../../../src/agent/work/permission-queue.ts";
import type { PermissionRequest } from "../../../src/agent/adapters/port.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import type { Note } from "../../../src/run/attempt.ts";

const request = (title: string, more: Partial<PermissionRequest> = {}): PermissionRequest => ({
  kind: "execute",
  title,
  paths: [],
  ...more,
});

function desk(): { readonly clock: VirtualClock; readonly notes: Note[]; readonly leave: Leave } {
  const clock = new VirtualClock();
  const notes: Note[] = [];
  return { clock, notes, leave: new Leave(clock, 1000, (note) => notes.push(note)) };
}

test("the next question is put when the one before is answered, each with its own deadline", async () => {
  const { clock, notes, leave } = desk();
  const [first, second] = [leave.ask(request("one")), leave.ask(request("two"))];
  expect(notes).toHaveLength(1);
  const began = clock.now();
  clock.after(600, () => undefined);
  clock.advance();
  leave.answer("approve");
  expect(await first).toBe("allow");
  expect(notes.map(({ data }) => (data as { deadline: number }).deadline)).toEqual([began + 1000, began + 1600]);
  leave.answer("reject");
  expect(await second).toBe("deny");
  leave.answer("approve");
  expect(notes).toHaveLength(2);
});

test("an engine that does not answer is not waited for", async () => {
  const { clock, leave } = desk();
  const asked = leave.ask(request("one"));
  expect(clock.advance()).toBe(true);
  expect(await asked).toBe("deny");
});

test("the end of an attempt is a no to all, and to what is asked after it", async () => {
  const { notes, leave } = desk();
  const asked = [leave.ask(request("one")), leave.ask(request("two"))];
  leave.close();
  expect(await Promise.all([...asked, leave.ask(request("late"))])).toEqual(["deny", "deny", "deny"]);
  expect(notes).toHaveLength(1);
});

test("the question is one line, and not longer than a person reads", () => {
  const { notes, leave } = desk();
  void leave.ask(request("Edit", { kind: "edit", paths: ["/w/a.ts", "/w/b.ts"] }));
  leave.answer("reject");
  void leave.ask(request("x", { command: `rm -rf\n${"y".repeat(2000)}` }));
  const [edit, long] = notes.map(({ data }) => (data as { question: string }).question);
  expect(edit).toBe("may its agent change /w/a.ts, /w/b.ts (Edit)?");
  expect(long).toMatch(/^may its agent run rm -rf y+…\?$/);
  expect(long?.length).toBeLessThanOrEqual(500);
});
