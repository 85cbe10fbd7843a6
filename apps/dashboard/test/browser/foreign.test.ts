/**
 * T4: pages of other origins against the server, in a browser that is logged in: another port of this machine, and another name for it. They
 * read nothing, do nothing, and are told no secret.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, NO_BROWSER } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

/** What a page of the attacker tries; each gives what it got, or throws. Runs in the browser. */
async function attack(base: string): Promise<readonly string[]> {
  const got: string[] = [];
  const tries: Record<string, () => Promise<unknown>> = {
    fetch: async () => (await fetch(`${base}/api/health`)).text(),
    list: async () => (await fetch(`${base}/api/projects`, { credentials: "include" })).text(),
    page: async () => (await fetch(`${base}/`)).text(),
    header: async () =>
      (
        await fetch(`${base}/api/projects/shop/runs`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: "Bearer x" },
          body: "{}",
        })
      ).text(),
    blind: async () => {
      await fetch(`${base}/api/projects/shop/runs`, {
        method: "POST",
        mode: "no-cors",
        body: JSON.stringify({ plan: { name: "blind", steps: [] } }),
      });
      // Whether it was sent is no gain: its answer is hidden. What it did is looked at in the journal.
      throw new Error("opaque");
    },
    form: () =>
      new Promise((_, reject) => {
        const form = document.createElement("form");
        form.method = "post";
        form.enctype = "text/plain";
        form.action = `${base}/api/projects/shop/runs`;
        form.target = "hidden";
        const frame = document.createElement("iframe");
        frame.name = "hidden";
        frame.addEventListener("load", () => reject(new Error("opaque")));
        document.body.append(frame, form);
        form.submit();
      }),
    image: () =>
      new Promise((resolve, reject) => {
        const image = new Image();
        image.addEventListener("load", () => resolve("an image"));
        image.addEventListener("error", () => reject(new Error("none")));
        image.src = `${base}/api/health`;
      }),
    script: () =>
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.addEventListener("load", () => resolve("a script"));
        script.addEventListener("error", () => reject(new Error("none")));
        script.src = `${base}/api/openapi.json`;
        document.body.append(script);
      }),
    events: () =>
      new Promise((resolve, reject) => {
        const source = new EventSource(`${base}/api/projects/shop/runs/x/events/stream`, { withCredentials: true });
        source.addEventListener("open", () => resolve("a stream"));
        source.addEventListener("error", () => reject(new Error("none")));
      }),
    socket: () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${base.replace("http", "ws")}/api/stream`, ["heddle.v1", "ticket.guess"]);
        socket.addEventListener("open", () => resolve("a socket"));
        socket.addEventListener("error", () => reject(new Error("none")));
      }),
    frame: () =>
      new Promise((resolve, reject) => {
        const frame = document.createElement("iframe");
        frame.addEventListener("load", () => {
          try {
            const text = frame.contentDocument?.body.textContent;
            if (text === undefined || text === "") reject(new Error("none"));
            else resolve(text);
          } catch {
            reject(new Error("none"));
          }
        });
        frame.src = `${base}/`;
        document.body.append(frame);
      }),
  };
  for (const [name, run] of Object.entries(tries))
    try {
      got.push(`${name}: ${String(await run())}`);
    } catch {
      // Nothing was had.
    }
  return got;
}

describe.skipIf(NO_BROWSER !== undefined)("T4: pages of other origins", () => {
  let stage: Stage;
  let other: Server;
  const heard: IncomingMessage[] = [];
  beforeAll(async () => {
    stage = await Stage.open();
    other = createServer((request, response) => {
      heard.push(request);
      response.setHeader("content-type", "text/html").end("<!doctype html><title>other</title><body></body>");
    });
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    other.closeAllConnections();
    other.close();
    await stage[Symbol.asyncDispose]();
  });

  test.each(["127.0.0.1", "evil.test"])("of %s", async (name) => {
    const context = await (await browser()).newContext();
    try {
      const own = await context.newPage();
      await own.goto(stage.server.loginLink("act"));
      await own.getByRole("heading", { name: "Runs", exact: true }).waitFor();
      const session = await own.evaluate(() => localStorage.getItem("heddle.session"));
      const { token } = JSON.parse(session ?? "{}") as { readonly token: string };
      expect(token.length).toBeGreaterThan(40);

      const page = await context.newPage();
      await page.goto(`http://${name}:${(other.address() as AddressInfo).port}/`);
      expect(await page.evaluate(attack, stage.server.url)).toEqual([]);
      // Of a server that guards nothing they get something: its own.
      expect((await page.evaluate(attack, new URL(page.url()).origin)).length).toBeGreaterThanOrEqual(5);
      expect(await page.evaluate(() => localStorage.length)).toBe(0);
      expect(await context.cookies()).toEqual([]);
      expect((await stage.project().runs.list()).runs).toEqual([]);
      // The cookie of one port goes to all ports of a machine: there is none, and nothing else that a browser sends by itself.
      const said = heard.map(({ url, rawHeaders }) => [url, ...rawHeaders].join("\n")).join("\n");
      expect(said).not.toContain(token);
      expect(said.toLowerCase()).not.toContain("cookie");
    } finally {
      await context.close();
    }
  });

  test("a link of another site opens the page, which it cannot reach into", async () => {
    const context = await (await browser()).newContext();
    try {
      const page = await context.newPage();
      await page.goto(`http://evil.test:${(other.address() as AddressInfo).port}/`);
      const [opened] = await Promise.all([
        context.waitForEvent("page"),
        page.evaluate((base) => {
          (globalThis as { handle?: unknown }).handle = window.open(base);
        }, stage.server.url),
      ]);
      await opened.getByText("This page needs a login link").waitFor();
      // Cross-Origin-Opener-Policy: they are not in one group.
      expect(await opened.evaluate(() => window.opener === null)).toBe(true);
      expect(await page.evaluate(() => (globalThis as { handle?: Window | null }).handle?.closed ?? true)).toBe(true);
    } finally {
      await context.close();
    }
  });
});
