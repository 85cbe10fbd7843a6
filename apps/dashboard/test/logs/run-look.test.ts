/** Colours of logs in both themes: whatever a program asks for can be read. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contrast, LEAST_CONTRAST, runLook, THEMES, TINT } from "../../src/logs/run-look.ts";
import { PLAIN, RGB } from "../../src/logs/text-style.ts";

const css = readFileSync(path.resolve(import.meta.dirname, "../../src/logs/log-colours.css"), "utf8");

/** The tokens of a theme, from the file that the page loads. */
function tokensOf(selector: string): readonly number[] {
  const block = css.slice(css.indexOf(`${selector} {`));
  const found = [...block.slice(0, block.indexOf("}")).matchAll(/--log-(\d+): #([0-9a-f]{6});/g)];
  return found.sort((a, b) => Number(a[1]) - Number(b[1])).map(([, , hex = ""]) => Number.parseInt(hex, 16));
}

const TOKENS = { light: tokensOf(":root"), dark: tokensOf(':root[data-theme="dark"]') };

function mixed(from: number, to: number, share: number): number {
  return [16, 8, 0].reduce((sum, shift) => {
    const [a, b] = [(from >> shift) & 0xff, (to >> shift) & 0xff];
    return sum | (Math.round(a + (b - a) * share) << shift);
  }, 0);
}

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  const { panel, chosen } = THEMES[theme];
  const tokens = TOKENS[theme];
  const letter = theme === "light" ? "l" : "d";

  test("the 16 colours are read on the panel, in a chosen line, and on each other", () => {
    expect(tokens).toHaveLength(16);
    for (const token of tokens) {
      expect(contrast(token, panel)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      expect(contrast(token, chosen)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      for (const other of tokens)
        expect(contrast(token, mixed(panel, other, TINT))).toBeGreaterThanOrEqual(LEAST_CONTRAST);
    }
  });

  test("every other colour is, on every other", () => {
    const colour = fc.integer({ min: 0, max: 0xff_ff_ff });
    const valueOf = (text: string | undefined): number => Number.parseInt((text ?? "").slice(1), 16);
    fc.assert(
      fc.property(colour, colour, fc.boolean(), (fg, bg, inverse) => {
        const alone = runLook({ ...PLAIN, fg: RGB | fg, inverse }).properties;
        for (const back of [panel, chosen])
          expect(contrast(valueOf(alone?.[`--f${letter}`]), back)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
        const both = runLook({ ...PLAIN, fg: RGB | fg, bg: RGB | bg }).properties;
        const back = valueOf(both?.[`--g${letter}`]);
        expect(contrast(valueOf(both?.[`--f${letter}`]), back)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
        // On a token, and a token on it.
        const onToken = runLook({ ...PLAIN, fg: RGB | fg, bg: 3 }).properties;
        for (const token of tokens) {
          const tint = mixed(panel, token, TINT);
          expect(contrast(valueOf(onToken?.[`--f${letter}`]), tint)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
          expect(contrast(token, back)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
        }
        // The text's own colour on it.
        expect(contrast(theme === "light" ? 0x16_18_1d : 0xe8_ea_ee, back)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      }),
    );
  });
});

test("a style has the classes of what it is", () => {
  expect(runLook(PLAIN)).toEqual({ className: "" });
  const all = { fg: 1, bg: 12, bold: true, dim: true, italic: true, underline: true, strike: true, inverse: false };
  expect(runLook(all)).toEqual({ className: "log-b log-i log-u log-s log-g12 log-f1" });
  expect(runLook({ ...PLAIN, dim: true }).className).toBe("log-d");
  // What was behind is not seen.
  expect(runLook({ ...PLAIN, fg: 2, bg: 3, inverse: true }).className).toBe("log-v log-f2");
});

test("a readable colour stays as it is", () => {
  expect(runLook({ ...PLAIN, fg: RGB | 0x00_00_80 }).properties?.["--fl"]).toBe("#000080");
  expect(runLook({ ...PLAIN, fg: RGB | 0xff_ff_80 }).properties?.["--fd"]).toBe("#ffff80");
});

test("the tokens that text stands on are those of the page", () => {
  for (const at of TOKENS.light.keys()) expect(css).toContain(`var(--log-${at}) ${TINT * 100}%, var(--panel)`);
});
