/**
 * What every journal has to do, as tests: run for each implementation. Registers tests through the `describe`, `it` and
 * `expect` that it is handed, so that nothing here needs a test runner.
 *
 * One group for each concern of `journal/port.ts`; titles that begin with a number name the invariant there that they test.
 */
import { eventLogTests } from "./event-log.ts";
import { idempotencyTests } from "./idempotency.ts";
import { leaseTests } from "./leases.ts";
import { lockTests } from "./locks.ts";
import { mailboxTests } from "./mailbox.ts";
import { maintenanceTests } from "./maintenance.ts";
import { outboxTests } from "./outbox.ts";
import type { Group, JournalSetting } from "./setting.ts";
import { statisticsTests } from "./statistics.ts";
import type { TestTools } from "../test-tools.ts";

const GROUPS: readonly (readonly [concern: string, group: Group])[] = [
  ["event log", eventLogTests],
  ["leases", leaseTests],
  ["mailbox", mailboxTests],
  ["locks", lockTests],
  ["statistics", statisticsTests],
  ["idempotency", idempotencyTests],
  ["outbox", outboxTests],
  ["maintenance", maintenanceTests],
];

export function journalSuite(name: string, open: () => Promise<JournalSetting>, tools: TestTools): void {
  tools.describe(`journal: ${name}`, () => {
    for (const [concern, group] of GROUPS) {
      tools.describe(concern, () => {
        group(tools, (title, body) => {
          tools.it(title, async () => {
            const setting = await open();
            try {
              await body(setting);
            } finally {
              await setting.end();
            }
          });
        });
      });
    }
  });
}
