/** Colours of the pages: the report's where both have them, legible, and apart for every kind of colour vision. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { FAMILIES } from "../../../../packages/heddle/src/view/glyphs.ts";
import { DARK, LIGHT } from "../../../../packages/heddle/src/view/html-style.ts";
import { contrast, deltaE2000, SIGHTS } from "../../../../packages/heddle/test/view/colour.ts";

const SHEET = readFileSync(path.resolve(import.meta.dirname, "../../src/ui/tokens.css"), "utf8");

/** Names and values of one block of the sheet. */
function tokens(selector: string): Readonly<Record<string, string>> {
  const block = SHEET.slice(SHEET.indexOf(`${selector} {`)).split("}", 1)[0] ?? "";
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): ([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

const light = tokens(":root");
const dark = tokens(':root[data-theme="dark"]');
const THEMES = [
  ["light", light, LIGHT],
  ["dark", { ...light, ...dark }, DARK],
] as const;

test("both themes have the same colours by name", () => {
  const isColour = ([, value]: [string, string]): boolean => /^#|^color-mix/.test(value);
  const names = (of: Readonly<Record<string, string>>): string[] =>
    Object.entries(of)
      .filter(isColour)
      .map(([name]) => name);
  expect(names(dark).toSorted()).toEqual(names(light).toSorted());
  expect(names(light).length).toBeGreaterThan(30);
});

describe.each(THEMES)("%s", (_, own, report) => {
  const of = (name: string): string => own[name] ?? "";

  test("what the report has too is the same", () => {
    for (const [name, value] of Object.entries(report)) expect([name, of(name)]).toEqual([name, value]);
  });

  test("text has 4.5 to 1 on everything that it stands on", () => {
    const grounds = [
      "bg",
      "panel",
      "raise",
      "selected",
      ...FAMILIES.flatMap((family) => (of(`soft-${family}`) === "" ? [] : [`soft-${family}`])),
    ];
    for (const ground of grounds)
      for (const text of ["fg", "dim"])
        expect(contrast(of(text), of(ground)), `${text} on ${ground}`).toBeGreaterThan(4.5);
    for (const ground of ["bg", "panel", "raise"])
      expect(contrast(of("link"), of(ground)), ground).toBeGreaterThan(4.5);
    for (const family of ["bad", "human", "good"])
      for (const ground of ["bg", "panel", `soft-${family}`])
        expect(contrast(of(`text-${family}`), of(ground)), `${family} on ${ground}`).toBeGreaterThan(4.5);
    expect(contrast(of("bg"), of("fg")), "a primary button").toBeGreaterThan(4.5);
  });

  test("glyphs, frames and the focus have 3 to 1", () => {
    for (const family of FAMILIES)
      for (const ground of ["bg", "panel"])
        expect(contrast(of(family), of(ground)), `${family} on ${ground}`).toBeGreaterThan(3);
    expect(contrast(of("focus"), of("panel"))).toBeGreaterThan(3);
  });

  test.each(SIGHTS)("families stay apart, %s", (sight) => {
    for (const [at, one] of FAMILIES.entries())
      for (const other of FAMILIES.slice(0, at))
        expect(deltaE2000(of(one), of(other), sight), `${one} and ${other}`).toBeGreaterThan(14);
  });
});
