/**
 * Task session: passes each new tool call of one attempt to the listener and remembers what was accepted (an idempotent
 * call log). Knows neither HTTP nor the tools' schemas; inputs arrive checked.
 *
 * Invariants:
 *  1. One call (tool and input) has one promise: whoever repeats it, at the same time or later, gets the same answer.
 *  2. Only calls that were refused or failed are forgotten, so that an agent can fix its work and make the same call
 *     again.
 *  3. At most one call ends the attempt, and while it is being decided no other one is. A question that cannot be
 *     answered now ends it too.
 *  4. After `close` the listener gets nothing.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { AttemptTask, ToolName } from "./port.ts";
import type { ToolCall } from "./tools.ts";

/** The answer to the agent. A refusal is shown as a tool's error, with only `message`. */
export type Reply =
  | {
      readonly ok: true;
      readonly status: string;
      readonly message: string;
      readonly answer?: string;
      readonly step?: string;
    }
  | { readonly ok: false; readonly message: string };

/** Different calls per tool and attempt; bounds what is remembered and what the listener gets. */
const MOST_CALLS: Readonly<Record<Exclude<ToolName, "task_get">, number>> = {
  task_progress: 1000,
  task_complete: 50,
  task_fail: 50,
  task_ask: 50,
  task_propose: 100,
  expertise_add: 100,
  plan_submit: 50,
};

const ENDED = "This attempt has ended. End your turn now.";
const END_TURN = "End your turn now.";

export type Report = Exclude<ToolCall, { readonly tool: "task_get" }>;

export class TaskSession {
  readonly #task: AttemptTask;
  readonly #clock: Clock;
  readonly #answerWithinMs: number;
  readonly #onFault: (message: string) => void;
  readonly #replies = new Map<string, Promise<Reply>>();
  readonly #calls = new Map<ToolName, number>();
  readonly #closed = Promise.withResolvers<Reply>();
  #open = true;
  #ending: { readonly tool: ToolName; readonly decided: boolean } | undefined;

  constructor(task: AttemptTask, clock: Clock, answerWithinMs: number, onFault: (message: string) => void) {
    this.#task = task;
    this.#clock = clock;
    this.#answerWithinMs = answerWithinMs;
    this.#onFault = onFault;
  }

