/** B5, S16: logs in the page: opened at any line, searched whole, copied as text, and harmless whatever is in them. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { drawn, inView, list, numbered, sees } from "../support/log-page.ts";
import { Stage } from "../support/stage.ts";

const MARKUP = `<img src=x onerror=globalThis.pwned=1><script>globalThis.pwned=1</script>`;
/** Whatever a program may print to do something to who reads it. */
const HOSTILE = Buffer.concat(
  [
    `${MARKUP}\n`,
    "\u001b]0;title\u0007\u001b]52;c;cm0=\u0007\u001b]8;;javascript:globalThis.pwned=1\u001b\\link\u001b]8;;\u001b\\\n",
    "\u001b[2J\u001b[1;1H\u001b[31mred\u001b[9999999999A\u001b[?1049h\n",
    "still red\u001b[0m\n",
    "a\u0000b\u0007c\u202Ed\u2066e\n",
    Buffer.from([0x66, 0xff, 0xfe, 0xc3, 0x28, 0x9b, 0x33, 0x31, 0x6d, 0x0a]),
    `${"10 %\r".repeat(100_000)}100 %\r\n`,
    `${"x".repeat(1_100_000)}\n`,
    `${"\u001b[31mx\u001b[32my".repeat(3000)}\n`,
    "\u001b]0;never ends and ever\n",
    "after all\n",
  ].map((part) => (typeof part === "string" ? Buffer.from(part) : part)),
);

/** What a copy puts into the clipboard. */
async function copied(page: Page): Promise<string> {
  await page.evaluate(() => {
    document.addEventListener(
      "copy",
      (event) => (document.documentElement.dataset["copied"] = event.clipboardData?.getData("text/plain") ?? ""),
      { once: true },
    );
  });
  await page.keyboard.press("Control+c");
  return page.evaluate(() => document.documentElement.dataset["copied"] ?? "");
}

