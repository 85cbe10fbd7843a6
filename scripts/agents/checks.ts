/**
 * Checks of real agents: for each what the model does, what the plan says, and what has to come of it. Data, and functions of
 * what was seen.
 */
import type { JsonObject } from "../../packages/heddle/src/base/json.ts";
import type { ModelScript, Served } from "./model-server.ts";
import type { AgentForm } from "./programs.ts";
import { TOKENS, type ModelAct } from "./wire-formats.ts";

/** What came of a run. */
export interface Seen {
  readonly exitCode: number | undefined;
  /** Class of the step's failure; undefined: it did not fail. */
  readonly failure?: string;
  /** Of the step, as the agent reported it. */
  readonly summary?: string;
  /** What was said of the failure, or why the plan was refused. */
  readonly said: string;
  /** Files of the branch after the run, by name, that were not there before. */
  readonly landed: Readonly<Record<string, string>>;
  /** Files that the model's acts made outside the worktree. */
  readonly outside: readonly string[];
  readonly usage?: { readonly input?: number; readonly cachedRead?: number; readonly output?: number };
  readonly served: Served;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly script: ModelScript;
  /** Added to `agents:` of the plan. */
  readonly agents?: JsonObject;
  /** Added to the step's `agent:`. */
  readonly step?: JsonObject;
  /** Needs bubblewrap. */
  readonly needsBox?: true;
  /** heddle is killed when the worktree has this file, and the run resumed. */
  readonly killAt?: string;
  /** Before that the agent's home folder is emptied, its sessions with it. */
  readonly forgets?: true;
  /** What is wrong with what was seen; undefined: nothing. */
  readonly wrong: (seen: Seen, form: AgentForm) => string | undefined;
}

const HELLO: ModelAct = { kind: "write", path: "hello.txt", text: "hello" };
const RAN: ModelAct = { kind: "run", command: "echo ran > ran.txt" };
const DONE: ModelAct = { kind: "say", text: "All done." };
const WORK: readonly ModelAct[] = [HELLO, RAN, DONE];

/** Stands still the first time. */
const STANDS: ModelAct = { kind: "run", command: "if [ ! -e ran.txt ]; then echo ran > ran.txt; sleep 120; fi" };

function worked({ exitCode, landed, failure, said }: Seen): string | undefined {
  if (exitCode !== 0) return `exit code ${exitCode}: ${failure ?? ""} ${said}`;
  const files = Object.entries(landed).map(([name, text]) => `${name}=${text.trim()}`);
  const names = files.toSorted().join(" ");
  return names === "hello.txt=hello ran.txt=ran" ? undefined : `landed: ${names}`;
}

const failedAs =
  (...classes: readonly string[]) =>
  ({ exitCode, failure, said, landed }: Seen): string | undefined =>
    exitCode === 1 && classes.includes(failure ?? "") && Object.keys(landed).length === 0
      ? undefined
      : `exit code ${exitCode}: ${failure ?? "no failure"} ${said}`;

/** Whether the usage told is that of what was served; what an agent does not tell is not held against it. */
function wrongUsage({ usage, served }: Seen, form: AgentForm): string | undefined {
  const { answers } = served;
  const told = `${usage?.input ?? "-"}/${usage?.cachedRead ?? "-"}/${usage?.output ?? "-"}`;
  const { input, cached, output } = TOKENS;
  const expected =
    form.usage === "none"
      ? "-/-/-"
      : form.usage === "no-cached"
        ? `${answers * (input + cached)}/-/${answers * output}`
        : `${answers * input}/${answers * cached}/${answers * output}`;
  return told === expected ? undefined : `usage ${told} of ${expected}`;
}

const refusal = (status: number, message: string, times?: number): ModelScript => ({
  acts: WORK,
  refuse: times === undefined ? { status, message } : { status, message, times },
});

