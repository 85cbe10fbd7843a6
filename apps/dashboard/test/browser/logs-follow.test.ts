/** B4: a log that is written is followed, and the reader's place is theirs: nothing that comes, goes or is lost takes it away. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, NO_BROWSER, shot } from "../support/browser.ts";
import { Cable, drawn, inView, list, Mouth, numbered, sees } from "../support/log-page.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("B4: a log that is written", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A run whose steps say what the test says. */
  async function speaking(...names: readonly string[]): Promise<{
    readonly run: string;
    readonly mouths: readonly Mouth[];
  }> {
    const mouths = names.map((name) => new Mouth(stage, name));
    const run = await stage.start({
      name: "speaking",
      maxConcurrency: names.length,
      steps: names.map((name) => ({ id: name, run: `cat ${name}` })),
    });
    return { run, mouths };
  }

  const following = (page: Page): Promise<void> => page.getByText("Following", { exact: true }).waitFor();
  const stopped = (page: Page): Promise<void> =>
    page
      .getByRole("button", { name: /^Follow$|new lines?$/ })
      .first()
      .waitFor();

  test("is shown whole, and its end followed; the reader stops it by scrolling, selecting and searching, and begins it again at the end", async () => {
    const { run, mouths } = await speaking("follow");
    const [mouth] = mouths as readonly [Mouth];
    mouth.say(numbered(500));
    await using watched = await stage.page(`/p/shop/runs/${run}?view=logs&step=follow`);
    const { page, faults } = watched;
    await sees(page, "line 500");
    await following(page);
    mouth.say(numbered(100, 501));
    await sees(page, "line 600");
    expect((await inView(page))[1]).toBe(600);

    // All of it is there, not only what came since.
    await list(page).hover();
    await page.mouse.wheel(0, -3000);
    await stopped(page);
    await drawn(page);
    const place = await inView(page);
    expect(place[0]).toBeLessThan(500);
    mouth.say(numbered(400, 601));
    await page.getByRole("button", { name: "400 new lines" }).waitFor();
    expect(await inView(page)).toEqual(place);

    // Down to the end by hand.
    for (let turns = 0; turns < 20; turns++) await page.mouse.wheel(0, 2000);
    await following(page);
    mouth.say(numbered(1, 1001));
    await sees(page, "line 1001");

    // Selecting.
    const row = list(page).getByText("line 995", { exact: true });
    await row.dblclick({ position: { x: 8, y: 8 } });
    await stopped(page);
    mouth.say(numbered(200, 1002));
    await page.getByRole("button", { name: "200 new lines" }).waitFor();
    expect(await row.isVisible()).toBe(true);
    expect(await page.evaluate(() => String(document.getSelection()))).toBe("line");
    await page.keyboard.press("End");
    await following(page);
    await sees(page, "line 1201");

    // Searching.
    await page.keyboard.press("/");
    await page.keyboard.type("line 12");
    await page.keyboard.press("Enter");
    await stopped(page);
    await page.getByText(/of \d+ lines$/).waitFor();
    const found = await inView(page);
    mouth.say(numbered(300, 1202));
    await page.getByRole("button", { name: "300 new lines" }).waitFor();
    expect(await inView(page)).toEqual(found);
    // What has come is searched too: 12, 120 to 129, 1200 to 1299.
    await page.getByText(/of 111 lines$/).waitFor();
    await page.getByRole("button", { name: "300 new lines" }).click();
    await following(page);
    await sees(page, "line 1501");

    mouth.close();
    await stage.settled(run);
    await page.getByText("Following", { exact: true }).waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: "Find failures" }).isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  test("keeps its place over a lost connection, another part of the page and another size of the window", async () => {
    const { run, mouths } = await speaking("kept");
    const [mouth] = mouths as readonly [Mouth];
    mouth.say(numbered(2000));
    await using watched = await stage.page("/settings");
    const cable = await Cable.of(watched.context);
    await watched.page.goto(`/p/shop/runs/${run}?view=logs&step=kept`);
    const { page } = watched;
    await sees(page, "line 2000");
    await list(page).focus();
    for (let turns = 0; turns < 10; turns++) await page.keyboard.press("PageUp");
    await stopped(page);
    await drawn(page);
    const place = await inView(page);
    expect(place[1]).toBeLessThan(1900);

    await cable.pull();
    await page.getByText(/^offline since/).waitFor();
    mouth.say(numbered(500, 2001));
    expect(await inView(page)).toEqual(place);
    await cable.plug();
    await page.getByRole("button", { name: "500 new lines" }).waitFor();
    expect(await inView(page)).toEqual(place);

    await page
      .getByRole("navigation", { name: "Parts of the run" })
      .getByRole("link", { name: "Steps", exact: true })
      .click();
    await list(page).waitFor({ state: "detached" });
    await page
      .getByRole("navigation", { name: "Parts of the run" })
      .getByRole("link", { name: "Logs", exact: true })
      .click();
    await sees(page, `line ${place[0]}`);
    expect(await inView(page)).toEqual(place);
    await page.reload();
    await sees(page, `line ${place[0]}`);
    expect(await inView(page)).toEqual(place);

    await page.setViewportSize({ width: 1000, height: 600 });
    await drawn(page);
    expect((await inView(page))[0]).toBe(place[0]);
    await page.keyboard.press("End");
    await following(page);
    await page.setViewportSize({ width: 1200, height: 900 });
    await drawn(page);
    expect((await inView(page))[1]).toBe(2500);
    // The browser itself says of a lost connection what was tried.
    watched.expectFault(/ERR_INTERNET_DISCONNECTED|WebSocket/);
  });

  test("is followed to its last line, though that comes when the step has ended", async () => {
    const { run, mouths } = await speaking("last");
    const [mouth] = mouths as readonly [Mouth];
    mouth.say(numbered(500));
    await using watched = await stage.page("/settings");
    const { page, context, faults } = watched;
    // What is written comes to the page by its requests alone.
    await context.routeWebSocket(/\/api\/stream$/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) =>
        /^\{"type":"(?:bytes|end)"/.test(String(message)) ? undefined : socket.send(message),
      );
    });
    await page.goto(`/p/shop/runs/${run}?view=logs&step=last`);
    await sees(page, "line 500");
    await following(page);
    mouth.say(numbered(500, 501));
    mouth.close();
    await stage.settled(run);
    await sees(page, "line 1000");
    expect(faults).toEqual([]);
  });

  test("goes on at its end when it is written too fast to be followed, and can be read whole", async () => {
    const { run, mouths } = await speaking("fast");
    const [mouth] = mouths as readonly [Mouth];
    mouth.say("first\n");
    await using watched = await stage.page(`/p/shop/runs/${run}?view=logs&step=fast`);
    const { page, faults } = watched;
    await sees(page, "first");
    for (let part = 0; part < 40; part++) mouth.say(numbered(1000, part * 1000 + 1));
    await sees(page, "line 40000");
    await page.getByLabel(/^Line to go to/).fill("20001");
    await page.keyboard.press("Enter");
    await sees(page, "line 20000");
    await list(page).focus();
    await page.keyboard.press("Home");
    await sees(page, "first");
    expect(faults).toEqual([]);
  });

  test("of all steps that run at once is one list, with where each line comes from", async () => {
    const { run, mouths } = await speaking("api", "web");
    const [api, web] = mouths as readonly [Mouth, Mouth];
    await using watched = await stage.page(`/p/shop/runs/${run}?view=logs`);
    const { page, faults } = watched;
    api.say("api begins\n");
    await sees(page, "api begins");
    web.say("web begins\n");
    await sees(page, "web begins");
    api.say("api goes on\n");
    await sees(page, "api goes on");
    expect(await page.locator(".log-row").allTextContents()).toEqual([
      "apiapi begins",
      "webweb begins",
      "apiapi goes on",
    ]);
    await following(page);
    await shot(page, "logs-running-1440-light");
    expect(await accessibilityFaults(page)).toEqual([]);
    web.say("red\n".repeat(3));
    await page.keyboard.press("/");
    await page.keyboard.type("red");
    await page.getByText("1 of 3 lines").waitFor();
    await list(page).getByText("web", { exact: true }).first().click();
    await page.waitForURL(/step=web/);
    await sees(page, "web begins");
    for (const mouth of mouths) mouth.close();
    await stage.settled(run);
    expect(faults).toEqual([]);
  });
});
