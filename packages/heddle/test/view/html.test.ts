/** The report page: what is in it, and what cannot get into it. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import { htmlReport, type PageOptions } from "../../src/view/html.ts";
import { FAMILIES } from "../../src/view/glyphs.ts";
import { DARK, HTML_STYLE, HTML_STYLE_HASH, LIGHT } from "../../src/view/html-style.ts";
import { shortLabel, escapeHtml, localTime } from "../../src/view/html-text.ts";
import { STEP_STATUSES } from "../../src/view/status.ts";
import { contrast, deltaE2000, SIGHTS } from "./colour.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "./histories.ts";

function page(plan: Plan, happenings: readonly Happening[], options: PageOptions = {}): string {
  const { state, timeline } = read(history(plan, happenings));
  if (state === undefined) throw new Error("no state");
  const input = { state, timeline, live: false, now: 10_000, logFile: (step: string) => `/logs/${step}` };
  return [...htmlReport(input, options)].join("");
}

const HAPPENED: readonly Happening[] = [
  [1010, started("a")],
  [1010, started("b")],
  [1110, succeeded("a", 100)],
  [1310, succeeded("b", 300)],
  [1310, started("c")],
  [1350, failed("c", 40, 1, 10)],
  [1360, started("c", 2)],
  [1400, failed("c", 40, 2)],
  [1400, { type: "step.skipped", step: "d", data: { reason: { kind: "dependency", cause: "c" } } }],
  [1400, { type: "run.failed", data: { durationMs: 400, failed: ["c"] } }],
];

/** Everything in angle brackets: name and attributes. */
function tagsOf(
  html: string,
): readonly { readonly name: string; readonly attributes: readonly (readonly [string, string])[] }[] {
  const body = html.replace(HTML_STYLE, "");
  return [...body.matchAll(/<(\/?[a-zA-Z!][\w-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/g)].map(
    ([, name = "", rest = ""]) => ({
      name,
      attributes: [...rest.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(
        ([, key = "", value = ""]) => [key, value] as const,
      ),
    }),
  );
}

/** What is wrong with a page's markup. */
function faults(html: string): readonly string[] {
  const found: string[] = [];
  const tags = tagsOf(html);
  const brackets = html.replace(HTML_STYLE, "").split("<").length - 1;
  if (tags.length !== brackets) found.push(`${brackets - tags.length} brackets that are no tag`);
  const ids = new Set<string>();
  for (const { attributes } of tags)
    for (const [name, value] of attributes) {
      if (name === "id" && ids.has(value)) found.push(`two ids ${value}`);
      if (name === "id") ids.add(value);
    }
  for (const { name, attributes } of tags) {
    if (/^\/?(?:script|iframe|object|embed|link|base|form|img)$/i.test(name)) found.push(`<${name}>`);
    for (const [key, value] of attributes) {
      if (key === "style" || key.startsWith("on") || key === "src") found.push(`${name} ${key}`);
      if (key === "href" && !ids.has(value.slice(1))) found.push(`a link to nothing: ${value}`);
    }
  }
  if (/https?:\/\/|url\((?!#hatch\))|@import/.test(html)) found.push("something from elsewhere");
  return found;
}

describe("the page", () => {
  const html = page(DIAMOND, HAPPENED, {
    timeZone: "Europe/Berlin",
    outputOf: (step, attempt) => [`end of ${step}`, `attempt ${attempt}`],
  });

  test("is sound markup, with one style sheet that its policy allows by hash", () => {
    expect(faults(html)).toEqual([]);
    expect(html.split("<style").length).toBe(2);
    const sheet = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? "";
    const hash = `sha256-${createHash("sha256").update(sheet).digest("base64")}`;
    expect(HTML_STYLE_HASH, `write "${hash}"`).toBe(hash);
    expect(html).toContain(`content="default-src 'none'; style-src '${hash}'; base-uri 'none'; form-action 'none'"`);
    expect(html).not.toContain("unsafe-inline");
  });

  test("says what failed, with what it printed last, and what was skipped because of it", () => {
    const card = /<article class="card failed">[^]*?<\/article>/.exec(html)?.[0] ?? "";
    expect(card).toContain("exit code 2");
    expect(card).toContain("Failed in 2 attempts. 1 step was skipped because of it.");
    expect(card).toContain("end of c\nattempt 2");
    expect(page(DIAMOND, HAPPENED)).not.toContain("<pre");
  });

  test("marks the critical path in graph, timeline and table, and explains its lines", () => {
    expect([...html.matchAll(/<a class="(\w[\w-]*) onpath"[^>]*aria-label="(\w+):/g)].map((match) => match[2])).toEqual(
      ["b", "c"],
    );
    expect(html.match(/<li class="onpath">/g)).toHaveLength(2);
    expect(html.match(/on the critical path/g)).toHaveLength(2);
    expect(html.match(/<li><svg class="key"/g)?.length).toBe(4);
    for (const status of ["succeeded", "failed", "skipped"])
      expect(html).toMatch(new RegExp(`<li><svg class="glyph ${status}"[^]*?</svg>\\d ${status}</li>`));
    expect(html).not.toContain("waiting</li>");
  });

  test("tells times of the reader's zone, with its distance from UTC", () => {
    expect(html).toContain(
      '<time datetime="1970-01-01T00:00:01.000Z">1 Jan 1970, 01:00:01 UTC+01:00 (Europe/Berlin)</time>',
    );
    expect(localTime(Date.UTC(2026, 6, 1, 12), "Asia/Kolkata")).toBe("1 Jul 2026, 17:30:00 UTC+05:30 (Asia/Kolkata)");
    expect(localTime(0, "UTC")).toMatch(/^1 Jan 1970, 00:00:00 UTC(?:\+00:00)?$/);
  });

  test("is read without a mouse: scrolled parts take the focus, and each part has a link", () => {
    const tags = tagsOf(html);
    const scrolled = tags.filter(({ attributes }) =>
      attributes.some(([key, value]) => key === "class" && /\bscroll\b/.test(value)),
    );
    expect(scrolled.length).toBe(3);
    for (const { attributes } of scrolled)
      expect(Object.fromEntries(attributes)).toMatchObject({ tabindex: "0", role: "region" });
    const links = /<nav[^]*?<\/nav>/.exec(html)?.[0] ?? "";
    expect([...links.matchAll(/href="#([\w-]+)"/g)].map((match) => match[1])).toEqual([
      "failures",
      "timeline",
      "graph",
      "steps",
    ]);
  });

  test("shows open questions first, and a run in which nothing ran", () => {
    const asked = page(DIAMOND, [
      [1010, started("a")],
      [
        1020,
        {
          type: "approval.requested",
          step: "d",
          attempt: 1,
          data: { about: "step", question: "Ship <it>?", options: ["now", "later"] },
        },
      ],
    ]);
    expect(asked).toContain("Ship &#60;it&#62;?");
    expect(asked.indexOf('id="questions"')).toBeLessThan(asked.indexOf('id="timeline"'));
    const nothing = page(DIAMOND, []);
    expect(nothing).toContain("Nothing ran.");
    expect(faults(nothing)).toEqual([]);
  });
});

test("of five hundred steps is whole, and of too many says so", () => {
  const steps = Array.from({ length: 500 }, (_, i) => ({
    id: `packages/layer-${Math.floor(i / 20)}/service-${i % 20}`,
    action: { kind: "run", command: "x" } as const,
    ...(i >= 20 && { deps: [`packages/layer-${Math.floor(i / 20) - 1}/service-${(i * 7) % 20}`] }),
  }));
  const happened = steps.flatMap(({ id }, i): Happening[] => [
    [1000 + i, started(id)],
    [1002 + i, succeeded(id, 2)],
  ]);
  const html = page({ name: "big", steps }, happened);
  expect(faults(html)).toEqual([]);
  expect(html.match(/<rect class="box"/g)).toHaveLength(500);
  expect(html.match(/<tr id=/g)).toHaveLength(500);
  expect(html.length).toBeLessThan(1_000_000);
  const many = Array.from({ length: 2100 }, (_, i) => ({
    id: `s${i}`,
    action: { kind: "run", command: "x" } as const,
  }));
  const tooMany = page({ name: "many", steps: many }, [[1010, started("s0")]]);
  expect(tooMany).toContain("The graph of 2100 steps is too large to be drawn.");
  expect(tooMany).toContain("… and 100 more.");
  expect(faults(tooMany)).toEqual([]);
});

describe("texts of others", () => {
  const PAYLOADS = [
    `</title><script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onmouseover='alert(1)`,
    `</style><style>*{display:none}</style>`,
    `--><!--`,
    `</pre></article><iframe src="javascript:alert(1)">`,
    `<svg/onload=alert(1)>`,
    `&lt;b&gt;`,
    `\u202eevil\u2066\u200b\ufeff\u{e0041}\u0000\u001b[31m`,
    `]]><foreignObject>`,
  ];

  test.each(PAYLOADS)("stay text wherever they stand: %j", (payload) => {
    const step = { id: payload, description: payload, action: { kind: "run", command: payload } } as const;
    const plan: Plan = { name: payload, steps: [step, { id: "q", action: { kind: "approve", question: payload } }] };
    const error = { code: "exit", message: payload } as const;
    const html = page(
      plan,
      [
        [1010, started(payload)],
        [1020, { type: "step.failed", step: payload, attempt: 1, data: { error, durationMs: 10, willRetry: false } }],
        [
          1020,
          {
            type: "approval.requested",
            step: "q",
            attempt: 1,
            data: { about: "question", question: payload, options: [payload] },
          },
        ],
      ],
      { outputOf: () => [payload] },
    );
    expect(faults(html)).toEqual([]);
    if (/[<>"]/.test(payload)) expect(html.replace(HTML_STYLE, "")).not.toContain(payload);
    expect(html).not.toMatch(/[\u0000\u001b\u200b\u202e\u2066\ufeff]|\u{e0041}/u);
    // As often as it was given: nothing is lost either.
    expect(html.split(escapeHtml(payload)).length).toBeGreaterThan(8);
  });

  test("are cut in their middle, by characters", () => {
    expect(shortLabel("packages/layer-12/service-7", 15)).toBe("package…rvice-7");
    expect(shortLabel("🎉🎉🎉🎉🎉", 3)).toBe("🎉…🎉");
    expect(shortLabel("short", 5)).toBe("short");
  });
});

describe.each([
  ["light", LIGHT],
  ["dark", DARK],
])("colours, %s", (_, colours) => {
  const of = (name: string): string => colours[name] ?? "";

  test("text stands out, and so do glyphs and lines", () => {
    const grounds = ["bg", "panel", "soft-active", "soft-attention", "soft-bad", "soft-human"];
    for (const ground of grounds) expect(contrast(of("fg"), of(ground)), `fg on ${ground}`).toBeGreaterThan(4.5);
    for (const ground of grounds) expect(contrast(of("dim"), of(ground)), `dim on ${ground}`).toBeGreaterThan(4.5);
    for (const family of FAMILIES) expect(contrast(of(family), of("panel")), family).toBeGreaterThan(3);
    expect(contrast(of("focus"), of("bg"))).toBeGreaterThan(3);
  });

  test.each(SIGHTS)("families stay apart, %s", (sight) => {
    for (const [at, one] of FAMILIES.entries())
      for (const other of FAMILIES.slice(0, at))
        expect(deltaE2000(of(one), of(other), sight), `${one} and ${other}`).toBeGreaterThan(14);
  });
});

test("every status has a colour and a shape", () => {
  const html = page(DIAMOND, HAPPENED);
  for (const status of [...STEP_STATUSES, "paused"]) {
    expect(html).toContain(`<symbol id="g-${status}"`);
    expect(HTML_STYLE).toMatch(new RegExp(`\\.${status}[,{][^}]*--c:var`));
  }
});