export const CHECKS: readonly Check[] = [
  {
    id: "work",
    title: "edits, runs a command, is merged and lands; usage",
    script: { acts: WORK },
    wrong: (seen, form) => worked(seen) ?? wrongUsage(seen, form),
  },
  {
    id: "box",
    title: "the same in heddle's sandbox",
    script: { acts: WORK },
    agents: { sandbox: "require" },
    needsBox: true,
    wrong: worked,
  },
  {
    id: "deny-path",
    title: "`deny: edit, path: infra/**`",
    script: { acts: [{ kind: "write", path: "infra/x.tf", text: "x" }, HELLO, DONE] },
    step: { permissions: { rules: [{ deny: "edit", path: "infra/**" }] } },
    wrong: (seen) =>
      seen.exitCode === 0
        ? Object.keys(seen.landed).join() === "hello.txt"
          ? undefined
          : `landed: ${Object.keys(seen.landed).join(" ")}`
        : failedAs("permission")(seen),
  },
  {
    id: "deny-command",
    title: '`deny: execute, command: "echo secret*"`',
    script: { acts: [{ kind: "run", command: "echo secret > secret.txt" }, HELLO, DONE] },
    step: { permissions: { rules: [{ deny: "execute", command: "echo secret*" }] } },
    wrong(seen) {
      if (seen.exitCode === 2) return seen.said.includes("RuleNotEnforceable") ? undefined : seen.said;
      if ("secret.txt" in seen.landed) return "secret.txt landed";
      return seen.exitCode === 0 || seen.failure === "permission" ? undefined : `${seen.failure} ${seen.said}`;
    },
  },
  {
    id: "read-only",
    title: "`permissions: read-only`",
    script: { acts: WORK },
    step: { permissions: "read-only", expect: "none" },
    wrong: ({ landed, outside }) =>
      Object.keys(landed).length === 0 && outside.length === 0 ? undefined : `landed: ${Object.keys(landed).join(" ")}`,
  },
  {
    id: "outside",
    title: "writes beside its worktree, in heddle's sandbox",
    script: { acts: [{ kind: "run", command: 'echo x > "$HOME/../outside.txt"' }, HELLO, DONE] },
    agents: { sandbox: "require" },
    needsBox: true,
    wrong: ({ outside }) => (outside.length === 0 ? undefined : `written: ${outside.join(" ")}`),
  },
  { id: "429-twice", title: "429 twice", script: refusal(429, "Rate limit reached for requests", 2), wrong: worked },
  {
    id: "429",
    title: "429 for ever",
    script: refusal(429, "Rate limit reached for requests"),
    wrong: failedAs("rate-limit", "stall"),
  },
  { id: "401", title: "401", script: refusal(401, "invalid x-api-key"), wrong: failedAs("auth") },
  {
    id: "400",
    title: "400",
    script: refusal(400, "tools.0: no such tool"),
    // Words that nobody knows are a crash, whatever their status was.
    wrong: (seen, form) => failedAs(form.hidesStatus === true ? "crash" : "bad-request")(seen),
  },
  {
    id: "404",
    title: "404, a wrong model",
    script: refusal(404, "model: fake-1 not found"),
    wrong: failedAs("bad-request"),
  },
  { id: "500-once", title: "500 once", script: refusal(500, "Internal server error", 1), wrong: worked },
  {
    id: "500",
    title: "500 for ever",
    script: refusal(500, "Internal server error"),
    wrong: failedAs("overloaded", "stall"),
  },
  {
    id: "report",
    title: "reports by heddle's tools",
    script: { acts: [HELLO, RAN, { kind: "report", summary: "reported by a tool" }, DONE] },
    wrong: (seen) => worked(seen) ?? (seen.summary === "reported by a tool" ? undefined : `summary: ${seen.summary}`),
  },
  {
    id: "kill",
    title: "heddle killed in the middle of a command, and resumed",
    script: { acts: [HELLO, STANDS, DONE] },
    killAt: "ran.txt",
    wrong: worked,
  },
  {
    id: "forgets",
    title: "the same, with the agent's sessions gone",
    script: { acts: [HELLO, STANDS, DONE] },
    killAt: "ran.txt",
    forgets: true,
    wrong: worked,
  },
  { id: "nothing", title: "says done, has done nothing", script: { acts: [DONE] }, wrong: failedAs("no-changes") },
];
