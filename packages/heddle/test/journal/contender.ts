/** A process that does with one journal what its parent says; started by `rig.ts`. */
import type { Lease } from "../../src/journal/port.ts";
import { thisProcess } from "../../src/journal/liveness.ts";
import { openOk, span, type Order, type Reply } from "./rig.ts";

const file = process.argv[2] ?? "";
const journal = await openOk(file);
const me = thisProcess("contender");
let lease: Lease | undefined;

function say(reply: Reply): Promise<void> {
  return new Promise((done) => {
    process.send?.(reply, undefined, undefined, () => done());
  });
}

async function obey(order: Order): Promise<string> {
  if (order.do === "exit") {
    await journal.close();
    process.disconnect();
    return "ok";
  }
  if (order.do === "acquire") {
    const known = await journal.get(order.run);
    const plan = { run: order.run, plan: "plan", createdAt: 1 };
    const taken = known === undefined ? await journal.create(plan, me) : await journal.acquire(order.run, me);
    if (!taken.ok) return taken.error.kind;
    lease = taken.value;
    return "ok";
  }
  if (order.do === "begin") {
    const asked = { digest: "d", time: 1, effect: "e" };
    const begun = await Promise.all(order.keys.map((key) => journal.beginRequest({ key, ...asked }, me)));
    return begun.map(({ kind }) => kind).join(",");
  }
  if (lease === undefined) return "no lease";
  if (order.do === "release") {
    await journal.release(lease);
    return "ok";
  }
  if (order.do === "heartbeat") return (await journal.heartbeat(lease)) ? "ok" : "lost";
  const batch = order.do === "flood" ? order.batch : order.to - order.from + 1;
  for (let from = order.from; from <= order.to; from += batch) {
    const to = Math.min(order.to, from + batch - 1);
    const appended = await journal.append(lease, span(lease.run, from, to));
    if (!appended.ok) return appended.error.kind === "unknown" ? appended.error.problem.code : appended.error.kind;
    if (order.do === "flood") await say({ said: "stored", seq: to });
  }
  return "ok";
}

process.on("message", (order: Order) => {
  void obey(order).then((outcome) => (process.connected ? say({ said: "outcome", outcome }) : undefined));
});
await say({ said: "ready" });
