/**
 * T9, T10: names, outputs, errors and logs that try to be markup, script, templates or commands of a terminal are texts in every view, and nothing
 * in the page or its policy reports a thing. Each view is waited for with a hostile text that it shows: one that shows none proves nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { NO_BROWSER, shot } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

const MARKUP = `<img src=x onerror=globalThis.pwned=1><script>globalThis.pwned=1</script>"'\`><svg onload=globalThis.pwned=1>`;
const TEMPLATE = "{{constructor.constructor('globalThis.pwned=1')()}} ${globalThis.pwned=1} %{7*7} <%= 7*7 %>";
const LINK = "javascript:globalThis.pwned=1";
const BIDI = "\u202Eevil\u202C \u2066x\u2069";
/** Ids are bounded in what they may have: what they may is used. */
const IDS = ["img-onerror", "proto", "constructor", "to-string"] as const;
/** How all of the texts begin, as it is seen. */
const SEEN = "<img src=x onerror=globalThis.pwned=1>";
/** In a folder of such a name. */
const PLAN = `${SEEN}${TEMPLATE.replaceAll("/", "")}/heddle.json`;

describe.skipIf(NO_BROWSER !== undefined)("hostile texts", () => {
  let stage: Stage;
  let run: string;
  beforeAll(async () => {
    stage = await Stage.open();
    const shout = `printf '%s\\n' "$TEXT" "$TEXT" >&2; printf '\\033]0;title\\007\\033[2J\\033[31mred\\033[0m \\033]8;;${LINK}\\033\\\\link\\033]8;;\\033\\\\\\n'`;
    const env = { TEXT: `${MARKUP}${TEMPLATE}${BIDI}` };
    run = await stage.run({
      name: `${MARKUP.slice(0, 60)}${BIDI}`,
      description: MARKUP,
      failure: "continue",
      steps: [
        {
          id: IDS[0],
          description: MARKUP,
          run: `${shout}; printf '%s' "$OUTPUT" > "$HEDDLE_OUTPUT"`,
          env: { ...env, OUTPUT: JSON.stringify({ [MARKUP]: `${MARKUP}${TEMPLATE}` }) },
        },
        { id: IDS[1], description: TEMPLATE, run: `${shout}; exit 3`, env },
        { id: IDS[2], description: LINK, approve: `${MARKUP} ${TEMPLATE} ${BIDI}`, deps: [IDS[0]] },
        { id: IDS[3], run: "true", deps: [IDS[1]], group: "g" },
      ],
    });
    stage.write(
      PLAN,
      JSON.stringify({ name: MARKUP, description: TEMPLATE, steps: [{ id: "a", description: MARKUP, run: MARKUP }] }),
    );
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** The page that is open has the text, as a text. */
  const shows = (page: Page, text: string = SEEN): Promise<void> =>
    page.getByRole("main").getByText(text).filter({ visible: true }).first().waitFor();

  test("T9, T10 (CVE-2025-68613): are texts in every part of the run, beside each of its steps", async () => {
    await using watched = await stage.page(`/p/shop/runs/${run}`);
    const { page, faults } = watched;
    const { byStatus } = await stage.project().runs.get(run);
    expect(byStatus).toMatchObject({ succeeded: 1, failed: 1, skipped: 1, "needs-approval": 1 });
    const parts = page.getByRole("navigation", { name: "Parts of the run" }).getByRole("link");
    await parts.first().waitFor();
    for (const [at, part] of (await parts.all()).entries()) {
      const name = (await part.textContent()) ?? "";
      const step = IDS[at % IDS.length] ?? "";
      await part.click();
      const address = new URL(page.url());
      address.searchParams.set("step", step);
      await page.goto(address.href);
      await page.getByRole("heading", { level: 1 }).getByText(SEEN).waitFor();
      await page.getByRole("complementary", { name: `Step ${step}` }).waitFor();
      await shot(page, `hostile-${name.toLowerCase().replaceAll(/\W+/g, "-")}`);
    }
    await page.goto(`/p/shop/runs/${run}?view=steps&step=${IDS[2]}`);
    await shows(page, `${SEEN}<script>`);
    await page.goto(`/p/shop/runs/${run}?view=logs&step=${IDS[1]}`);
    await page.getByRole("main").getByText("{{constructor.constructor(").first().waitFor();
    await page.goto(`/p/shop/runs/${run}?view=plan`);
    await page.getByRole("main").getByText("javascript:globalThis").first().waitFor({ state: "attached" });
    await page.goto(`/p/shop/runs/${run}?view=events&types=run.created&line=1`);
    await page.getByRole("complementary", { name: "Event 1" }).getByText("<script>").first().waitFor();
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test("T9, T10: are texts on every page", async () => {
    await using watched = await stage.page("/");
    const { page, faults } = watched;
    for (const address of ["/", "/inbox", "/p/shop", "/p/shop/plans", `/p/shop/plans/${encodeURIComponent(PLAN)}`]) {
      await page.goto(address);
      await shows(page);
    }
    await page.goto("/?start=new");
    await page.getByRole("option", { name: SEEN }).waitFor({ state: "attached" });
    await page.goto(`/p/shop/compare/${run}/${run}`);
    await page.getByText(IDS[2]).first().waitFor();
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBeUndefined();
    expect(faults).toEqual([]);
  });

  test.each([
    `/p/${encodeURIComponent(MARKUP)}`,
    `/p/shop/runs/${encodeURIComponent(MARKUP)}`,
    `/p/shop/runs/none-such?view=${encodeURIComponent(MARKUP)}&seq=-1&attempt=NaN&line=1e9&status=<b>`,
    `/p/shop/runs/none-such?step=${encodeURIComponent(MARKUP)}`,
    "/p/__proto__/runs/constructor",
    "/nowhere/at/all",
  ])("in the address: %s", async (address) => {
    await using watched = await stage.page("/settings");
    const { page, faults } = watched;
    // By the router: the server answers what is no page with a problem.
    await page.evaluate((to) => {
      history.pushState({}, "", to);
      dispatchEvent(new PopStateEvent("popstate"));
    }, address);
    await page.getByRole("alert").or(page.getByText("Nothing is shown at this address")).first().waitFor();
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBeUndefined();
    expect(faults).toEqual([]);
  });
});
