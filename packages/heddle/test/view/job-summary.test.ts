/** The summary of a job: what has no room is said, what went wrong comes first, and no text of others is markup. */
import { expect, test } from "vitest";
import { jobSummary } from "../../src/view/job-summary.ts";
import { runView } from "../../src/view/run-view.ts";
import { failed, history, read, started, succeeded } from "./histories.ts";

function summaryOf(ids: readonly string[], bad: ReadonlySet<string>, output: readonly string[]): string {
  const plan = { name: "p", steps: ids.map((id) => ({ id, action: { kind: "run", command: "x" } as const })) };
  const happened = ids.flatMap((id) => [started(id), bad.has(id) ? failed(id, 5) : succeeded(id, 5)]);
  const { state, timeline } = read(
    history(
      plan,
      happened.map((body) => [2000, body] as const),
    ),
  );
  if (state === undefined) throw new Error("no state");
  const view = runView({ state, timeline, live: false, now: 3000, logFile: () => null });
  return [...jobSummary(view, () => output)].join("\n");
}

test("fits in what GitHub takes, the failed steps first", () => {
  const ids = Array.from({ length: 2000 }, (_, at) => `step ${at} ${"漢|".repeat(400)}`);
  const bad = new Set(ids.slice(-30));
  const text = summaryOf(
    ids,
    bad,
    Array.from({ length: 50 }, () => "<".repeat(5000)),
  );
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  const rows = text.split("\n").filter((line) => /^\| \S+ \| step/.test(line));
  expect(rows.slice(0, 30).every((line) => line.includes("| failed |"))).toBe(true);
  expect(text).toContain(`… and ${2000 - rows.length} more steps.`);
  expect(rows.length).toBeGreaterThan(30);
});

test("has each step in the plan's order where they have room, and nothing of theirs as markup", () => {
  const evil = ["</pre>", "", "# title", "[x](y)", "&lt;b&gt;", "a\u202eb", "@everyone", "`", "https://e.example"];
  const text = summaryOf(["a", "b|*c*"], new Set(["b|*c*"]), evil);
  expect(text.match(/^\| .*$/gm)?.slice(1)).toEqual([
    expect.stringMatching(/^\| \S+ \| a \| succeeded \| .* \| 1 \|  \|$/),
    expect.stringMatching(/^\| \S+ \| b&#124;&#42;c&#42; \| failed \| .* \| 1 \| .* \|$/),
  ]);
  const [, pre = ""] = /<pre>(.*)<\/pre>/s.exec(text) ?? [];
  expect(pre.split("\n").length).toBe(evil.length);
  expect(pre.replaceAll(/&#\d+;/g, "")).toMatch(/^[\p{L}\p{N} \n\ufffd-]*$/u);
});
