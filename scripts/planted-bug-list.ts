/** Bugs to be planted, each with the tests that have to find it: see `planted-bugs.ts`. */

export interface Bug {
  readonly name: string;
  /** Below packages/heddle/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Below packages/heddle/test: those that have to find it by themselves. Absent: all. */
  readonly tests?: readonly string[];
}

/** What the reducer promises of its state. */
const PURITY = ["run/purity.test.ts"];

/** What plans inside plans promise. */
const SUBPLANS = ["run/subplans.test.ts"];

/** What agents write is kept, and merged as it should be. */
const CONSERVATION = ["git/conservation.test.ts"];

/** What is shown of a run is what its history says. */
const SHOWN = ["view/follower.test.ts", "view/ready-times.test.ts", "run/reasons.test.ts"];

/** A request with a key is carried out once. */
const REMEMBERED = ["journal/suite.test.ts"];

/** A run at one event is the same from a snapshot and from its history. */
const FOUND_AGAIN = ["project/run-snapshots.test.ts"];

export const BUGS: readonly Bug[] = [
  {
    name: "a request that was answered is carried out again",
    file: "journal/keyed-request.ts",
    from: '  if (kept.answer !== undefined) return { kind: "done", answer: kept.answer };\n',
    to: "",
    tests: REMEMBERED,
  },
  {
    name: "another request gets the answer of a keyed request",
    file: "journal/keyed-request.ts",
    from: '  if (kept.digest !== request.digest) return { kind: "other-request" };\n',
    to: "",
    tests: REMEMBERED,
  },
  {
    name: "what follows from a keyed request gets another name when it is taken over",
    file: "journal/sqlite/idempotency.ts",
    from: "const effect = known?.effect ?? request.effect;",
    to: "const effect = request.effect;",
    tests: REMEMBERED,
  },
  {
    name: "a restored state shares the children of containers with the one that goes on",
    file: "run/copy-state.ts",
    from: "children: [...container.children]",
    to: "children: container.children",
    tests: FOUND_AGAIN,
  },
  {
    name: "a restored timeline shares open attempts with the one that goes on",
    file: "view/timeline.ts",
    from: "span.endedAt === null ? { ...span } : span",
    to: "span",
    tests: FOUND_AGAIN,
  },
  {
    name: "a patch has the steps of its events alone",
    file: "run/queue.ts",
    from: `  index.touched?.add(step);\n`,
    to: "",
    tests: SHOWN,
  },
  {
    name: "a failure that ends a run changes no row of what waits",
    file: "view/follower.ts",
    from: "endingOf(state) !== ending",
    to: "false",
    tests: SHOWN,
  },
  {
    name: "what a step waits for in a paused run is what is short",
    file: "run/reasons.ts",
    from: `  if (run.kinds.length > 0) return run.kinds.map(of);\n`,
    to: "",
    tests: SHOWN,
  },
  {
    name: "a step is ready since the run began",
    file: "run/queue.ts",
    from: "state.arrivedTimes[step] = state.lastTime;",
    to: "state.arrivedTimes[step] = state.startedAt ?? 0;",
    tests: SHOWN,
  },
  {
    name: "the time of a run begins anew with each resume",
    file: "engine/scheduler.ts",
    from: "options.timeoutMs - workedMs",
    to: "options.timeoutMs",
    tests: ["engine/limits.test.ts"],
  },
  {
    name: "an answer without an engine counts as work of one",
    file: "run/apply.ts",
    from: "if (!state.endsAnswered) state.workedUntil",
    to: "state.workedUntil",
    tests: ["engine/limits.test.ts"],
  },
  {
    name: "an output counts as wrong whose check was given up",
    file: "engine/executor.ts",
    from: "if (this.#stopReason !== undefined) return defined({",
    to: "if (this.#isKilled) return defined({",
    tests: ["engine/output-checks.test.ts"],
  },
  {
    name: "dropped commits are not kept",
    file: "git/capture.ts",
    from: "if (unreachable.length === 0) return [];",
    to: "return [];",
    tests: CONSERVATION,
  },
  {
    name: "names of files are decoded",
    file: "git/path-bytes.ts",
    from: "if (isUtf8(bytes)) return",
    to: "return",
    tests: CONSERVATION,
  },
  {
    name: "work is measured from git's merge base",
    file: "git/capture-parents.ts",
    from: "if (isOnTop.code !== 0) return MOVED;",
    to: "if (isOnTop.code !== 0) return ONLY_OWN;",
    tests: CONSERVATION,
  },
  {
    name: "what is in merge commits alone is dropped",
    file: "git/merge-candidate.ts",
    from: "makeCommit(repository, { tree: whole, parents: [onto], message: request.message, atMs })",
    to: "makeCommit(repository, { tree, parents: [onto], message: request.message, atMs })",
    tests: ["git/history-endings.test.ts"],
  },
  {
    name: "what a sparse folder lacks is removed",
    file: "git/agent-index.ts",
    from: "if (absent.length === 0) return { absent: new Set(), missing: [] };",
    to: "return { absent: new Set(), missing: [] };",
    tests: ["git/checkout-styles.test.ts"],
  },
  {
    name: "work in a submodule is not seen",
    file: "git/submodules.ts",
    from: "if (unpushed !== undefined) return unpushed;",
    to: "",
    tests: CONSERVATION,
  },
  {
    name: "what a filter converts is stored as it is",
    file: "git/content-filters.ts",
    from: "if (filters.size === 0) return [];",
    to: "return [];",
    tests: CONSERVATION,
  },
  {
    name: "a subplan has one attempt too many",
    file: "run/slots.ts",
    from: `const isShort = (use?.slots ?? 0) >= attempts;`,
    to: `const isShort = (use?.slots ?? 0) > attempts;`,
    tests: SUBPLANS,
  },
  {
    name: "an open subplan gives back what it holds",
    file: "run/set-phase.ts",
    from: `if (tag === "running" || tag === "expanded" ||`,
    to: `if (tag === "running" ||`,
    tests: SUBPLANS,
  },
  {
    name: "a failure in a subplan that goes on ends the run",
    file: "run/failures.ts",
    from: `    if (mode === "continue") return;\n`,
    to: "",
    tests: SUBPLANS,
  },
  {
    name: "things are reserved for what waits for a subplan that holds",
    file: "run/decide.ts",
    from: `hasWaited && !asksForHeld(state, lane)`,
    to: `hasWaited`,
    tests: SUBPLANS,
  },
  {
    name: "a subplan goes on without what it held before",
    file: "run/queue.ts",
    from: `return state.volatile.holding.has(container) || !holdsWhileOpen(stepAt(state, container), state.rules);`,
    to: `return container >= 0;`,
    tests: SUBPLANS,
  },
  {
    name: "a failed dep counts as done",
    file: "run/state.ts",
    from: `return phase.tag === "skipped" && (phase.reason.kind === "condition" || phase.reason.kind === "up-to-date");`,
    to: `return phase.tag === "failed" || (phase.tag === "skipped" && phase.reason.kind !== "dependency");`,
  },
  {
    name: "a resume runs recorded successes again",
    file: "run/resume.ts",
    from: `    case "failed":\n    case "cancelled": {`,
    to: `    case "succeeded":\n    case "failed":\n    case "cancelled": {`,
  },
  {
    name: "one slot too many",
    file: "run/slots.ts",
    from: "return index.slots >= options.maxConcurrency;",
    to: "return index.slots > options.maxConcurrency;",
  },
  {
    name: "another number of slots is recorded and not kept",
    file: "run/apply.ts",
    from: "  state.options = withConcurrency(state.options, maxConcurrency);\n",
    to: "  void maxConcurrency;\n",
    tests: ["simulation"],
  },
  {
    name: "a run that is no more one step at a time keeps the order of its queues",
    file: "run/apply.ts",
    from: "if (state.options.sequential !== sequential) rebuildIndex(state);",
    to: "void sequential;",
    tests: ["run/concurrency.test.ts"],
  },
  {
    name: "slots are not given back by what fails",
    file: "run/set-phase.ts",
    from: `if (before.tag === "running" && phase.tag !== "running") releaseSlots(state, step);`,
    to: `if (before.tag === "running" && phase.tag === "succeeded") releaseSlots(state, step);`,
  },
  {
    name: "nothing is reserved for a large step",
    file: "run/decide.ts",
    from: ">= PATIENCE;",
    to: ">= Infinity;",
  },
  {
    name: "a writer does not mind readers",
    file: "run/slots.ts",
    from: "use.readers + use.writers > 0",
    to: "use.writers > 0",
  },
  {
    name: "one attempt too many",
    file: "run/retry.ts",
    from: "failed >= policy.attempts",
    to: "failed > policy.attempts",
  },
  {
    name: "the limit of a forEach is not asked for",
    file: "run/slots.ts",
    from: "?.running ?? 0) < limit) return full;",
    to: "?.running ?? 0) <= limit) return full;",
  },
  {
    name: "layers open early",
    file: "run/queue.ts",
    from: "(state.layers[step] ?? 0) > state.index.openLayer",
    to: "(state.layers[step] ?? 0) > state.index.openLayer + 1",
  },
  {
    name: "a container does not wait for steps that its items added",
    file: "run/add-steps.ts",
    from: `present(state.index.containers.get(parent), "container").left += added.length;`,
    to: `present(state.index.containers.get(parent), "container").left += 0;`,
  },
  {
    name: "the oldest success is undone first",
    file: "run/finish.ts",
    from: "for (let at = state.successes.length - 1; at >= 0; at--) {",
    to: "for (let at = 0; at < state.successes.length; at++) {",
  },
  {
    name: "canonical histories keep the order of chance",
    file: "run/canonical-history.ts",
    from: "compareOrder(a.order, b.order) ||",
    to: "a.event.seq - b.event.seq ||",
  },
  {
    name: "a paused run spins over a due attempt",
    file: "run/decide.ts",
    from: `index.retries.first !== undefined && state.phase.tag !== "paused")`,
    to: "index.retries.first !== undefined)",
  },
  {
    name: "what ends early stays in the queues",
    file: "run/shelter.ts",
    from: "return state.volatile.stoppedAt !== undefined && !isSheltered(state, step);",
    to: "return false;",
  },
  {
    name: "a run that ends early starts nothing, also what is always to run",
    file: "run/decide.ts",
    from: "  if (!hasSheltered(state)) return closeDown(state);",
    to: "  return closeDown(state);",
    tests: ["engine/always.test.ts"],
  },
  {
    name: "what is always to run is stopped with the rest",
    file: "run/finish.ts",
    from: "  return !isSheltered(state, step, inside);",
    to: "  return true;",
    tests: ["engine/always.test.ts"],
  },
  {
    name: "a resume keeps what is always to run as it is",
    file: "engine/engine.ts",
    from: "reset: withAlwaysAgain(state, planned.value.reset)",
    to: "reset: planned.value.reset",
    tests: ["engine/always.test.ts"],
  },
  {
    name: "a signal that came too late is taken",
    file: "run/listeners.ts",
    from: "      if (oldest.time >= closesAt(state, step)) continue;\n",
    to: "",
    tests: ["run/waits.test.ts"],
  },
  {
    name: "a signal that is delivered twice counts twice",
    file: "run/input-events.ts",
    from: " || (id !== undefined && state.signalIds.has(id))",
    to: "",
    tests: ["run/waits.test.ts"],
  },
  {
    name: "attempts are carried out before their start is on disk",
    file: "engine/scheduler.ts",
    from: "    const committed = await this.#recorder.commit();",
    to: "    for (const effect of effects) this.#dispatcher.carryOut(effect);\n    const committed = await this.#recorder.commit();",
  },
  {
    name: "listeners are told before the disk",
    file: "engine/recorder.ts",
    from: "    const appended = await journal.append(lease, batch, { summary: summaryOf(state) });",
    to: "    for (const event of batch) for (const listener of this.#listeners) listener(event);\n    const appended = await journal.append(lease, batch, { summary: summaryOf(state) });\n    if (appended.ok) return ok(undefined);",
  },
  {
    name: "a failed append is ignored",
    file: "engine/recorder.ts",
    from: "if (!appended.ok) return err(appendProblem(appended.error, state.run));",
    to: `if (!appended.ok && appended.error.kind === "conflict") return err(appendProblem(appended.error, state.run));`,
  },
  {
    name: "what a dead engine left goes on",
    file: "engine/engine.ts",
    from: `    await ports.backend.sweep(run, state.plan.graceMs ?? DEFAULT_GRACE_MS);\n    const isNewPlan`,
    to: "    const isNewPlan",
  },
  {
    name: "an input that comes during a commit is lost",
    file: "engine/scheduler.ts",
    from: "if (this.#isAwake) continue;",
    to: "if (this.#inputs.length > 1) continue;",
  },
  {
    name: "a request is settled before its event is on disk",
    file: "engine/control-channel.ts",
    from: "const isRecorded = await handle(",
    to: "const isRecorded = true;\n  void handle(",
  },
  {
    name: "a lock is granted and never used",
    file: "engine/project-locks.ts",
    from: "await this.#giveWay(step);",
    to: "",
  },
  {
    name: "an attempt that follows at once builds on a lock that was given back",
    file: "run/transition.ts",
    from: "    this.#locks = new Set([...this.#locks].filter((other) => other !== step));\n",
    to: "",
  },
  {
    name: "an attempt that nobody stopped counts as cancelled",
    file: "run/outcome-events.ts",
    from: " ?? errorOfUnaskedStop(state, index, outcome, clockInputs);",
    to: ";",
  },
  {
    name: "a step's end is told twice to its container",
    file: "run/set-phase.ts",
    from: "    container.left--;",
    to: "    container.left -= 2;",
  },
  {
    name: "a container that was cut short counts as succeeded",
    file: "run/finish.ts",
    from: "const reason = cut ??",
    to: "const reason = (state.index.containers.get(step)?.left === 0 ? undefined : cut) ??",
  },
  {
    name: "a decision drops what it looked at",
    file: "run/decide.ts",
    from: "  const step = state.index.arrivals.first;\n",
    to: '  const step = state.index.arrivals.first;\n  if (step !== undefined && stepAt(state, step).if === "false") state.index.arrivals.delete(step);\n',
    tests: PURITY,
  },
  {
    name: "a decision notes something as a fact",
    file: "run/decide.ts",
    from: "  const candidates = readyLanes(state);\n",
    to: "  const candidates = readyLanes(state);\n  state.starts += candidates.length > 1 ? 1 : 0;\n",
    tests: PURITY,
  },
  {
    name: "a fact changes without an event",
    file: "run/transition.ts",
    from: "        volatile.due.add(command.step);\n",
    to: "        volatile.due.add(command.step);\n        this.#state.attemptBase[command.step] = 0;\n        this.#state.arrived++;\n",
    tests: PURITY,
  },
  {
    name: "the index forgets that a step came back",
    file: "run/set-phase.ts",
    from: "  index.open++;\n",
    to: "",
    tests: PURITY,
  },
  {
    name: "a fact depends on what only the engine knows",
    file: "run/apply.ts",
    from: "      state.starts++;\n",
    to: "      state.starts += state.volatile.due.size > 0 ? 2 : 1;\n",
    tests: PURITY,
  },
];
