/** A run of a shop: with retries, a failure, a wait of two hours for a process, questions, agents, and steps that have not begun. */
import type { Plan } from "../../../../packages/heddle/src/plan/plan.ts";
import { agent, began, command, failed, succeeded, used, type Happening, type RecordedRun } from "./recorded.ts";

export const SHOP: Plan = {
  name: "full-stack-app",
  steps: [
    command("schema"),
    command("ci-image"),
    command("design-tokens"),
    agent("ui-kit", ["design-tokens"]),
    agent("api-users", ["schema"]),
    agent("api-orders", ["schema", "ci-image"]),
    agent("web-orders", ["api-orders", "ui-kit"], { retry: RETRY() }),
    agent("web-users", ["api-users", "ui-kit"]),
    command("api-search", ["ui-kit"], { retry: RETRY() }),
    command("billing", ["api-orders"]),
    { id: "approve-migration", action: { kind: "approve", question: "Migrate the database?" }, deps: ["api-orders"] },
    command("contract-tests", ["web-orders", "web-users"], { estimateMs: 72_000 }),
    command("migrate-prod", ["approve-migration", "contract-tests"], { estimateMs: 54_000 }),
    command("smoke", ["migrate-prod"], { estimateMs: 66_000 }),
  ],
};

function RETRY() {
  return { attempts: 3, delayMs: 30_000, factor: 1, maxDelayMs: 30_000, jitter: 0 };
}

/** `startedAt`: of the run. */
export function shopHappenings(startedAt: number): readonly Happening[] {
  const at = (seconds: number): number => startedAt + seconds * 1000;
  return [
    [6, began("schema")],
    [6, began("ci-image")],
    [6, began("design-tokens")],
    [7, succeeded("design-tokens", 1)],
    [48, succeeded("schema", 42)],
    [51, began("api-users")],
    [54, began("ui-kit")],
    [78, succeeded("ci-image", 72)],
    [162, used("ui-kit", "opus-4", 0.42)],
    [162, succeeded("ui-kit", 108)],
    [174, used("api-users", "opus-4", 0.38)],
    [174, succeeded("api-users", 123)],
    [175, began("api-orders")],
    [180, began("api-search")],
    [246, failed("api-search", 66, 1, at(276))],
    [276, began("api-search", 2)],
    [330, used("api-orders", "sonnet-5", 0.61)],
    [330, succeeded("api-orders", 155)],
    [331, began("web-orders")],
    [332, began("web-users")],
    [333, began("billing")],
    [
      333,
      {
        type: "approval.requested",
        step: "approve-migration",
        attempt: 1,
        data: { about: "step", question: "Migrate the database?" },
      },
    ],
    [354, failed("api-search", 78, 2)],
    [370, failed("billing", 37)],
    [380, failed("web-orders", 49, 1, at(410))],
  ];
}

/** Its process died, and it went on two hours later. */
export function resumedHappenings(startedAt: number): readonly Happening[] {
  const gap = 7200;
  return [
    ...shopHappenings(startedAt),
    [gap, { type: "run.resumed", data: { engine: "test", interrupted: ["web-users"], reset: [] } }],
    [gap + 2, began("web-orders", 2)],
    [gap + 2, began("web-users", 2)],
    [gap + 2, began("billing", 2)],
    [gap + 3, began("api-search", 3)],
    [gap + 40, succeeded("billing", 38, 2)],
    [gap + 70, failed("api-search", 67, 3)],
    [gap + 90, used("web-users", "opus-4", 0.2, 2)],
    [gap + 90, succeeded("web-users", 88, 2)],
    [gap + 100, succeeded("web-orders", 98, 2)],
    [gap + 101, began("contract-tests")],
    [gap + 170, succeeded("contract-tests", 69)],
    [
      gap + 172,
      { type: "approval.given", step: "approve-migration", attempt: 1, data: { decision: "approve", by: "ada" } },
    ],
    [gap + 172, succeeded("approve-migration", 0)],
    [gap + 173, began("migrate-prod")],
    [gap + 230, succeeded("migrate-prod", 57)],
    [gap + 231, began("smoke")],
    [gap + 290, succeeded("smoke", 59)],
    [gap + 290, { type: "run.failed", data: { durationMs: (gap + 290) * 1000, failed: ["api-search"] } }],
  ];
}

export function shopRun(run: string, startedAt: number): RecordedRun {
  return { run, plan: SHOP, startedAt, happenings: resumedHappenings(startedAt) };
}
