/** Routes of a conflict that waits for a person: its files, both sides of each, and decisions about them, which the run is not told of until it is resolved. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { orThrow } from "../../base/errors.ts";
import type { ConflictDocument, ConflictFileDocument, FileDecision } from "../../view/conflict-documents.ts";
import { askedRun } from "../asked-run.ts";
import { problemResponse, resolutionMoved } from "../problem.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";

const CONFLICT = "/api/projects/:project/runs/:run/steps/:step/conflict";

/** A text of 1 MiB, each character of which may be six in JSON. */
const DECISION_LIMIT = 8 * 1024 * 1024;

const side = z.looseObject({
  kind: z.enum(["file", "program", "link", "submodule", "folder"]),
  bytes: z.int(),
  text: z.string().optional().describe("absent: it is no text in UTF-8, or longer than 1 MiB"),
});

const line = z.looseObject({
  file: z.string(),
  kind: z
    .enum(["text", "whole", "manual"])
    .describe("`whole`: no text, one side is taken or none; `manual`: only git can settle it, in the worktree"),
  base: side.nullable(),
  ours: side.nullable().describe("the run's branch; `null`: it has no such file"),
  theirs: side.nullable().describe("the step's work"),
  state: z.enum(["open", "settled", "stored"]).describe("`settled`: in the worktree, by its agent or by hand"),
  etag: z.string().describe("what to send as `If-Match` with a decision"),
});

const intent = z.looseObject({ step: z.string(), files: z.array(z.string()) });

const range = z.looseObject({
  from: z.int().positive(),
  to: z.int().positive().describe("the line behind the last one"),
});

const file = line.extend({
  marked: z.string().optional().describe("what goes together, with markers around what does not"),
  regions: z.array(z.looseObject({ marked: range, base: range, ours: range, theirs: range })),
  result: z
    .looseObject({ from: z.enum(["stored", "worktree"]) })
    .optional()
    .describe("what was decided, or is in the worktree: a `text`, or the side that is to be taken"),
});

const decision = z.strictObject({
  text: z.string().optional().describe("the whole file"),
  take: z.enum(["ours", "theirs", "none"]).optional().describe("as one side has it, or `none`: it is removed"),
  withdraw: z.literal(true).optional().describe("what was stored counts no more"),
});

export const CONFLICT_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: CONFLICT,
    authority: "read",
    operation: {
      id: "getConflict",
      summary: "The conflict that a step asks about: its files, what goes together, what was wanted of both sides",
      answer: {
        status: 200,
        description: "`verify`: what must pass on the merged commit before the branch moves",
        schema: z.looseObject({
          run: z.string(),
          step: z.string(),
          seq: z.int(),
          question: z.string(),
          worktree: z.string(),
          intents: z.looseObject({ ours: z.array(intent), theirs: intent }),
          files: z.array(line.extend({ regions: z.int() })),
          count: z.int(),
          clean: z.array(z.looseObject({ file: z.string() })),
          cleanCount: z.int(),
          verify: z.array(z.string()),
          rejected: z.looseObject({ output: z.string() }).optional().describe("what the last decision failed on"),
        }),
      },
      problems: ["state"],
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const found = orThrow(await asked.project.worktrees.conflict(asked.run, call.params["step"] ?? ""));
      return { status: 200, json: documentJson<ConflictDocument>(found), headers: asked.location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${CONFLICT}/:file`,
    authority: "read",
    operation: {
      id: "getConflictFile",
      summary: "One file of a conflict: both sides, what they began at, and the places where both changed",
      answer: { status: 200, description: "`ETag` names what is decided and what is in the worktree", schema: file },
      problems: ["state"],
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const of = { step: call.params["step"] ?? "", file: call.params["file"] ?? "" };
      const found = orThrow(await asked.project.worktrees.conflictFile(asked.run, of));
      return {
        status: 200,
        json: documentJson<ConflictFileDocument>(found),
        headers: { etag: found.etag, ...asked.location },
      };
    },
  }),
  apiRoute({
    method: "PUT",
    path: `${CONFLICT}/:file`,
    authority: "act",
    bodyLimit: DECISION_LIMIT,
    operation: {
      id: "decideConflictFile",
      summary: "Keep how a file of a conflict is to be; nothing is done with it before the conflict is resolved",
      body: decision.refine(
        ({ text, take, withdraw }) => [text, take, withdraw].filter((one) => one !== undefined).length === 1,
        { error: "must have one of `text`, `take` and `withdraw`" },
      ),
      answer: { status: 200, description: "As it is now, with its new `ETag`", schema: file },
      problems: ["state", "precondition-failed", "precondition-needed"],
      example: { body: { take: "theirs" } },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const seen = call.headers.get("if-match");
      if (seen === null) {
        const detail = "The header `If-Match` is missing";
        const hint = "Send the `etag` of the file as you saw it.";
        return problemResponse({ slug: "precondition-needed", detail, hint }, call.instance);
      }
      const wish = { step: call.params["step"] ?? "", file: call.params["file"] ?? "", seen };
      const decided = await asked.project.worktrees.decide(
        asked.run,
        defined({ ...wish, decision: decisionOf(call.body) }),
      );
      const moved = decided.ok ? undefined : resolutionMoved(decided.error);
      if (moved !== undefined) return problemResponse(moved, call.instance);
      const found = orThrow(decided);
      return { status: 200, json: documentJson<ConflictFileDocument>(found), headers: { etag: found.etag } };
    },
  }),
];

function decisionOf({ text, take }: z.infer<typeof decision>): FileDecision | undefined {
  if (text !== undefined) return { text };
  return take === undefined ? undefined : { take };
}
