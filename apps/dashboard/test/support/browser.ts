/**
 * Browser of the tests: Debian's Chromium, started once for a process of tests, and pages of it that note everything that a page must not
 * do: errors in the console, violations of its policy, requests to other hosts.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { onTestFinished } from "vitest";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => existsSync(file));

/** The name of what the tests of pages need and this machine lacks; `undefined`: it is there. */
export const NO_BROWSER: string | undefined = CHROMIUM === undefined ? "chromium" : undefined;

let started: Promise<Browser> | undefined;

export async function browser(): Promise<Browser> {
  started ??= launched();
  return started;
}

async function launched(): Promise<Browser> {
  const running = await chromium.launch({
    executablePath: CHROMIUM ?? "chromium",
    args: [
      // Root has no sandbox of Chromium; what is opened here is our own.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-dev-shm-usage",
      "--host-resolver-rules=MAP evil.test 127.0.0.1",
    ],
  });
  process.once("beforeExit", () => void running.close());
  return running;
}

export interface LookOptions {
  readonly theme?: "light" | "dark";
  readonly width?: 1440 | 390;
  /** Absent: a computer's, 900 high, or a phone's, 844. */
  readonly height?: number;
}

/** A page that is watched. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What it did that it must not do. At the end of its test there are none but those that the test expects. */
  readonly faults: readonly string[];
  /** Faults that its test brings about. */
  expectFault(fault: RegExp): void;
}

/** `storage`: of the origin, before any script of it runs. */
export async function watchedPage(
  origin: string,
  storage: Readonly<Record<string, string>>,
  { theme = "light", width = 1440, height = width === 390 ? 844 : 900 }: LookOptions = {},
): Promise<WatchedPage> {
  const context = await (
    await browser()
  ).newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
    baseURL: origin,
    ...(width === 390 ? { hasTouch: true, isMobile: true } : {}),
  });
  const faults: string[] = [];
  const expected: RegExp[] = [];
  onTestFinished(() => {
    const left = faults.filter((fault) => !expected.some((one) => one.test(fault)));
    if (left.length > 0) throw new Error(`the page did what it must not do:\n${left.join("\n")}`);
  });
  // Of a page that shows nothing the test says so soon, with what was wrong.
  context.setDefaultTimeout(20_000);
  await context.addInitScript((entries) => {
    if (location.origin === "null") return;
    for (const [name, value] of entries) if (localStorage.getItem(name) === null) localStorage.setItem(name, value);
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      reportError(new Error(`policy: ${violatedDirective} ${blockedURI}`)),
    );
  }, Object.entries(storage));
  context.on("console", (message) => {
    // A refused request is said by the page itself, where it matters.
    const isRefusal = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if ((message.type() === "error" || message.type() === "warning") && !isRefusal) faults.push(message.text());
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) faults.push(`request to ${url}`);
  });
  const page = await context.newPage();
  return {
    page,
    context,
    faults,
    expectFault: (fault) => void expected.push(fault),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
  }[];
}

/** What axe finds against WCAG 2.2 AA on the page as it is shown, a line for each element. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const result = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: { run(...args: unknown[]): Promise<unknown> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return axe.run(document, { runOnly: { type: "tag", values: tags } });
  });
  const found = (result as AxeResult).violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = "" }) => `${id} (${help}): ${target.join(" ")} ${failureSummary}`),
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  const screen = page.viewportSize()?.width ?? wide;
  return wide > screen ? [...found, `the page is ${wide} px wide, and the screen ${screen}`] : found;
}

/** With HEDDLE_SHOTS=FOLDER: a picture of the page as it is shown, for people to look at. */
export async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env["HEDDLE_SHOTS"];
  if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

const ALL_LOOKS: readonly Required<Pick<LookOptions, "theme" | "width">>[] = [
  { theme: "light", width: 1440 },
  { theme: "dark", width: 390 },
  { theme: "dark", width: 1440 },
  { theme: "light", width: 390 },
];

/** The looks in which every page is tried: each theme and width once; all four at night, and for pictures. */
export const LOOKS: typeof ALL_LOOKS =
  process.env["HEDDLE_TIER"] === "nightly" || process.env["HEDDLE_SHOTS"] !== undefined
    ? ALL_LOOKS
    : ALL_LOOKS.slice(0, 2);
