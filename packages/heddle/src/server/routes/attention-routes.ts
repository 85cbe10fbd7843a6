/** Route of what waits for people, over all projects. */
import { z } from "zod";
import type { AttentionList } from "../../view/protocol.ts";
import { attentionIn } from "../attention.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";

const MOST_ITEMS = 200;
const limit = z.coerce.number().int().min(1).max(MOST_ITEMS).optional() as unknown as z.ZodType<number | undefined>;

const item = z.looseObject({
  project: z.string(),
  run: z.string(),
  plan: z.string(),
  step: z.string().optional().describe("absent: the run as a whole"),
  kind: z.enum(["approval", "interrupt", "conflict", "question", "permission", "interrupted"]),
  question: z.string().optional(),
  options: z.array(z.string()).optional(),
  waitingSince: z.int().describe("milliseconds since the epoch"),
  holdsUp: z.int().describe("steps that cannot end before it"),
  onCriticalPath: z.boolean(),
});

export const ATTENTION_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/api/attention",
    authority: "read",
    operation: {
      id: "listAttention",
      summary: "What waits for a person in all projects, what holds up most first",
      query: z.strictObject({
        limit: limit.describe("at most so many (default: 50)"),
        cursor: z.string().max(2000).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description: "Questions, conflicts, and runs whose process died; `unreadable`: what could not be looked at",
        schema: z.looseObject({
          items: z.array(item),
          next: z.string().optional(),
          unreadable: z.array(z.looseObject({ project: z.string(), run: z.string().optional(), problem: z.string() })),
          isPartial: z.boolean().describe("there are runs that were not looked at"),
        }),
      },
    },
    handle: async ({ world, query: { limit: most = 50, cursor } }) => ({
      status: 200,
      json: documentJson<AttentionList>(
        await attentionIn(world.projects, { names: world.projects.names, limit: most, cursor }),
      ),
    }),
  }),
];
