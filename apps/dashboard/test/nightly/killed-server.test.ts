/**
 * B1, T18: twenty pages of one browser while their server is killed again and again. What a page shows, it shows of one event, and just as
 * the history has it; and after each restart every page is at the newest event again.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { Rig } from "../../../../packages/heddle/test/support/command-line.ts";
import { KilledServer } from "../../../../packages/heddle/test/support/killed-server.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { report, scaled } from "../../../../packages/heddle/test/nightly/scale.ts";
import { connect, type RunEvent } from "../../../../packages/heddle/src/client/index.ts";
import { RunFollower } from "../../../../packages/heddle/src/view/follower.ts";
import { STEP_STATUSES } from "../../../../packages/heddle/src/view/index.ts";
import { NO_BROWSER, watchedPage } from "../support/browser.ts";

const PAGES = 20;
const KILLS = scaled(100);
/** After a restart. */
const RIGHT_WITHIN_MS = 5000;
const STEPS = 16;

/** What a page shows, read in one go: no render comes between. */
interface Seen {
  readonly seq: number;
  readonly state: string;
  /** `id status`, of the rows that are on the screen. */
  readonly steps: readonly string[];
}

async function seenBy(page: Page): Promise<Seen> {
  return page.evaluate((words: readonly string[]) => {
    const line = document.querySelector(".status-line")?.textContent ?? "";
    const rows = [...document.querySelectorAll('[role="row"], tbody tr')];
    const steps = rows.flatMap((row) => {
      const cells = [...row.querySelectorAll('td, [role="cell"], [role="gridcell"]')].map(
        (cell) => cell.textContent?.trim() ?? "",
      );
      const id = cells.find((text) => /^step-\d+$/.test(text));
      const status = cells.find((text) => words.includes(text));
      return id === undefined || status === undefined ? [] : [`${id} ${status}`];
    });
    return {
      seq: Number(/seq ([\d,]+)/.exec(line)?.[1]?.replaceAll(",", "") ?? "0"),
      state: /live|catching up|offline/.exec(line)?.[0] ?? "",
      steps,
    };
  }, STEP_STATUSES);
}

/** Resolves when the page is live, at this event or behind it. */
async function rightAt(page: Page, newest: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const line = document.querySelector(".status-line")?.textContent ?? "";
      const seq = Number(/seq ([\d,]+)/.exec(line)?.[1]?.replaceAll(",", "") ?? "0");
      return seq >= wanted && /live|catching up|offline/.exec(line)?.[0] === "live";
    },
    newest,
    { polling: 100, timeout: 60_000 },
  );
}

describe.skipIf(NO_BROWSER !== undefined)("pages of a server that is killed", () => {
  test(`B1, T18: ${KILLS} kills under ${PAGES} pages`, async () => {
    using rig = new Rig({ under: mkdtempSync(path.join(tmpdir(), "killed-")) });
    rig.plan({
      name: "restless",
      maxConcurrency: 8,
      // Runs, fails and waits to run again for as long as the test takes.
      steps: Array.from({ length: STEPS }, (_, at) => ({
        id: `step-${at}`,
        run: `sleep 1.${(at % 7) + 2}; exit 1`,
        retry: { attempts: 1000, delay: `${1500 + at * 170}ms`, factor: 1 },
      })),
    });
    const engine = rig.spawn(["run", "--output", "quiet"], { timeoutMs: 3_600_000 });
    const server = await KilledServer.start(rig);
    const client = connect({ url: server.url, token: server.token });
    const { project } = (await client.projects.list()).items[0] ?? { project: "" };
    let run = "";
    await until(async () => {
      run = (await client.project(project).runs.list()).runs[0]?.run ?? "";
      return run !== "";
    });
    const session = { token: server.token, authority: "act", expiresAt: Date.now() + 86_400_000 };
    const watched = await watchedPage(server.url, { "heddle.session": JSON.stringify(session) });
    watched.expectFault(/ERR_CONNECTION|WebSocket connection|Failed to load resource/);
    const pages = [watched.page];
    while (pages.length < PAGES) pages.push(await watched.context.newPage());
    for (const page of pages) await page.goto(`${server.url}/p/${project}/runs/${run}?view=steps`);

    const seen = new Map<number, Set<string>>();
    const note = ({ seq, steps }: Seen): void => {
      if (seq > 0 && steps.length > 0) seen.set(seq, (seen.get(seq) ?? new Set()).add(steps.join("\n")));
    };
    const latest: number[] = [];
    let late = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await server.kill();
      note(await seenBy(pages[kill % PAGES] as Page));
      await server.start();
      const started = performance.now();
      const { seq: newest } = await client.project(project).runs.get(run, { fields: ["seq"] });
      let isRight = false;
      const right = Promise.all(pages.map((page) => rightAt(page, newest))).then(() => (isRight = true));
      // One page at a time is read meanwhile: to read them all over and over is more work than they have.
      for (let at = kill; !isRight; at++) note(await seenBy(pages[at % PAGES] as Page));
      await right;
      const took = performance.now() - started;
      latest.push(took);
      if (took > RIGHT_WITHIN_MS) late++;
      for (const page of pages) note(await seenBy(page));
    }
    await watched.context.close();
    const states = statesAt(await history(client.project(project), run), [...seen.keys()]);
    engine.kill("SIGTERM");
    await engine.done;
    await server.kill();

    const wrong = [...seen].flatMap(([seq, shown]) =>
      [...shown].filter((one) => !isPart(one, states.get(seq) ?? new Map())),
    );
    expect(seen.size).toBeGreaterThan(KILLS / 2);
    latest.sort((one, other) => one - other);
    report(
      `B1/T18 pages: ${KILLS} kills under ${PAGES} pages, ${seen.size} events looked at, ${wrong.length} states that were not, ` +
        `${late} later than ${RIGHT_WITHIN_MS / 1000} s; all right after ${Math.round(latest[Math.floor(latest.length / 2)] ?? 0)} ms (median), ` +
        `${Math.round(latest.at(-1) ?? 0)} ms (most)`,
    );
    expect(wrong).toEqual([]);
    expect(late).toBe(0);
  });
});

async function history(
  project: ReturnType<ReturnType<typeof connect>["project"]>,
  run: string,
): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await project.runs.events(run, { after });
    events.push(...(page.items as readonly RunEvent[]));
    after = page.next;
  }
  return events;
}

/** Statuses by id after each of these events, folded here and not by the server. */
function statesAt(
  events: readonly RunEvent[],
  seqs: readonly number[],
): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const wanted = new Set(seqs);
  const follower = new RunFollower(true);
  const found = new Map<number, ReadonlyMap<string, string>>();
  for (const event of events) {
    follower.add(event as never);
    if (!wanted.has(event.seq)) continue;
    follower.patch();
    found.set(event.seq, new Map(follower.snapshot()?.steps.map(({ id, status }) => [id, status])));
  }
  return found;
}

function isPart(shown: string, state: ReadonlyMap<string, string>): boolean {
  return shown.split("\n").every((line) => {
    const [id = "", status] = line.split(" ");
    return state.get(id) === status;
  });
}