describe.skipIf(NO_BROWSER !== undefined)("logs", () => {
  let stage: Stage;
  let written: string;
  beforeAll(async () => {
    stage = await Stage.open();
    stage.write("hostile.bin", HOSTILE);
    written = await stage.run({
      name: "logs",
      failure: "continue",
      steps: [
        { id: "long", run: "seq -f 'line %.0f' 1 5000" },
        { id: "red", run: "printf '\\033[31mred\\033[0m and \\033[1;44mbold on blue\\033[0m\\n10 %%\\r100 %%\\n'" },
        {
          id: "broken",
          run: "seq -f 'step %.0f' 1 300; echo 'error: it broke'; seq 1 40; echo 'TypeError: no'; exit 1",
        },
        { id: "silent", run: "true" },
        { id: "hostile", run: "cat hostile.bin" },
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const address = (step: string, more = ""): string => `/p/shop/runs/${written}?view=logs&step=${step}${more}`;

  test("a log that is written opens at its beginning, a failed one at its end; both ends are reached by keys", async () => {
    await using watched = await stage.page(address("long"));
    const { page, faults } = watched;
    await sees(page, "line 1");
    await list(page).focus();
    await page.keyboard.press("End");
    await sees(page, "line 5000");
    expect((await inView(page))[1]).toBe(5000);
    await page.keyboard.press("PageUp");
    await drawn(page);
    const [first, last] = await inView(page);
    expect([last < 5000, first > 4800]).toEqual([true, true]);
    await page.keyboard.press("Home");
    await sees(page, "line 1");
    await page.goto(address("broken"));
    await sees(page, "TypeError: no");
    expect(faults).toEqual([]);
  });

  test("a log is searched whole, by text and pattern, and its hits are gone through by keys", async () => {
    await using watched = await stage.page(address("long"));
    const { page, faults } = watched;
    await sees(page, "line 1");
    await page.keyboard.press("/");
    await page.keyboard.type("LINE 49");
    await page.getByText("1 of 111 lines").waitFor();
    await sees(page, "line 49");
    expect(new URL(page.url()).searchParams.get("find")).toBe("LINE 49");
    await page.keyboard.press("Enter");
    await page.getByText("2 of 111 lines").waitFor();
    await sees(page, "line 490");
    await page.keyboard.press("Escape");
    await page.getByText("of 111 lines").waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Regular expression" }).click();
    await page.keyboard.press("/");
    await page.keyboard.type("^line .9.9$");
    await page.getByText(/of 40 lines/).waitFor();
    await list(page).focus();
    for (let turns = 0; turns < 9; turns++) await page.keyboard.press("n");
    await page.getByText("10 of 40 lines").waitFor();
    expect(await page.locator(".is-current .log-hit").textContent()).toMatch(/^line .9.9$/);
    await page.keyboard.press("N");
    await page.getByText("9 of 40 lines").waitFor();

    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("(a+)+$");
    await page
      .getByRole("alert")
      .getByText(/could take too long/)
      .waitFor();
    await page.getByRole("button", { name: "Regular expression" }).click();
    await page.getByRole("button", { name: "Large and small letters differ" }).click();
    await page.getByText("not in the log").waitFor();
    expect(faults).toEqual([]);
  });

  test("lines have addresses: opened by them, chosen by their numbers", async () => {
    await using watched = await stage.page(address("long", "&line=2500-2502"));
    const { page, faults } = watched;
    await sees(page, "line 2501");
    const chosen = (): Promise<readonly string[]> => page.locator(".is-chosen .log-text").allTextContents();
    expect(await chosen()).toEqual(["line 2500", "line 2501", "line 2502"]);
    await page.locator('[data-line="2498"] .log-gutter').click();
    await page.waitForURL(/line=2498(?:&|$)/);
    await page.locator('[data-line="2499"] .log-gutter').click({ modifiers: ["Shift"] });
    await page.waitForURL(/line=2498-2499/);
    await list(page).focus();
    expect(await copied(page)).toBe("line 2498\nline 2499");
    await page.goto(`${address("long")}#L4000-4001`);
    await sees(page, "line 4000");
    await page.waitForURL(/line=4000-4001$/);
    expect(await chosen()).toEqual(["line 4000", "line 4001"]);
    await page.getByLabel(/^Line to go to/).fill("7");
    await page.keyboard.press("Enter");
    await sees(page, "line 7");
    await page.reload();
    await sees(page, "line 7");
    expect(faults).toEqual([]);
  });

  test("what is selected is copied as text, also where it is not on the page any more", async () => {
    await using watched = await stage.page(address("red"));
    const { page, context, faults } = watched;
    await list(page).focus();
    await page.keyboard.press("Control+a");
    await page.waitForURL(/line=1-2/);
    expect(await copied(page)).toBe("red and bold on blue\n100 %");

    await page.goto(address("long"));
    await sees(page, "line 1");
    await list(page)
      .getByText("line 1", { exact: true })
      .click({ position: { x: 1, y: 9 } });
    await list(page).hover();
    await page.mouse.wheel(0, 400 * 18 - 200);
    await sees(page, "line 400");
    await list(page)
      .getByText("line 400", { exact: true })
      .click({ position: { x: 1, y: 9 }, modifiers: ["Shift"] });
    expect(await copied(page)).toBe(numbered(399));

    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await list(page).focus();
    await page.keyboard.press("Control+a");
    await page.waitForURL(/line=1-5000/);
    await page.evaluate(() => document.getSelection()?.removeAllRanges());
    await page.keyboard.press("Control+c");
    await page.getByText("Copied 5,000 lines").first().waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(numbered(5000).trimEnd());
    expect(faults).toEqual([]);
  });

  test("a log is downloaded as it is", async () => {
    await using watched = await stage.page(address("hostile"));
    const { page, faults } = watched;
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const file = await (await download).path();
    expect(readFileSync(file).equals(HOSTILE)).toBe(true);
    expect((await download).suggestedFilename()).toMatch(/^\w+-hostile-1\.log$/);
    expect(faults).toEqual([]);
  });

  test("S16, S17: a hostile log is text: nothing acts, nothing is reordered, nothing takes the page away", async () => {
    await using watched = await stage.page(address("hostile"));
    const { page, faults } = watched;
    await sees(page, "after all");
    await page
      .getByText(/more characters$/)
      .first()
      .waitFor();
    const lines = await page.locator(".log-list .log-row .log-text").allTextContents();
    expect(lines.slice(0, 7)).toEqual([
      MARKUP,
      "link",
      "red",
      "still red",
      "abc<U+202E>d<U+2066>e",
      "f\ufffd\ufffd\ufffd(\ufffd31m",
      "100 %",
    ]);
    expect(lines[7]).toMatch(/^x{4096}\d[\d,]* more characters$/);
    expect(lines.slice(9)).toEqual(["0;never ends and ever", "after all"]);
    expect(await page.locator(".log-row").nth(3).locator(".log-f1").textContent()).toBe("still red");
    expect(await page.locator(".log-row").nth(8).locator("span span").count()).toBeLessThan(300);
    await page
      .getByRole("button", { name: /more characters$/ })
      .first()
      .click();
    await page.getByText(/more characters: download the log/).waitFor();
    await page.getByRole("button", { name: "Wrap" }).click();
    await drawn(page);
    expect(
      await page.evaluate(() => [document.title.includes("title"), (globalThis as { pwned?: unknown }).pwned]),
    ).toEqual([false, undefined]);
    await shot(page, "logs-hostile");
    expect(faults).toEqual([]);
  });

  test("where there is no log the page says why", async () => {
    await using watched = await stage.page(`/p/shop/runs/${written}?view=logs&step=nowhere`);
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "There is no such step" }).waitFor();
    await page.goto(address("long", "&attempt=7"));
    await page.getByText("There is no log of attempt 7 of long.").waitFor();
    expect(faults).toEqual([]);
  });

  test.each(LOOKS)("T24: have no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(address("broken", "&find=step&line=296-299"), { theme, width });
    const { page, faults } = watched;
    await page.getByText(/^\d+ of 300 lines$|^300 lines$/).waitFor();
    await page.getByRole("button", { name: "2 failures found" }).click();
    await shot(page, `logs-failures-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await shot(page, `logs-search-${width}-${theme}`);
    await page.goto(address("red"));
    await sees(page, "red");
    await shot(page, `logs-colours-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(address("silent"));
    await page.getByText("Attempt 1 of silent wrote nothing.").waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
