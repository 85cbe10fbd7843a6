/** Feeds of documents: worked out once, however many look at them, and told where they have changed. */
import { expect, test } from "vitest";
import { Feeds } from "../../src/server/feeds.ts";
import { lookedFeed } from "../../src/server/looked-feed.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { pass } from "./rig.ts";

class Document {
  readonly clock = new VirtualClock();
  readonly feeds = new Feeds<string>();
  value = 1;
  hasNews = false;
  looks = 0;
  tookMs = 0;
  readonly failures: unknown[] = [];

  /** What one client is told, until it goes. */
  join(): { readonly told: readonly string[]; readonly leave: () => void } {
    const gone = new AbortController();
    const told: string[] = [];
    const make = (): ReturnType<typeof lookedFeed<number, string>> =>
      lookedFeed<number, string>({
        clock: this.clock,
        hasNews: () => {
          const had = this.hasNews;
          this.hasNews = false;
          return had;
        },
        look: async () => {
          this.looks++;
          if (this.tookMs > 0) pass(this.clock, this.tookMs);
          return this.value;
        },
        tell: (now, before) => `${before ?? "new"} ${now}`,
      });
    this.feeds
      .follow("x", make, (news) => told.push(news), gone.signal)
      .catch((thrown: unknown) => {
        this.failures.push(thrown);
      });
    return { told, leave: () => gone.abort() };
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      pass(this.clock, 50);
      await settle();
    }
  }
}

test("each client gets the whole, then what changes, from one look for all", async () => {
  const document = new Document();
  const first = document.join();
  const second = document.join();
  await settle();
  expect([first.told, second.told, document.looks]).toEqual([["new 1"], ["new 1"], 1]);
  document.hasNews = true;
  await document.pass(150);
  expect([first.told, document.looks]).toEqual([["new 1"], 2]);
  document.value = 2;
  document.hasNews = true;
  await document.pass(150);
  const third = document.join();
  await settle();
  expect([first.told, second.told, third.told]).toEqual([["new 1", "1 2"], ["new 1", "1 2"], ["new 2"]]);
  first.leave();
  second.leave();
  third.leave();
  await document.pass(300);
  expect([document.looks, document.clock.pending]).toEqual([3, 0]);
});

test("a change that nobody wrote is seen within a second: a process that dies writes nothing", async () => {
  const document = new Document();
  const client = document.join();
  await settle();
  document.value = 2;
  await document.pass(500);
  expect(client.told).toEqual(["new 1"]);
  await document.pass(600);
  expect(client.told).toEqual(["new 1", "1 2"]);
  client.leave();
});

test("looks that take long are further apart", async () => {
  const document = new Document();
  document.tookMs = 500;
  const client = document.join();
  await settle();
  document.hasNews = true;
  await document.pass(1900);
  expect(document.looks).toBe(1);
  await document.pass(200);
  expect(document.looks).toBe(2);
  client.leave();
});