  /** Never rejects. */
  report(call: Report): Promise<Reply> {
    if (!this.#open) return this.#closed.promise;
    const key = keyOf(call);
    const known = this.#replies.get(key);
    if (known !== undefined) return this.#within(known);
    const refusal = this.#refusal(call.tool);
    if (refusal !== undefined) return Promise.resolve(refusal);
    this.#calls.set(call.tool, (this.#calls.get(call.tool) ?? 0) + 1);
    if (ends(call.tool)) this.#ending = { tool: call.tool, decided: false };
    const reply = this.#tell(call).then((told) => {
      if (!told.ok) this.#replies.delete(key);
      if (ends(call.tool)) this.#ending = told.ok ? { tool: call.tool, decided: true } : undefined;
      return told;
    });
    this.#replies.set(key, reply);
    return this.#within(reply);
  }

  /** Answers what waits, and all that comes later, with a refusal. */
  close(): void {
    this.#open = false;
    this.#closed.resolve(refused(ENDED));
    this.#replies.clear();
  }

  #refusal(tool: Report["tool"]): Reply | undefined {
    if (this.#ending?.decided === true)
      return refused(`This attempt has already ended by ${this.#ending.tool}: ${tool} is too late. ${END_TURN}`);
    if (this.#ending !== undefined && ends(tool))
      return refused(`${this.#ending.tool} has been called: wait for its answer before you call ${tool}.`);
    if ((this.#calls.get(tool) ?? 0) < MOST_CALLS[tool]) return undefined;
    if (tool === "task_progress")
      return {
        ok: true,
        status: "ignored",
        message: "The limit of reports is reached: this one was not recorded. Continue.",
      };
    return refused(`${tool} was called ${MOST_CALLS[tool]} times in this attempt, which is the limit.`);
  }

  /** The listener's answer, or the request to call again, whichever is first. */
  async #within(reply: Promise<Reply>): Promise<Reply> {
    const late = Promise.withResolvers<Reply>();
    const cancel = this.#clock.after(this.#answerWithinMs, () =>
      late.resolve(refused("There is no answer yet. Call again with exactly the same input to keep waiting.")),
    );
    try {
      return await Promise.race([reply, late.promise, this.#closed.promise]);
    } finally {
      cancel();
    }
  }

  async #tell(call: Report): Promise<Reply> {
    try {
      return await this.#ask(call);
    } catch (thrown) {
      this.#onFault(`${call.tool} of ${this.#task.brief.run}/${this.#task.brief.step} failed: ${messageOf(thrown)}`);
      return refused("The run could not record this because of an internal error. Call again.");
    }
  }

  async #ask(call: Report): Promise<Reply> {
    const { listener } = this.#task;
    switch (call.tool) {
      case "task_progress": {
        const { message, percent } = call.input;
        listener.progress(defined({ message, percent }));
        return accepted("recorded", "Recorded. Continue.");
      }
      case "task_complete":
        return decided(await listener.completed(call.input), accepted("completed", `Recorded. ${END_TURN}`));
      case "task_fail":
        return decided(await listener.failed(call.input), accepted("failed", `Recorded. ${END_TURN}`));
      case "expertise_add":
        return decided(await listener.learned(call.input), accepted("recorded", "Recorded. Continue."));
      case "task_ask":
        return this.#askPerson(call.input);
      case "task_propose":
        return this.#propose(call.input);
      case "plan_submit":
        return this.#submit(call.input);
    }
  }

  async #askPerson(input: Extract<Report, { tool: "task_ask" }>["input"]): Promise<Reply> {
    const answer = await this.#task.listener.asked(input);
    switch (answer.kind) {
      case "answered":
        return { ok: true, status: "answered", message: "Continue with this answer.", answer: answer.answer };
      case "deferred":
        // What else it does is done without the answer that it needs.
        this.#ending = { tool: "task_ask", decided: true };
        return accepted("deferred", `Nobody can answer now. ${END_TURN} The task continues when there is an answer.`);
      case "refused":
        return refused(answer.reason);
    }
  }

  async #propose(input: Extract<Report, { tool: "task_propose" }>["input"]): Promise<Reply> {
    const decision = await this.#task.listener.proposed(input);
    switch (decision.kind) {
      case "added":
        return {
          ok: true,
          status: "added",
          message: "It will be done. Continue with your own task.",
          step: decision.step,
        };
      case "awaiting-approval":
        return accepted("awaiting-approval", "A person will decide. Continue with your own task.");
      case "refused":
        return refused(decision.reason);
    }
  }

  async #submit(input: Extract<Report, { tool: "plan_submit" }>["input"]): Promise<Reply> {
    const decision = await this.#task.listener.planSubmitted(input);
    if (decision.kind === "accepted")
      return accepted("accepted", `The plan has ${decision.steps} steps and was accepted. ${END_TURN}`);
    return refused(["The plan has problems. Fix them and submit it again.", ...decision.problems].join("\n- "));
  }
}

function ends(tool: ToolName): boolean {
  return tool === "task_complete" || tool === "task_fail" || tool === "plan_submit";
}

function keyOf(call: Report): string {
  // A digest, because a plan is long.
  return createHash("sha256")
    .update(`${call.tool} ${canonicalJson(call.input as Json)}`)
    .digest("base64");
}

function accepted(status: string, message: string): Reply {
  return { ok: true, status, message };
}

function refused(message: string): Reply {
  return { ok: false, message };
}

function decided(
  decision: { readonly kind: "accepted" } | { readonly kind: "refused"; readonly reason: string },
  reply: Reply,
): Reply {
  return decision.kind === "accepted" ? reply : refused(decision.reason);
}
