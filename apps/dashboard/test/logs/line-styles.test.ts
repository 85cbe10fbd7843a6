/** Colours that go on over lines and pages, whatever page came first. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LineStyles, styleAfter } from "../../src/logs/line-styles.ts";
import { LineStore } from "../../src/logs/line-store.ts";
import { styledLine } from "../../src/logs/styled-line.ts";
import { PLAIN } from "../../src/logs/text-style.ts";

const part = fc.constantFrom(
  "\u001b[31m",
  "\u001b[1m",
  "\u001b[m",
  "\u001b[0;4m",
  "x",
  "\u001b]0;t\u001b[32m",
  "\u009b44m",
  "\u001b[?31m",
  "\u001b",
  "[",
  "\u001b[38;5;1",
  ";2m",
  "\r",
  "\u001b[K",
);

test("a line ends in the style in which it is drawn to its end", () => {
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const line = parts.join("");
      expect(styleAfter(line, PLAIN)).toBe(styledLine(line, PLAIN).style);
    }),
  );
});

test("styles are the same whatever page comes first, once all are here", () => {
  const lines = fc.array(fc.array(part, { maxLength: 3 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat(4), { maxLength: 8 }), (made, order) => {
      const texts = made.map((one) => one.join(""));
      const store = new LineStore({ pageLines: 4 });
      const lines = {
        pageLines: 4,
        pageOf: (line: number) => store.pageOf(line),
        versionOf: (page: number) => store.versionOf(page),
        line: (line: number) => store.get(line),
      };
      const styles = new LineStyles(lines);
      const put = (page: number): void =>
        store.put(
          page * 4 + 1,
          texts.slice(page * 4, page * 4 + 4).map((text) => ({ text, cut: 0 })),
        );
      for (const page of [...order, 0, 1, 2, 3, 4]) {
        put(page);
        for (let line = 1; line <= texts.length; line++) styles.before(line);
      }
      let style = PLAIN;
      for (const [at, text] of texts.entries()) {
        expect(styles.before(at + 1)).toBe(style);
        style = styleAfter(text, style);
      }
    }),
  );
});

test("a page whose page before is not here begins plain", () => {
  const store = new LineStore({ pageLines: 2 });
  const styles = new LineStyles({
    pageLines: 2,
    pageOf: (line) => store.pageOf(line),
    versionOf: (page) => store.versionOf(page),
    line: (line) => store.get(line),
  });
  store.put(3, [{ text: "c", cut: 0 }]);
  expect(styles.before(3)).toBe(PLAIN);
  store.put(1, [
    { text: "\u001b[31ma", cut: 0 },
    { text: "b", cut: 0 },
  ]);
  expect(styles.before(3).fg).toBe(1);
});
