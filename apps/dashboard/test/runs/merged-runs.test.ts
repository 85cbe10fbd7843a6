/** Pages over several projects. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunLine } from "heddle/client";
import { firstPlace, mergedPage, type ProjectRun, type RunsPlace } from "../../src/runs/merged-runs.ts";

/** Projects by name, each the start times of its runs, newest first, in pages of `page`. */
function reader(projects: Readonly<Record<string, readonly number[]>>, page: number) {
  const reads: string[] = [];
  const read = async (
    project: string,
    cursor: string | undefined,
  ): Promise<{ readonly runs: readonly RunLine[]; readonly next?: string }> => {
    reads.push(`${project} ${cursor ?? ""}`);
    const from = Number(cursor ?? 0);
    const starts = projects[project] ?? [];
    const runs = starts
      .slice(from, from + page)
      .map((startedAt) => ({ run: `${project}${startedAt}`, startedAt }) as RunLine);
    return from + page < starts.length ? { runs, next: String(from + page) } : { runs };
  };
  return { read, reads };
}

async function all(
  projects: Readonly<Record<string, readonly number[]>>,
  size: number,
  page: number,
): Promise<readonly ProjectRun[]> {
  const { read } = reader(projects, page);
  const found: ProjectRun[] = [];
  let place: RunsPlace | undefined = firstPlace(Object.keys(projects));
  for (let pages = 0; place !== undefined; pages++) {
    expect(pages).toBeLessThan(200);
    const { runs, next }: { readonly runs: readonly ProjectRun[]; readonly next: RunsPlace | undefined } =
      await mergedPage(place, size, read);
    if (next !== undefined && runs.length !== size) throw new Error(`a page of ${runs.length} is not the last`);
    found.push(...runs);
    place = next;
  }
  return found;
}

test("each run once, the newest first, whatever the sizes of pages", async () => {
  const starts = fc.uniqueArray(fc.nat(1000), { maxLength: 20 }).map((list) => list.toSorted((a, b) => b - a));
  await fc.assert(
    fc.asyncProperty(
      fc.record({ a: starts, b: starts, c: starts }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      async (projects, size, page) => {
        const found = await all(projects, size, page);
        const expected = Object.entries(projects).flatMap(([project, list]) =>
          list.map((startedAt) => [project, startedAt] as const),
        );
        expect(new Set(found.map(({ project, startedAt }) => `${project} ${startedAt}`))).toEqual(
          new Set(expected.map(([project, startedAt]) => `${project} ${startedAt}`)),
        );
        expect(found.length).toBe(expected.length);
        expect(found.map(({ startedAt }) => startedAt)).toEqual(
          expected.map(([, startedAt]) => startedAt).toSorted((a, b) => b - a),
        );
      },
    ),
    { numRuns: 100 },
  );
});

test("a project is read no further than is shown", async () => {
  const { read, reads } = reader({ a: [9, 8, 7, 6, 5, 4], b: [3, 2, 1] }, 2);
  const { runs } = await mergedPage(firstPlace(["a", "b"]), 3, read);
  expect(runs.map(({ startedAt }) => startedAt)).toEqual([9, 8, 7]);
  expect(reads).toEqual(["a ", "b ", "a 2"]);
});
