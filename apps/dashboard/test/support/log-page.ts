/** Logs in a page: a step that says what a test says, the way to its server that can be cut, and what of a list of lines is seen. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import type { BrowserContext, Page, WebSocketRoute } from "playwright-core";
import type { Stage } from "./stage.ts";

/** A step's output, written by the test: the step copies a named pipe. */
export class Mouth implements Disposable {
  readonly #file: number;
  #isOpen = true;

  constructor(stage: Stage, name: string) {
    const pipe = path.join(stage.dir, "shop", name);
    execFileSync("mkfifo", [pipe]);
    // Both ways: it waits for nobody.
    this.#file = openSync(pipe, "r+");
  }

  say(text: string): void {
    writeSync(this.#file, text);
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The way from a page to its server, that can be cut: Chromium itself keeps open sockets when it is told to be offline. */
export class Cable {
  readonly #context: BrowserContext;
  readonly #sockets = new Set<WebSocketRoute>();
  #isPulled = false;

  private constructor(context: BrowserContext) {
    this.#context = context;
  }

  static async of(context: BrowserContext): Promise<Cable> {
    const cable = new Cable(context);
    await context.routeWebSocket(/\/api\/stream$/, (socket) => {
      if (cable.#isPulled) return void socket.close();
      cable.#sockets.add(socket);
      socket.connectToServer();
    });
    return cable;
  }

  async pull(): Promise<void> {
    this.#isPulled = true;
    await this.#context.setOffline(true);
    for (const socket of this.#sockets) await socket.close();
    this.#sockets.clear();
  }

  async plug(): Promise<void> {
    this.#isPulled = false;
    await this.#context.setOffline(false);
  }
}

export const numbered = (count: number, from = 1): string =>
  Array.from({ length: count }, (_, at) => `line ${from + at}\n`).join("");

/** Numbers of the first and the last line that are whole in the view. */
export async function inView(page: Page): Promise<readonly [first: number, last: number]> {
  return page.evaluate(() => {
    const list = document.querySelector(".log-list")?.getBoundingClientRect();
    const seen = [...document.querySelectorAll<HTMLElement>(".log-row:not(.is-aside)")]
      .filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return list !== undefined && top >= list.top - 1 && bottom <= list.bottom + 1;
      })
      .map((row) => Number(row.dataset["line"]));
    return [seen[0] ?? 0, seen.at(-1) ?? 0] as const;
  });
}

export const list = (page: Page): ReturnType<Page["locator"]> => page.locator(".log-list");

export async function sees(page: Page, text: string): Promise<void> {
  await list(page).getByText(text, { exact: true }).first().waitFor();
}

/** The screen was drawn twice: whatever follows by itself has followed. */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
