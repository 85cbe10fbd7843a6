/** What a step that stands for a plan holds, over all runs of the project and over the deaths of engines. */
import { expect, test } from "vitest";
import { memoryStore } from "../../src/journal/memory.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { Rig } from "./rig.ts";

const HOLDER = `
name: holder
steps:
  - id: box
    locks: { write: [db] }
    plan:
      steps:
        - { id: a, run: x, locks: { write: [db] } }
        - { id: b, run: x, deps: [a] }
`;
const OTHER = `
name: other
steps: [{ id: y, run: y, locks: { read: [db] } }]
`;

test("another run waits for the whole plan, not for its steps", async () => {
  const store = memoryStore();
  const clock = new VirtualClock();
  const first = new Rig({ store, clock, pid: 1 });
  const second = new Rig({ store, clock, pid: 2 });
  const holder = await first.start(HOLDER);
  const other = await second.start(OTHER);
  await first.pass(500);
  expect(first.running).toEqual(["box/a"]);
  await first.succeed("box/a");
  await first.pass(500);
  expect(first.running).toEqual(["box/b"]);
  expect(second.running).toEqual([]);
  expect(other.waitingFor()).toContain(holder.run);
  await first.succeed("box/b");
  await first.pass(500);
  await second.quiet();
  expect(second.running).toEqual(["y"]);
  await second.succeed("y");
  expect((await holder.result).status).toBe("succeeded");
  expect((await other.result).status).toBe("succeeded");
});

test("who goes on with the run takes it again first, and waits where another run has it meanwhile", async () => {
  const store = memoryStore();
  const clock = new VirtualClock();
  const first = new Rig({ store, clock, pid: 1 });
  const holder = await first.start(HOLDER);
  await first.fail("box/a");
  expect((await holder.result).status).toBe("failed");
  const second = new Rig({ store, clock, pid: 2 });
  const other = await second.start(OTHER);
  await second.pass(300);
  expect(second.running).toEqual(["y"]);
  const third = new Rig({ store, clock, pid: 3 });
  const again = await third.resume(holder.run);
  await third.pass(500);
  expect(third.running).toEqual([]);
  await second.succeed("y");
  expect((await other.result).status).toBe("succeeded");
  await third.pass(500);
  expect(third.running).toEqual(["box/a"]);
  await third.succeed("box/a");
  await third.succeed("box/b");
  expect((await again.result).status).toBe("succeeded");
});
