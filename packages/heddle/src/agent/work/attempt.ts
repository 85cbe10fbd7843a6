/**
 * Agent attempt: takes one attempt of an agent's step from its worktree to the integration branch, with turns of the
 * agent until its work is merged or this attempt cannot succeed. Knows the order; each part is in another file.
 */
import { join, relative } from "node:path";
import { present } from "../../base/assert.ts";
import { shellWord } from "../../base/shell-word.ts";
import { defined } from "../../base/defined.ts";
import { HeddleError, messageOf, type Problem } from "../../base/errors.ts";
import type { Capture, MergeOutcome, Worktree } from "../../git/types.ts";
import type { AgentDetails, Outcome } from "../../run/attempt.ts";
import {
  conflictText,
  type Earlier,
  type MergeFailure,
  objectionPrompt,
  promptOf,
  repairPrompt,
} from "../prompt/step-prompt.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import { acquireWorktree, applyOnto, captureWork, releaseWorktree, setUp, treeForPerson } from "./attempt-worktree.ts";
import { transcriptOf } from "./commands.ts";
import { earlierReason, earlierSession, earlierWithoutWork, lastMessage } from "./earlier-attempt.ts";
import { canForbid, forbiddenPaths, forbiddenText } from "./changed-paths.ts";
import { failed, failedBy, failedCommand } from "./failures.ts";
import { mergeWork } from "./merge-step.ts";
import { omittedProblem } from "./notices.ts";
import { type Objection, objectionTo, oddSettings, unfinishedWork } from "./objections.ts";
import { folderIn, workFolder } from "./run-context.ts";
import { endOfTurn, takeTurn, type TurnEnd, type TurnRequest, usageData } from "./turn.ts";

/** Work that could not be merged. */
type UnmergedOutcome = Extract<MergeOutcome, { kind: "conflict" | "rejected" }>;

/** Never rejects. */
export async function carryOut(context: AgentAttemptContext): Promise<Outcome> {
  try {
    const found = await mergedBefore(context);
    if (found !== undefined) return found;
    return await new AgentAttempt(context).run();
  } catch (thrown) {
    const { reason } = context.cancellation;
    if (reason !== undefined) return { kind: "stopped", reason };
    return thrown instanceof HeddleError ? failedBy(thrown) : failed("error", messageOf(thrown));
  } finally {
    context.runContext.pool.release(context.cancellation);
  }
}

/** The process died between the merge and its event: nothing is done twice. */
async function mergedBefore(context: AgentAttemptContext): Promise<Outcome | undefined> {
  const { runContext, job, note } = context;
  const { step, agent } = job.task;
  const { openSince } = agent?.before ?? {};
  if (openSince === undefined) return undefined;
  const merged = (await runContext.queue.merged()).findLast((one) => one.step === step.id && one.attempt >= openSince);
  if (merged === undefined) return undefined;
  const files = await runContext.repository.commits.changedFiles(merged.onto, merged.commit);
  const { branch } = runContext.queue;
  const ref = `refs/heddle/${runContext.run}`;
  note({
    type: "worktree.merged",
    data: defined({
      branch,
      commit: merged.commit,
      onto: merged.onto,
      after: merged.after,
      captured: merged.source,
      ref,
      files,
    }),
  });
  await releaseWorktree(context);
  return {
    kind: "succeeded",
    output: { summary: `merged by attempt ${merged.attempt}`, files, commit: merged.commit },
  };
}

/** What the agent is told next, and in which session. */
type NextTurn = Pick<TurnRequest, "prompt" | "session">;

class AgentAttempt {
  readonly #context: AgentAttemptContext;
  #tree: Worktree | undefined;
  #last: AgentDetails | undefined;
  #summary = "";
  #time = 0;
  /** What the agent was told is in the way. */
  readonly #objections: Objection[] = [];

  constructor(context: AgentAttemptContext) {
    this.#context = context;
  }

