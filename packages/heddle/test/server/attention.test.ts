/** What waits for people over all projects: in pages, with what cannot be looked at named. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AttentionList } from "../../src/view/protocol.ts";
import { until } from "../support/until.ts";
import { ServerRig } from "./rig.ts";

const PATH = "/api/attention";

async function attention(rig: ServerRig, query = ""): Promise<AttentionList> {
  return (await rig.ask(`${PATH}${query}`)).json as unknown as AttentionList;
}

test("all projects, what holds up most first, in pages that stay as they are when something comes before", async () => {
  await using rig = await ServerRig.start({ projects: ["one", "two"] });
  expect(await attention(rig)).toEqual({ items: [], unreadable: [], isPartial: false });
  const start = async (project: string, behind: number): Promise<void> => {
    const rest = Array.from({ length: behind }, (_, at) => ({ id: `s${at}`, run: "true", deps: ["ask"] }));
    const plan = { steps: [{ id: "ask", approve: "Go on?" }, ...rest] };
    await rig.ask(`/api/projects/${project}/runs`, { body: { plan } });
  };
  await start("one", 1);
  await start("two", 3);
  await start("one", 2);
  await until(async () => (await attention(rig)).items.length === 3);
  const all = await attention(rig);
  expect(all.items.map(({ project, holdsUp, step, kind }) => [project, holdsUp, step, kind])).toEqual([
    ["two", 3, "ask", "approval"],
    ["one", 2, "ask", "approval"],
    ["one", 1, "ask", "approval"],
  ]);
  const first = await attention(rig, "?limit=1");
  expect([first.items, typeof first.next]).toEqual([all.items.slice(0, 1), "string"]);
  await start("two", 9);
  await until(async () => (await attention(rig)).items.length === 4);
  const second = await attention(rig, `?limit=2&cursor=${first.next ?? ""}`);
  expect([second.items, second.next]).toEqual([all.items.slice(1), undefined]);
});

test.each(["x", "bnVsbA", "WzEsMiwzLDQsNV0", "W10", "%00", "e30"])(
  "a cursor that is none is refused: %s",
  async (cursor) => {
    await using rig = await ServerRig.start();
    const { status, json } = await rig.ask(`${PATH}?cursor=${cursor}`);
    expect([status, json["code"]]).toEqual([422, "invalid-cursor"]);
  },
);

test("a project that cannot be opened is named, and hides nothing of the others", async () => {
  await using rig = await ServerRig.start({ projects: ["good", "bad"] });
  writeFileSync(join(rig.dir, "bad", ".heddle"), "no folder");
  const plan = { steps: [{ id: "ask", approve: "Go on?" }] };
  await rig.ask("/api/projects/good/runs", { body: { plan } });
  await until(async () => (await attention(rig)).items.length === 1);
  const { items, unreadable } = await attention(rig);
  expect([items[0]?.project, unreadable]).toEqual(["good", [{ project: "bad", problem: expect.any(String) }]]);
  const { json } = await rig.ask("/api/projects/bad/runs");
  const { text } = await rig.ask("/api/projects");
  for (const said of [JSON.stringify(unreadable), JSON.stringify(json), text]) {
    expect(said).toContain("bad");
    expect(said).not.toContain(rig.dir);
  }
  expect(rig.faults).toEqual([]);
});
