/** `heddle init`: writes a commented example plan and has git ignore what heddle records. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { findPlanFile } from "../../project/find-plan.ts";

const PLAN = `# A plan: steps and their dependencies. Show it with \`heddle plan\`, run it with \`heddle run\`.
name: hello

# Steps at once; the default is the number of cores.
# maxConcurrency: 4

# After a failure: fail-fast ends the run, continue runs everything that does not depend on the failed step.
# failure: continue

steps:
  # A step is a shell command. Steps without \`deps\` start at once, in parallel.
  # A line that fails ends its command (\`sh -e\`).
  - id: fetch
    description: Get what the build needs
    run: echo "fetching"

  - id: lint
    description: Check the style
    run: echo "linting"

  # \`deps\`: this step starts as soon as each of them has succeeded.
  - id: build
    description: Build it
    deps: [fetch]
    run: echo "building"
    # timeout: 10m
    # retry: 2

  - id: test
    deps: [build]
    run: echo "testing"

  # Ask a person:
  # - id: sign-off
  #   deps: [test, lint]
  #   approve: Ship it?

  - id: publish
    deps: [test, lint]
    run: echo "publishing"
`;

export async function initCommand(context: Context): Promise<number> {
  const existing = findPlanFile(context.dir);
  if (existing !== undefined) {
    return fail(context, {
      code: "PlanExists",
      message: `${existing} exists already`,
      hint: "`heddle plan` shows it.",
    });
  }
  try {
    writeFileSync(join(context.dir, "heddle.yaml"), PLAN, { flag: "wx" });
    const ignored = ignoreRecords(context.dir);
    if (context.json) context.out.json({ file: "heddle.yaml", gitignore: ignored === "added" });
    else context.out.lines(initLines(ignored));
    return EXIT.ok;
  } catch (thrown) {
    return fail(
      context,
      {
        code: "ProjectUnwritable",
        message: `cannot write the plan: ${messageOf(thrown)}`,
        hint: "Make the folder writable.",
        cause: thrown,
      },
      EXIT.failed,
    );
  }
}

/** `folder`: a line that ignores the folder as a whole stands there. It is the user's, and stays. */
type Ignored = "added" | "already" | "folder";

function ignoreRecords(dir: string): Ignored {
  const file = join(dir, ".gitignore");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (/^\/?\.heddle\/?\s*$/m.test(text)) return "folder";
  if (/^\/?\.heddle\/\*{1,2}\s*$/m.test(text)) return "already";
  writeFileSync(file, `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}.heddle/*\n`);
  return "added";
}

function* initLines(ignored: Ignored): Generator<string, void, undefined> {
  yield `Wrote heddle.yaml${ignored === "added" ? ", and .heddle/* into .gitignore" : ""}.`;
  yield ignored === "folder"
    ? "To put expertise and prices into git, replace the line .heddle/ in .gitignore by these:"
    : "To put expertise and prices into git, add these lines to .gitignore:";
  if (ignored === "folder") yield "  .heddle/*";
  yield "  !.heddle/expertise/";
  yield "  !.heddle/prices.yaml";
  yield "Next: heddle plan, heddle run";
}