  async run(): Promise<Outcome> {
    const { runContext, job, settings, note, cancellation, notices, options } = this.#context;
    const taken = await acquireWorktree(this.#context);
    if (!taken.ok) return this.#refused(taken.error);
    const { tree, holdsWork, isOnBranch } = taken.value;
    this.#tree = tree;
    note({
      type: "worktree.created",
      data: defined({
        tree: tree.name,
        path: this.#relative(tree.path),
        branch: tree.branch ?? undefined,
        base: tree.base,
        fresh: tree.fresh,
      }),
    });
    notices.tellRepository(runContext.takeNotes());
    notices.tellWorktree(tree);
    const { before } = job.task.agent ?? {};
    if (before?.resolution !== undefined && before.conflict !== undefined)
      return await this.#resolve(tree, before.resolution, before.conflict.captured);
    const ready = await setUp(this.#context, tree);
    if (cancellation.reason !== undefined) return { kind: "stopped", reason: cancellation.reason };
    if (!ready.ok) return ready.error;
    const { setup } = runContext.settings;
    const isBare = tree.fresh && setup.length === 0 && tree.included.copied.length === 0;
    if (!holdsWork && !isBare) await runContext.repository.worktrees.handOver(tree);
    const earlier = holdsWork ? await this.#earlier(tree) : earlierWithoutWork(job);
    // Only where the worktree is as the session left it.
    const session = holdsWork && isOnBranch ? earlierSession(job, settings.agent) : undefined;
    let next: NextTurn = defined({ prompt: promptOf(this.#context, tree.ports, earlier), session });
    for (;;) {
      const cwd = workFolder(runContext, options.resolveFolder, this.#here.path, job);
      if (!cwd.ok) return this.#refused(cwd.error);
      const turn = await takeTurn(this.#context, {
        ...next,
        cwd: cwd.value,
        worktree: { tree: this.#here, repository: runContext.repository },
      });
      const judged = await this.#judge(turn);
      if (!("prompt" in judged)) return judged;
      next = judged;
    }
  }

  /** Files whose conflicts in that worktree are not resolved yet. */
  async #unresolved(tree: Worktree, commit: string): Promise<readonly string[]> {
    return await this.#context.runContext.repository.captures.unresolved(tree, commit);
  }

  get #here(): Worktree {
    return present(this.#tree, "the attempt's worktree");
  }

  /** No worktree to work in. */
  #refused(problem: Problem): Outcome {
    const { reason } = this.#context.cancellation;
    return reason === undefined ? failedBy(problem) : { kind: "stopped", reason };
  }

  #relative(path: string): string {
    return relative(this.#context.options.stateDir, path);
  }

  /** The result of the turn: the attempt's outcome, or the agent's next prompt. */
  async #judge(turn: TurnEnd): Promise<Outcome | NextTurn> {
    const { note, settings } = this.#context;
    const captured = await captureWork(this.#context, this.#here);
    const { agent } = turn.outcome;
    this.#last = agent;
    note({ type: "usage.recorded", data: usageData(agent, { captured: captured.commit, ref: captured.ref }) });
    this.#context.notices.tellCapture(captured);
    const end = endOfTurn(turn, this.#context.cancellation.reason !== undefined);
    if (end !== undefined || turn.outcome.kind !== "succeeded") return end ?? turn.outcome;
    this.#summary = turn.reports.completion?.summary ?? lastMessage(turn.outcome.output);
    const unfinished = unfinishedWork(captured);
    if (unfinished !== undefined) return this.#object(unfinished);
    const { allowOmitted } = this.#context.runContext.settings;
    const missing = omittedProblem(captured, { allowOmitted, expect: settings.expect });
    if (missing !== undefined) return failed("error", missing, "left-out", true);
    const forbidden = await this.#forbidden(captured);
    if (forbidden !== undefined) return forbidden;
    if (captured.changedFiles.length === 0 && settings.expect === "changes")
      return failed(
        "error",
        "no-changes: the agent says it is done, but nothing has changed; a step that only reports needs `expect: none`",
        "no-changes",
        true,
      );
    const left = await this.#unresolved(this.#here, captured.commit);
    if (left.length > 0) {
      // A person decides about the work before it was combined with the merged state.
      const commit = this.#here.holds?.captured ?? captured.commit;
      return await this.#mergeFailed({ kind: "conflict", files: left, head: this.#here.base }, { ...captured, commit });
    }
    const { origin, repository } = this.#context.runContext;
    const isEach = this.#context.runContext.settings.merge !== "squash";
    const begin = origin.begin ?? origin.base;
    const objection = await objectionTo(captured, { origin: begin, isEach }, repository.commits);
    if (objection !== undefined) {
      const stands = objection.mayStand && this.#objections.some((told) => told.class === objection.class);
      if (!stands) return this.#object(objection);
      this.#context.notices.tellObjection(objection.reason);
    }
    const odd = await oddSettings(captured, repository.commits);
    if (odd !== undefined) this.#context.notices.tellSettings(odd);
    const refused = await this.#refusal(captured);
    const { reason } = this.#context.cancellation;
    if (reason !== undefined) return defined({ kind: "stopped", reason, agent });
    if (refused !== undefined) return refused;
    if (captured.changedFiles.length === 0) return await this.#done(captured, undefined);
    return await this.#merge(captured, { summary: this.#summary, agent }, (outcome) =>
      this.#mergeFailed(outcome, captured),
    );
  }

  /** `onUnmerged` says what follows where the work conflicts with what is merged, or fails its verification. */
  async #merge<T>(
    captured: Capture,
    { summary, agent }: { readonly summary: string; readonly agent: AgentDetails | undefined },
    onUnmerged: (outcome: UnmergedOutcome) => Promise<T>,
  ): Promise<Outcome | T> {
    const outcome = await mergeWork(this.#context, captured, summary, agent);
    const { reason } = this.#context.cancellation;
    if (reason !== undefined && outcome.kind !== "merged") return { kind: "stopped", reason };
    switch (outcome.kind) {
      case "merged":
        return await this.#done(captured, outcome);
      case "nothing":
        return await this.#done(captured, undefined);
      case "closed":
        return { kind: "stopped", reason: "cancel" };
      default:
        return await onUnmerged(outcome);
    }
  }

  /** Back to the agent, as often as with a conflict; then it fails, or passes with a notice. */
  #object(objection: Objection): Outcome | NextTurn {
    const { settings, job } = this.#context;
    if (this.#objections.length >= Math.max(settings.tries, objection.mayStand ? 1 : 0))
      return failed("error", `${objection.class}: ${objection.reason}`, objection.class, true);
    this.#objections.push(objection);
    return defined({ prompt: objectionPrompt(job.prompt, objection), session: this.#session() });
  }

  /** The last turn's, to go on in. */
  #session(): NextTurn["session"] {
    const session = this.#last?.sessionId;
    return session === undefined ? undefined : defined({ sessionId: session, totals: this.#last?.totals });
  }

  /**
   * What its agent may not change, in its work or in a commit that would be in the history. Another attempt would begin with the
   * same files.
   */
  async #forbidden({ changes, base, commit, brought }: Capture): Promise<Outcome | undefined> {
    const { settings, job, runContext } = this.#context;
    const { changesPolicy: policy } = settings;
    const { commits } = runContext.repository;
    const tree = this.#here.path;
    const place = { tree, cwd: folderIn(runContext, tree, job) };
    const problem = (names: readonly string[], also = ""): Outcome | undefined =>
      names.length === 0
        ? undefined
        : failed("error", `permission: ${forbiddenText(names)}${also}`, "permission", false);
    if (commit === base || !canForbid(policy)) return undefined;
    const moves = canForbid(policy, "move") ? await commits.moves(base, commit) : [];
    const whole = problem(forbiddenPaths(policy, { ...place, changes, moves }));
    if (whole !== undefined || runContext.settings.merge === "squash") return whole;
    const each = await commits.changesOfEach(base, commit, brought);
    return problem(forbiddenPaths(policy, { ...place, changes: each }), ", which one of its commits changes");
  }

  /** What the plan asks of the work and is not so. Asked before anything is merged: what is on the branch is done. */
  async #refusal(captured: Capture): Promise<Outcome | undefined> {
    const { settings, job, runContext } = this.#context;
    if (typeof settings.expect === "object") {
      const folder = relative(this.#here.path, folderIn(runContext, this.#here.path, job));
      const missing = settings.expect.files.filter((file) => !captured.changedFiles.includes(join(folder, file)));
      if (missing.length > 0)
        return failed(
          "error",
          `no-changes: expected files were not written: ${missing.join(", ")}`,
          "no-changes",
          true,
        );
    }
    const problem = await job.check?.({ ...this.#outputOf(captured), commit: captured.commit });
    return problem === undefined ? undefined : failed("output", problem);
  }

  #outputOf(captured: Capture): { readonly summary: string; readonly files: readonly string[] } {
    return { summary: this.#summary.slice(0, 4000), files: firstFiles(captured.changedFiles) };
  }

  /** Up the ladder: the agent that made it, then a person. */
  async #mergeFailed(outcome: UnmergedOutcome, captured: Capture): Promise<Outcome | NextTurn> {
    const { settings, note, runContext, job } = this.#context;
    const isConflict = outcome.kind === "conflict";
    const output = isConflict ? undefined : transcriptOf(outcome.failure);
    this.#time++;
    note({
      type: "worktree.conflicted",
      data: defined({
        reason: isConflict ? "conflict" : "verify",
        files: isConflict ? outcome.files : captured.changedFiles.slice(0, 100),
        head: outcome.head,
        captured: captured.commit,
        ref: captured.ref,
        time: this.#time,
        output,
      }),
    });
    const mayAgent = settings.onConflict.includes("agent") && this.#time <= settings.tries;
    if (!isConflict && !mayAgent) return failedCommand("verification", outcome.failure);
    const from = this.#here.base;
    // The same conflict, partly resolved: continue with it as it is.
    const isHalfway = isConflict && outcome.head === from && this.#here.holds !== undefined;
    if (!isHalfway) {
      const both = await applyOnto(this.#context, this.#here, outcome.head, captured.commit);
      if (!both.ok) return this.#refused(both.error);
      this.#tree = both.value;
    }
    if (!mayAgent) return await this.#askPerson(isConflict ? outcome.files : [], captured.commit);
    const mergeFailure: MergeFailure = defined({
      reason: isConflict ? "conflict" : "verify",
      files: isConflict ? outcome.files : [],
      merged: await runContext.repository.commits.subjects(from, outcome.head),
      output,
    });
    return defined({ prompt: repairPrompt(job.prompt, mergeFailure), session: this.#session() });
  }

  async #askPerson(files: readonly string[], captured: string): Promise<Outcome> {
    const { settings, runContext } = this.#context;
    const what = `its work conflicts with ${runContext.queue.branch} in ${files.join(", ")}`;
    if (!settings.onConflict.includes("human")) return failed("error", what, "conflict", false);
    return await this.#askToResolve(what, captured);
  }

  async #askToResolve(what: string, captured: string): Promise<Outcome> {
    const { job, runContext } = this.#context;
    const own = await treeForPerson(this.#context, this.#here, captured);
    if (!own.ok) return this.#refused(own.error);
    this.#tree = own.value;
    const command = `heddle resolve ${runContext.run} ${shellWord(job.task.step.id)}`;
    const question = `${what}; resolve it in its worktree and run \`${command} --continue\`, or take one side with --ours or --theirs`;
    return defined({ kind: "unresolved", about: "conflict", question, agent: this.#last });
  }

  /** A person decided: what is merged is made of both sides, or of the worktree as it was left. */
  async #resolve(tree: Worktree, choice: "ours" | "theirs" | "continue", unmerged: string): Promise<Outcome> {
    const { runContext, job, note, settings } = this.#context;
    let captured = await captureWork(this.#context, tree);
    if (choice === "continue") {
      const marked = await this.#unresolved(tree, captured.commit);
      const left = [...new Set([...marked, ...captured.unfinished.unmerged])];
      if (left.length > 0) return await this.#askPerson(left, unmerged);
      const { allowOmitted } = runContext.settings;
      const missing = omittedProblem(captured, { allowOmitted, expect: settings.expect });
      if (missing !== undefined) return await this.#askToResolve(missing, unmerged);
    } else {
      const head = await runContext.queue.head();
      const message = `${job.task.step.id}: conflicts settled (${choice})`;
      const { run, step, attempt } = job.task;
      const of = { run, step: step.id, attempt, head, commit: unmerged };
      const { captures, commits } = runContext.repository;
      const commit = await captures.takeSide({ ...of, side: choice, message });
      const changes = await commits.changes(head, commit);
      captured = { ...captured, commit, changes, changedFiles: changes.map(({ shown }) => shown) };
    }
    const work = { summary: `resolved by a person (${choice})`, agent: undefined };
    // Where the attempt is stopped, the person's decision stands for the next one.
    return await this.#merge(captured, work, async (outcome): Promise<Outcome> => {
      if (outcome.kind === "rejected") return await this.#askAfterRed(outcome, captured, unmerged);
      const { files, head } = outcome;
      note({
        type: "worktree.conflicted",
        data: { reason: "conflict", files, head, captured: captured.commit, ref: captured.ref, time: 1 },
      });
      const both = await applyOnto(this.#context, tree, head, captured.commit);
      if (!both.ok) return this.#refused(both.error);
      this.#tree = both.value;
      return await this.#askPerson(files, captured.commit);
    });
  }

  /** What a person made of the conflict does not pass: it is theirs to mend, from where it is. */
  async #askAfterRed(
    { failure, head }: Extract<MergeOutcome, { kind: "rejected" }>,
    { ref, changedFiles }: Capture,
    unmerged: string,
  ): Promise<Outcome> {
    const { settings, note } = this.#context;
    if (!settings.onConflict.includes("human")) return failedCommand("verification", failure);
    const output = transcriptOf(failure);
    const files = changedFiles.slice(0, 100);
    note({
      type: "worktree.conflicted",
      data: { reason: "verify", files, head, captured: unmerged, ref, time: 1, output },
    });
    return await this.#askToResolve(`what was made of its conflict fails verification (${failure.reason})`, unmerged);
  }

  async #done(captured: Capture, merged: Extract<MergeOutcome, { kind: "merged" }> | undefined): Promise<Outcome> {
    const { runContext, note, proposals } = this.#context;
    const output = this.#outputOf(captured);
    if (merged !== undefined) {
      const { commit, onto, after } = merged;
      const { branch } = runContext.queue;
      // Not what differs from the begin: others may have made the same change, or changed the file since.
      const files = firstFiles(await runContext.repository.commits.changedFiles(onto, commit));
      note({
        type: "worktree.merged",
        data: defined({ branch, commit, onto, after, captured: captured.commit, ref: captured.ref, files }),
      });
    }
    this.#context.notices.tellRepository(runContext.takeNotes());
    await releaseWorktree(this.#context, this.#here);
    const steps = proposals.steps();
    return defined({
      kind: "succeeded",
      output: defined({ ...output, commit: merged?.commit }),
      steps: steps.length === 0 ? undefined : steps,
      agent: this.#last,
    });
  }

  /** What an earlier attempt left in the worktree. */
  async #earlier(tree: Worktree): Promise<Earlier> {
    const now = await captureWork(this.#context, tree);
    const diff = await this.#context.runContext.repository.commits.diffStat(tree.base, now.commit);
    const earlier = earlierReason(this.#context.job);
    const open = await this.#unresolved(tree, now.commit);
    return { ...earlier, reason: open.length === 0 ? earlier.reason : conflictText(open), diff };
  }
}

/** Names in an output, and characters of them together: far below what the journal takes of one. */
const MOST_FILES = 1000;
const MOST_NAME_CHARACTERS = 200_000;

function firstFiles(files: readonly string[]): readonly string[] {
  let characters = 0;
  const first = files.slice(0, MOST_FILES);
  const end = first.findIndex((name) => (characters += name.length) > MOST_NAME_CHARACTERS);
  return end < 0 ? first : first.slice(0, end);
}
