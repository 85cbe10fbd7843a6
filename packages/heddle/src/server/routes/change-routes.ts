/** Routes of what agents changed: files by step, the diff of one file, and the worktrees that they work in. They only look. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { orThrow } from "../../base/errors.ts";
import type { ChangesDocument, FileDiffDocument, WorktreesDocument } from "../../view/change-documents.ts";
import { askedRun, projectOf } from "../asked-run.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";

const CHANGES = "/api/projects/:project/runs/:run/changes";

const MOST_STEPS = 200;

const changedPath = z.looseObject({
  file: z.string(),
  status: z.enum(["added", "modified", "deleted", "renamed"]),
  added: z.int().nullable().describe("lines; `null`: it is not text"),
  removed: z.int().nullable(),
});

const changeSet = z.looseObject({
  of: z.enum(["integration", "merged", "captured", "worktree"]),
  from: z.string(),
  to: z.string().nullable().describe("`null`: a worktree as it is now"),
  count: z.int(),
  files: z.array(changedPath).describe("the first 1,000; `others`: steps that changed it too"),
});

export const CHANGE_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: CHANGES,
    authority: "read",
    operation: {
      id: "listChanges",
      summary:
        "The files that the steps of a run changed, step by step; of steps that work now, what is in their worktrees",
      query: z.strictObject({
        limit: wholeNumber(1, MOST_STEPS).optional().describe("at most so many steps (default: 50)"),
        cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description: "`next`: what to send as `cursor` for more; absent: there are no more",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          live: z.boolean(),
          integration: changeSet.optional().describe("what would land, on the first page"),
          items: z.array(changeSet.extend({ step: z.string() })),
          unreadable: z.array(z.looseObject({ step: z.string(), problem: z.string() })),
          next: z.string().optional(),
        }),
      },
      example: {
        answer: {
          run: "4f2a9c01d3b7",
          seq: 41,
          live: false,
          items: [
            {
              step: "api",
              of: "merged",
              from: "6c1f0aa9be",
              to: "91be04cd12",
              count: 1,
              added: 12,
              removed: 3,
              files: [{ file: "src/api.ts", status: "modified", added: 12, removed: 3, others: ["web"] }],
            },
          ],
          unreadable: [],
        },
      },
    },
    handle: async (call) => {
      const { project, run, location } = await askedRun(call);
      const { limit = 50, cursor } = call.query;
      const found = orThrow(await project.worktrees.changes(run, defined({ limit, cursor })));
      return { status: 200, json: documentJson<ChangesDocument>(found), headers: location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${CHANGES}/:file`,
    authority: "read",
    operation: {
      id: "getFileDiff",
      summary: "What happened to one file, as a unified diff",
      query: z.strictObject({
        step: z.string().min(1).max(4096).optional().describe("what this step changed; absent: what the run merged"),
      }),
      answer: {
        status: 200,
        description: "`cut`: it is larger than 512 KiB, and so many of its lines are missing",
        schema: z.looseObject({
          file: z.string(),
          patch: z.string(),
          isBinary: z.boolean(),
          cut: z.looseObject({ added: z.int(), removed: z.int() }).optional(),
        }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const of = { file: call.params["file"] ?? "", step: call.query.step };
      const found = orThrow(await asked.project.worktrees.fileDiff(asked.run, defined(of)));
      return { status: 200, json: documentJson<FileDiffDocument>(found), headers: asked.location };
    },
  }),
  apiRoute({
    method: "GET",
    path: "/api/projects/:project/worktrees",
    authority: "read",
    operation: {
      id: "listWorktrees",
      summary: "The worktrees of agents, and what would be lost with each",
      query: z.strictObject({
        run: z
          .string()
          .regex(/^[0-9a-z]{1,40}$/)
          .optional()
          .describe("of this run alone; the beginning of its id is enough"),
        sizes: z.enum(["true", "false"]).optional().describe("`true`: say how much of the disk each takes"),
      }),
      answer: {
        status: 200,
        description: "As `heddle worktrees --json`",
        schema: z.looseObject({
          worktrees: z.array(
            z.looseObject({
              run: z.string(),
              name: z.string().describe("the step's id, or with `@` before it the group's"),
              path: z.string(),
              branch: z.string().nullable(),
              state: z.enum(["saved", "unsaved", "unfinished", "stray"]),
              loss: z.string().optional(),
            }),
          ),
        }),
      },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      const { run, sizes } = call.query;
      const worktrees = orThrow(await project.worktrees.list(run, { sizes: sizes === "true" }));
      return { status: 200, json: documentJson<WorktreesDocument>({ worktrees }) };
    },
  }),
];
