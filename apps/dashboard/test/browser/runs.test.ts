/** Runs and inbox in a browser: found, started, answered, compared, by keyboard, live over several projects. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rig } from "../../../../packages/heddle/test/support/command-line.ts";
import { KilledServer } from "../../../../packages/heddle/test/support/killed-server.ts";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot, watchedPage } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("in a browser", () => {
  let stage: Stage;
  const runs: string[] = [];
  beforeAll(async () => {
    stage = await Stage.open({ projects: ["shop", "web"] });
    const steps = [
      { id: "build", run: "true" },
      { id: "lint", run: "exit 1", optional: true },
      { id: "publish", run: "true", deps: ["build"] },
    ];
    runs.push(await stage.run({ name: "nightly", failure: "continue", steps }));
    runs.push(await stage.run({ name: "nightly", steps: steps.toSpliced(1, 1) }));
    const rest = ["docs", "tag", "announce"].map((id) => ({ id, run: "true", deps: ["sign"] }));
    const sign = { id: "sign", approve: "Sign the release of 1 December?", deps: ["build"] };
    runs.push(await stage.run({ name: "release", steps: [steps[0], sign, ...rest] }));
    stage.write(
      "heddle.json",
      JSON.stringify({
        name: "deploy",
        params: { env: { type: "string" } },
        steps: [{ id: "ship", run: "echo $TO", env: { TO: "${{ params.env }}" } }],
      }),
    );
    stage.write("broken/heddle.json", JSON.stringify({ steps: [{ id: "a", run: "true", deps: ["nowhere"] }] }));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  describe.each(LOOKS)("$theme, $width px", ({ theme, width }) => {
    test("T24, T26: the runs and the inbox have no fault that axe or the console knows", async () => {
      await using watched = await stage.page("/", { theme, width });
      const { page, faults } = watched;
      await page.getByRole("link", { name: "release" }).waitFor();
      await page.getByRole("img", { name: "2 succeeded, 1 failed" }).first().waitFor();
      await shot(page, `runs-page-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.getByRole("button", { name: "Start a run" }).click();
      await page.getByText("deploy, 1 step").waitFor();
      await shot(page, `runs-start-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.goto("/inbox");
      await page.getByText("Sign the release of 1 December?").waitFor();
      await shot(page, `inbox-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    });
  });

  test("T23: a plan is started by keyboard: what is wrong with it is said before, its parameters are given, its page opens", async () => {
    await using watched = await stage.page("/p/shop");
    const { page, faults } = watched;
    await page.getByRole("link", { name: "release" }).waitFor();
    await page.keyboard.press("s");
    const dialog = page.getByRole("dialog", { name: "Start a run" });
    const plan = dialog.getByLabel("Plan");
    await dialog.getByText("deploy, 1 step").waitFor();
    expect(await plan.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.type("broken");
    await dialog.getByText(/nowhere/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    // Refused when it is asked for all the same, with the same words.
    await dialog.getByRole("button", { name: "Start", exact: true }).focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("alert").waitFor();
    await dialog.getByText(/nowhere/).waitFor();
    await plan.focus();
    await page.keyboard.type("another");
    await dialog.getByLabel("Path").focus();
    await page.keyboard.type("heddle.json");
    await dialog.getByText("deploy, 1 step").waitFor();
    await dialog.getByLabel("env").focus();
    await page.keyboard.press("Enter");
    await dialog.getByText("needs a value").waitFor();
    await page.keyboard.type("staging");
    await dialog.getByLabel("Workers").focus();
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "deploy" }).waitFor();
    const [newest] = (await stage.project().runs.list({ plan: "deploy" })).runs;
    expect(page.url()).toBe(`${stage.server.url}/p/shop/runs/${newest?.run}`);
    await stage.settled(newest?.run ?? "");
    expect(await stage.project().runs.get(newest?.run ?? "", { fields: ["status"] })).toMatchObject({
      status: "succeeded",
    });
    expect(faults).toEqual([]);
  });

  test("T25: what is found stands in the address, in the words of the command line; a word that is none is named", async () => {
    await using watched = await stage.page("/?q=plan:nightly%20status:succeeded");
    const { page, faults } = watched;
    const rows = page.locator(".run-row");
    await rows.nth(1).waitFor();
    expect(await rows.count()).toBe(2);
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("status:done");
    await page.getByText("no run has the status done").waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("status:waiting");
    await page.getByRole("link", { name: "release" }).waitFor();
    expect(await rows.count()).toBe(1);
    expect(new URL(page.url()).searchParams.get("q")).toBe("status:waiting");
    await page.reload();
    await page.getByRole("link", { name: "release" }).waitFor();
    expect(await page.getByLabel("Find runs").inputValue()).toBe("status:waiting");
    await page.getByLabel("Find runs").fill("nothing like this");
    await page.getByRole("heading", { name: "No such runs" }).waitFor();
    expect(faults).toEqual([]);
  });

  test("two runs of a project are compared; new runs wait above until they are asked for", async () => {
    await using watched = await stage.page("/p/shop?q=nightly");
    const { page, faults } = watched;
    const rows = page.locator(".run-row");
    await rows.nth(1).waitFor();
    const compare = page.getByRole("button", { name: /^Compare/ });
    expect(await compare.getAttribute("aria-disabled")).toBe("true");
    await rows.nth(0).getByRole("checkbox").check();
    await rows.nth(1).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Compare 2 of 2" }).waitFor();
    expect(await compare.getAttribute("aria-disabled")).toBe(null);
    const before = await rows.allInnerTexts();
    const run = await stage.run({ name: "nightly", steps: [{ id: "a", run: "true" }] });
    await page.getByRole("button", { name: "1 new" }).waitFor();
    expect((await rows.allInnerTexts()).map((text) => text.split("\t")[3])).toEqual(
      before.map((text) => text.split("\t")[3]),
    );
    await page.locator("h1").click();
    await page.keyboard.press("n");
    await rows.nth(2).waitFor();
    expect(await rows.nth(0).innerText()).toContain(run.slice(0, 8));
    await compare.click();
    await page.waitForURL(new RegExp(`/p/shop/compare/${runs[1]}/${runs[0]}$`));
    expect(faults).toEqual([]);
  });

  test("B9, T23: what waits is approved from the inbox by keyboard; the journal settles it, and title, count and strip follow", async () => {
    await using watched = await stage.page("/inbox");
    const { page, faults } = watched;
    await page.getByText("Sign the release of 1 December?").waitFor();
    expect(await page.title()).toBe("1 needs you · Inbox · heddle");
    const icon = (): Promise<string> => page.locator('link[rel="icon"]').evaluate((link: HTMLLinkElement) => link.href);
    const needed = await icon();
    await page.keyboard.press("j");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("sign");
    await page.keyboard.press("a");
    await page.getByText("Settled").waitFor();
    await page.waitForFunction(() => document.title === "Inbox · heddle");
    expect(await icon()).not.toBe(needed);
    await stage.settled(runs[2] ?? "");
    expect(await stage.project().runs.get(runs[2] ?? "", { fields: ["status"] })).toMatchObject({
      status: "succeeded",
    });
    await page.goto("/");
    await page.getByRole("link", { name: "release" }).waitFor();
    expect(await page.getByRole("region", { name: "Needs you" }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("B9: items of the inbox do not move: a new one waits above, and one that is answered elsewhere stays as settled", async () => {
    const asking = (name: string, behind: number): Record<string, unknown> => ({
      name,
      steps: [
        { id: "ok", approve: `${name}?` },
        ...Array.from({ length: behind }, (_, at) => ({ id: `s${at}`, run: "true", deps: ["ok"] })),
      ],
    });
    const first = await stage.run(asking("first", 2));
    const other = await stage.run(asking("other", 1));
    await using watched = await stage.page("/inbox");
    const { page, faults } = watched;
    const texts = async (): Promise<readonly string[]> =>
      (await page.locator(".inbox-question").allInnerTexts()).map((text) => text.replace(/^approval:\s*/, ""));
    await page.getByText("other?").waitFor();
    const second = await stage.run(asking("second", 5));
    await page.getByRole("button", { name: "1 new" }).waitFor();
    expect(await texts()).toEqual(["first?", "other?"]);
    await stage.project().steps.approve(first, "ok");
    await page.getByText("Settled").waitFor();
    expect(await texts()).toEqual(["first?", "other?"]);
    await page.getByRole("button", { name: "1 new" }).click();
    await page.locator(".inbox-question").getByText("second?").waitFor();
    expect(await texts()).toEqual(["second?", "other?"]);
    await page.getByLabel("Comment").first().fill("not today");
    await page.getByRole("button", { name: "Reject" }).first().click();
    await page.getByText("Settled").waitFor();
    await stage.settled(second);
    expect((await stage.project().steps.get(second, "ok")).step.status).toBe("failed");
    await stage.project().runs.cancel(other);
    expect(faults).toEqual([]);
  });

  test("a session that may only look says so at every answer, and acts on nothing", async () => {
    const run = await stage.run({ name: "held", steps: [{ id: "ok", approve: "Held?" }] });
    await using watched = await stage.page("/inbox", { grant: "read" });
    const { page, faults } = watched;
    const item = page.getByRole("listitem").filter({ hasText: "Held?" });
    const approve = item.getByRole("button", { name: "Approve" });
    expect(await approve.getAttribute("title")).toContain("may only look");
    await approve.click({ force: true });
    expect((await stage.project().steps.get(run, "ok")).step.status).toBe("needs-approval");
    await stage.project().runs.cancel(run);
    expect(faults).toEqual([]);
  });

  test("notifications come by choice alone: one for each new question while the page is out of sight", async () => {
    await using watched = await stage.page("/settings");
    const { page, context, faults } = watched;
    // A browser without windows shows none: what would be shown is noted.
    await context.addInitScript(() => {
      const said: string[] = [];
      class Noted extends EventTarget {
        static permission = "default";
        static requestPermission = async (): Promise<string> => (Noted.permission = "granted");
        constructor(title: string, options: { readonly body: string }) {
          super();
          said.push(`${title} | ${options.body}`);
        }
      }
      Object.assign(globalThis, { Notification: Noted, said });
      Object.defineProperty(document, "hidden", { get: () => true });
    });
    await page.reload();
    const said = (): Promise<unknown> => page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    const asking = (name: string): Record<string, unknown> => ({ name, steps: [{ id: "ok", approve: `${name}?` }] });
    await page.getByText("live", { exact: true }).waitFor();
    const first = await stage.run(asking("unheard"));
    await page.getByRole("link", { name: "Needs you 1 waiting" }).waitFor();
    expect(await said()).toEqual([]);
    const choice = page.getByLabel("Notify me outside of the page when somebody is needed");
    await choice.check();
    const second = await stage.run(asking("heard"));
    await page.waitForFunction(() => (globalThis as unknown as { said: string[] }).said.length > 0);
    expect(await said()).toEqual(["shop / heard: approval | heard?"]);
    for (const run of [first, second]) await stage.project().runs.cancel(run);
    await page.getByRole("link", { name: "Needs you", exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  test("T19b: tabs of one browser are all live, and what is asked in one is seen in all", async () => {
    const run = await stage.run({ name: "shared", steps: [{ id: "ok", approve: "Shared?" }] });
    await using watched = await stage.page("/inbox");
    const { page, context, faults } = watched;
    const pages = [page];
    // More than the connections that a browser opens to one server over HTTP.
    while (pages.length < 7) pages.push(await context.newPage());
    await Promise.all(pages.slice(1).map((one) => one.goto("/inbox")));
    for (const one of pages) {
      await one.getByText("live", { exact: true }).waitFor();
      await one.locator(".inbox-question").getByText("Shared?").waitFor();
    }
    const item = (one: typeof page) => one.getByRole("listitem").filter({ hasText: "Shared?" });
    await item(pages[6] ?? page)
      .getByRole("button", { name: "Approve" })
      .click();
    for (const one of pages) await item(one).getByText("Settled").waitFor();
    await stage.settled(run);
    expect(faults).toEqual([]);
  });

  test("a run that nobody works on goes on with its answer: from the inbox, and from the step", async () => {
    using rig = new Rig();
    rig.plan({
      name: "left",
      steps: [
        { id: "one", approve: "One?" },
        { id: "two", approve: "Two?", deps: ["one"] },
        { id: "z", run: "true", deps: ["two"] },
      ],
    });
    expect((await rig.heddle(["run"])).code).toBe(3);
    const server = await KilledServer.start(rig);
    const session = { token: server.token, authority: "act", expiresAt: Date.now() + 3_600_000 };
    await using watched = await watchedPage(server.url, { "heddle.session": JSON.stringify(session) });
    const { page, faults } = watched;
    await page.goto("/inbox");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.locator(".inbox-question").getByText("Two?").waitFor();
    await page.getByRole("link", { name: "two", exact: true }).click();
    const panel = page.getByRole("complementary", { name: "Step two" });
    await panel.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("region", { name: "The run" }).getByText("succeeded").waitFor();
    expect(faults).toEqual([]);
    await server.kill();
  });

  test("B1: a server that dies is said, the last state stays, and when it is back the list is what the command line says", async () => {
    using rig = new Rig();
    rig.plan({
      name: "held",
      steps: [
        { id: "ok", approve: "Go on?" },
        { id: "z", run: "true", deps: ["ok"] },
      ],
    });
    await rig.heddle(["run"]);
    const server = await KilledServer.start(rig);
    const session = { token: server.token, authority: "act", expiresAt: Date.now() + 3_600_000 };
    await using watched = await watchedPage(server.url, { "heddle.session": JSON.stringify(session) });
    // The browser itself says of a lost connection what was tried.
    watched.expectFault(/ERR_CONNECTION|WebSocket connection|Failed to load resource/);
    const { page } = watched;
    await page.goto("/");
    const row = page.locator(".run-row");
    await row.getByText("waiting").waitFor();
    await page.getByRole("region", { name: "Needs you" }).waitFor();
    await server.kill();
    await page.getByText(/offline since \d\d:\d\d/).waitFor();
    expect(await row.getByText("waiting").count()).toBe(1);
    const start = page.getByRole("button", { name: "Start a run" });
    expect(await start.getAttribute("title")).toMatch(/cannot be reached/);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).filter)).toBe("grayscale(1)");
    await rig.heddle(["approve", "ok"]);
    await rig.heddle(["resume"]);
    await server.start();
    await page.getByText("live", { exact: true }).waitFor();
    const { runs: listed } = JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as {
      readonly runs: readonly { readonly status: string }[];
    };
    expect(listed.map(({ status }) => status)).toEqual(["succeeded"]);
    await row.getByText("succeeded").waitFor();
    await page.getByRole("region", { name: "Needs you" }).waitFor({ state: "detached" });
    await server.kill();
  });
});
