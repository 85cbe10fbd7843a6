/** Run path: the address of a run's page, by the beginning of its id, over several projects. Knows no project: it asks for each by its name. */
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";

/** The whole id of the run of a project whose id begins with the word. */
export type FindRunIn = (project: string) => Promise<Result<string, Problem>>;

/** The problem is that of the project that knows most: where several runs are meant, then where one cannot be looked at. */
export async function runPathIn(
  projects: readonly string[],
  word: string,
  find: FindRunIn,
): Promise<Result<string, Problem>> {
  const found: { readonly project: string; readonly run: string }[] = [];
  const problems: Problem[] = [];
  for (const project of projects) {
    const one = await find(project);
    if (one.ok) found.push({ project, run: one.value });
    else problems.push(one.error);
  }
  const whole = found.find(({ run }) => run === word);
  const ambiguous = problems.find(({ code }) => code === "AmbiguousRun");
  const [only, another] = whole === undefined ? found : [whole];
  if (only !== undefined && another === undefined && (whole !== undefined || ambiguous === undefined))
    return ok(`/p/${encodeURIComponent(only.project)}/runs/${only.run}`);
  if (ambiguous !== undefined) return err(ambiguous);
  if (only !== undefined) return err(ambiguousIn(found, word));
  const unknown = problems.filter(({ code }) => code === "UnknownRun");
  return err(
    problems.find(({ code }) => code !== "UnknownRun") ??
      unknown.find(({ hint = "" }) => hint.startsWith("Did you mean")) ?? {
        code: "UnknownRun",
        message: `no run id begins with ${JSON.stringify(word)}`,
        hint: "`heddle runs` lists those of a folder.",
      },
  );
}

function ambiguousIn(found: readonly { readonly project: string; readonly run: string }[], word: string): Problem {
  const named = found.slice(0, 5).map(({ project, run }) => `${run} of ${project}`);
  return {
    code: "AmbiguousRun",
    message: `several run ids begin with ${word}: ${named.join(", ")}`,
    hint: "Type more of the id.",
  };
}
