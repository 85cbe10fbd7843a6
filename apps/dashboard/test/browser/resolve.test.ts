/** A conflict of two agents is resolved in the page, by keyboard alone; the branch moves only to what was verified. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { AgentsStage } from "../support/agents-stage.ts";
import { accessibilityFaults, NO_BROWSER, shot } from "../support/browser.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { HOSTILE, meet, SHOP } from "../support/orders.ts";

const MODEL = "orders/model.ts";

describe.skipIf(NO_BROWSER !== undefined)("a conflict", () => {
  let stage: AgentsStage;
  let run: string;
  let end: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    stage = await AgentsStage.open(SHOP);
    ({ run, end } = await meet(stage, "grep -q 'page:' orders/model.ts"));
  });
  afterAll(async () => {
    await end?.();
    await stage[Symbol.asyncDispose]();
  });

  const address = (file: string = MODEL): string =>
    `/p/shop/runs/${run}/steps/web-orders/resolve?file=${encodeURIComponent(file)}`;

  const says = async (page: Page, text: string | RegExp): Promise<void> =>
    page.getByRole("region", { name: "Result" }).getByRole("status").getByText(text, { exact: true }).waitFor();

  /** The text as it stands in the editor. */
  const written = async (page: Page): Promise<string> => (await page.locator(".cm-line").allTextContents()).join("\n");

  test.each([1440, 390] as const)(
    "T24, T26: has no fault that axe or the console knows, in both themes: %s px",
    async (width) => {
      await using watched = await stage.stage.page(address(), { width });
      const { page, faults } = watched;
      for (const theme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await says(page, "2 places undecided");
        // As it is written: with its indentation, and apart from the numbers of its lines.
        const ours = page.getByRole("region", { name: "Integration (ours), text" });
        expect(await ours.innerText()).toContain("\n  totalCents: number;\n");
        await shot(page, `resolve-${width}-${theme}`);
        expect(await accessibilityFaults(page)).toEqual([]);
      }
      await page.getByRole("button", { name: "orders/logo.bin" }).click();
      await page.getByText("This is not text").waitFor();
      await shot(page, `resolve-binary-${width}-dark`);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    },
  );

  test("T9: a name and a text that try to be markup, or to turn the order of letters, are shown as what they are", async () => {
    await using watched = await stage.stage.page(address(HOSTILE));
    const { page, faults } = watched;
    await says(page, "1 place undecided");
    const ours = page.getByRole("region", { name: "Integration (ours), text" });
    expect(await ours.textContent()).toContain("<script>pwned=1</script>");
    expect(await ours.textContent()).toContain("U+202E");
    await page.keyboard.press("2");
    await says(page, /^decided/);
    expect(await written(page)).toBe("# <script>pwned=1</script>\nweb U+202EevilU+2066\n");
    await shot(page, "resolve-hostile-1440-light");
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBe(undefined);
    expect(faults).toEqual([]);
  });

  test("who may only look sees everything and decides nothing", async () => {
    await using watched = await stage.stage.page(address(), { grant: "read" });
    const { page, faults } = watched;
    await says(page, "2 places undecided");
    await page.keyboard.press("1");
    await page.getByRole("button", { name: "Take 1" }).click({ force: true });
    await page.keyboard.press("Control+Enter");
    await says(page, "2 places undecided");
    expect(await page.getByRole("button", { name: "Verify and merge" }).getAttribute("title")).toContain("only look");
    expect(faults).toEqual([]);
  });

  test("a reload keeps what is half decided, and who saw an older state hears so", async () => {
    await using first = await stage.stage.page(address());
    await using second = await stage.stage.page(address("orders/list.tsx"));
    const { page } = first;
    await says(page, "2 places undecided");
    await page.keyboard.press("1");
    await says(page, "1 place undecided");
    await page.reload();
    await says(page, "1 place undecided");
    expect(await written(page)).toContain("totalCents");
    // The same file in two pages.
    await says(second.page, "1 place undecided");
    await page.goto(address("orders/list.tsx"));
    await says(page, "1 place undecided");
    await page.keyboard.press("1");
    await says(page, "decided and kept");
    await second.page.keyboard.press("2");
    await second.page.getByText("decided or changed by somebody else").waitFor();
    await says(second.page, "not kept");
    await second.page.getByRole("button", { name: "Read the file again" }).click();
    await says(second.page, "decided and kept");
    expect(await written(second.page)).toContain("${order.currency}");
    expect([...first.faults, ...second.faults]).toEqual([]);
  });

  /** How the file is kept by the server. */
  const kept = async (file: string) => stage.stage.project().work.conflictFile(run, "web-orders", file);

  test.each([
    ["the next file", (page: Page) => page.keyboard.press("n")],
    ["another page", (page: Page) => page.getByRole("link", { name: "heddle" }).first().click()],
    ["another address", (page: Page) => page.goto("/settings")],
  ] as const)("a decision is kept by who moves on at once: to %s", async (_name, leave) => {
    const file = "orders/list.tsx";
    const seen = await kept(file);
    if (seen.state === "stored") await stage.stage.project().work.decide(run, "web-orders", "withdraw", { seen });
    await using watched = await stage.stage.page(address(file));
    const { page, faults } = watched;
    await says(page, "1 place undecided");
    await page.keyboard.press("2");
    await says(page, /^decided/);
    await leave(page);
    await until(async () => (await kept(file)).state === "stored");
    expect(faults).toEqual([]);
  });

  test("a conflict that has moved on since it was seen is not answered, and can be looked at again", async () => {
    await using watched = await stage.stage.page("/settings");
    const { page, context, faults } = watched;
    // As it was before the step asked.
    const conflict = /\/steps\/web-orders\/conflict$/;
    await context.route(conflict, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), seq: 1 } });
    });
    await page.goto(address());
    await says(page, "2 places undecided");
    await page.getByText("One answer for all").click();
    await page.getByRole("button", { name: "Ours everywhere" }).click();
    await page.getByRole("alert").getByText("web-orders has moved on since you looked").waitFor();
    await shot(page, "resolve-moved-on-1440-light");
    await context.unroute(conflict);
    const again = page.waitForResponse((response) => conflict.test(new URL(response.url()).pathname));
    await page.getByRole("button", { name: "Look again" }).click();
    await again;
    await says(page, "2 places undecided");
    expect((await stage.stage.project().steps.get(run, "web-orders")).step.status).toBe("needs-resolution");
    expect(faults).toEqual([]);
  });

  test("who may only look answers nothing where the conflict cannot be read either", async () => {
    await using watched = await stage.stage.page("/settings", { grant: "read" });
    const { page, context } = watched;
    await context.route(/\/steps\/web-orders\/conflict$/, (route) => route.fulfill({ status: 409, json: {} }));
    await page.goto(address());
    await page.getByText("The conflict cannot be shown").waitFor();
    await page.getByText("One answer for all").click();
    const ours = page.getByRole("button", { name: "Ours everywhere" });
    expect(await ours.getAttribute("title")).toContain("only look");
  });

  test("T23: is resolved by keyboard alone: red moves nothing and says why, green merges what the page showed", async () => {
    const before = stage.head(run);
    await using watched = await stage.stage.page(`/p/shop/runs/${run}/steps/web-orders/resolve`);
    const { page, faults } = watched;
    const { keyboard } = page;
    await page.getByText("conflict 1 of 5 · file 1 of 4").waitFor();
    // Or undecided.
    await says(page, /decided/);
    await keyboard.press("1");
    await page.getByText("conflict 1 · ours").waitFor();
    await says(page, "decided and kept");
    await keyboard.press("n");
    await page.getByText("conflict 2 of 5").waitFor();
    await says(page, /decided/);
    await keyboard.press("1");
    await page.getByText("conflict 1 · ours").waitFor();
    await says(page, "decided and kept");
    await keyboard.press("n");
    await page.getByText("This is not text").waitFor();
    await keyboard.press("2");
    await page.getByText("theirs is taken").waitFor();
    await keyboard.press("n");
    await page.getByText("conflict 4 of 5 · file 4 of 4").waitFor();
    await says(page, "2 places undecided");
    await keyboard.press("1");
    await keyboard.press("n");
    await says(page, "1 place undecided");
    await page.getByText("conflict 5 of 5").waitFor();
    await keyboard.press("1");
    await says(page, /^decided/);
    // Where it is not kept yet, that comes first.
    await keyboard.press("Control+Enter");
    await page.getByText("The last decision failed verification").waitFor();
    expect(stage.head(run)).toBe(before);
    expect(await page.getByRole("region", { name: "What the verification printed" }).textContent()).toContain("grep");
    await says(page, "decided and kept");
    await shot(page, "resolve-red-1440-light");
    expect(await accessibilityFaults(page)).toEqual([]);
    // The first place of the model, both sides; then a word by hand.
    await page.getByText("conflict 5 of 5").waitFor();
    await keyboard.press("p");
    await page.getByText("conflict 4 of 5").waitFor();
    await says(page, "decided and kept");
    await keyboard.press("3");
    await page.getByText("conflict 1 · both, ours first").waitFor();
    // Into the text by Tab, out of it by Escape; letters are letters meanwhile.
    const isInText = (): Promise<boolean> =>
      page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute("role") === "textbox");
    for (let tabs = 0; tabs < 40 && !(await isInText()); tabs++) await keyboard.press("Tab");
    expect(await isInText()).toBe(true);
    await keyboard.press("Control+End");
    await keyboard.type("// 1 n 3 p 2\n");
    await keyboard.press("Escape");
    expect(await isInText()).toBe(false);
    await says(page, "decided and kept");
    const shown = await written(page);
    expect(shown).toContain("totalCents: number;\n  currency: Currency;\n  total: number;\n  page: PageCursor;");
    await shot(page, "resolve-decided-1440-light");
    await keyboard.press("Control+Enter");
    await page.getByRole("heading", { name: "web-orders is merged" }).waitFor();
    await shot(page, "resolve-merged-1440-light");
    expect(stage.merged(run, MODEL)).toBe(shown);
    expect(shown.endsWith("// 1 n 3 p 2\n")).toBe(true);
    expect(stage.merged(run, "orders/logo.bin")).toBe("\0web");
    expect(stage.merged(run, HOSTILE)).toContain("api");
    expect(stage.head(run)).not.toBe(before);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
