/** Leave that agents at work ask for: one question at a time, each answered once, whatever happens. */
import { expect, test } from "vitest";
import { PermissionQueue } from "../../../src/agent/work/permission-queue.ts";
import type { PermissionRequest } from "../../../src/agent/adapters/port.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import type { Note } from "../../../src/run/attempt.ts";

const request = (title: string, more: Partial<PermissionRequest> = {}): PermissionRequest => ({
  kind: "execute",
  title,
  paths: [],
  ...more,
});

function queueOf(): { readonly clock: VirtualClock; readonly notes: Note[]; readonly permissions: PermissionQueue } {
  const clock = new VirtualClock();
  const notes: Note[] = [];
  return { clock, notes, permissions: new PermissionQueue(clock, 1000, (note) => notes.push(note)) };
}

test("the next question is put when the one before is answered, each with its own deadline", async () => {
  const { clock, notes, permissions } = queueOf();
  const [first, second] = [permissions.ask(request("one")), permissions.ask(request("two"))];
  expect(notes).toHaveLength(1);
  const began = clock.now();
  clock.after(600, () => undefined);
  clock.advance();
  permissions.answer("approve");
  expect(await first).toBe("allow");
  expect(notes.map(({ data }) => (data as { deadline: number }).deadline)).toEqual([began + 1000, began + 1600]);
  permissions.answer("reject");
  expect(await second).toBe("deny");
  permissions.answer("approve");
  expect(notes).toHaveLength(2);
});

test("an engine that does not answer is not waited for", async () => {
  const { clock, permissions } = queueOf();
  const asked = permissions.ask(request("one"));
  expect(clock.advance()).toBe(true);
  expect(await asked).toBe("deny");
});

test("the end of an attempt is a no to all, and to what is asked after it", async () => {
  const { notes, permissions } = queueOf();
  const asked = [permissions.ask(request("one")), permissions.ask(request("two"))];
  permissions.close();
  expect(await Promise.all([...asked, permissions.ask(request("late"))])).toEqual(["deny", "deny", "deny"]);
  expect(notes).toHaveLength(1);
});

test("the question is one line, and not longer than a person reads", () => {
  const { notes, permissions } = queueOf();
  void permissions.ask(request("Edit", { kind: "edit", paths: ["/w/a.ts", "/w/b.ts"] }));
  permissions.answer("reject");
  void permissions.ask(request("x", { command: `rm -rf\n${"y".repeat(2000)}` }));
  const [edit, long] = notes.map(({ data }) => (data as { question: string }).question);
  expect(edit).toBe("may its agent change /w/a.ts, /w/b.ts (Edit)?");
  expect(long).toMatch(/^may its agent run rm -rf y+…\?$/);
  expect(long?.length).toBeLessThanOrEqual(500);
});
