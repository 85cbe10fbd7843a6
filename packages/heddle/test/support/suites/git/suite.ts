/**
 * What every implementation of the git port has to do, as tests. Registers tests through the `describe`, `it` and `expect` that it
 * is handed, so that nothing here needs a test runner. One group for each concern of `git/port.ts`.
 */
import { captureTests } from "./captures.ts";
import { conflictTests } from "./conflicts.ts";
import { integrationTests } from "./integrations.ts";
import { queueTests } from "./queue.ts";
import type { GitSetting, Group } from "./setting.ts";
import { worktreeTests } from "./worktrees.ts";
import type { TestTools } from "../test-tools.ts";

const GROUPS: readonly (readonly [concern: string, group: Group])[] = [
  ["worktrees", worktreeTests],
  ["captures and commits", captureTests],
  ["conflicts", conflictTests],
  ["merge queue", queueTests],
  ["integration branches and refs", integrationTests],
];

export function gitSuite(name: string, open: () => Promise<GitSetting>, tools: TestTools): void {
  tools.describe(`git: ${name}`, () => {
    for (const [concern, group] of GROUPS) {
      tools.describe(concern, () => {
        group(tools, (title, body) => {
          tools.it(title, async () => {
            const setting = await open();
            try {
              const opened = await setting.repositories.open();
              if (!opened.ok) throw new Error(opened.error.message);
              await body(setting, opened.value);
            } finally {
              setting.end();
            }
          });
        });
      });
    }
  });
}
