/** Keyboard of the tests: goes through a page as somebody without a pointer does. */
import type { Locator, Page } from "playwright-core";

/** Presses Tab until the element has the focus. */
export async function tabTo(page: Page, target: Locator, most = 60): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < most; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${String(target)}`);
}
