/** Routes of logs: what an attempt wrote, by lines, and a search over all of it. Text of others: it is sent as data, never as a page. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { orThrow } from "../../base/errors.ts";
import type { LogEnd } from "../../project/log-index.ts";
import type { LogQuery } from "../../project/log-search.ts";
import type { AttemptLog, Project } from "../../project/port.ts";
import type { LogPage, LogSearchPage } from "../../view/protocol.ts";
import { askedLog, noAttemptLog } from "../asked-log.ts";
import { isKnownLog, logResponse, logState, rangeOf } from "../log-answer.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";

const LOG = "/api/projects/:project/runs/:run/steps/:step/attempts/:attempt/log";

/** Lines of one answer; the answer says where the next ones begin. */
const MOST_LINES = 10_000;
const MOST_FOUND = 1000;
/** Pieces of a log, each of 1 MiB, that are counted for a quick answer: some 10 ms. */
const QUICK_PIECES = 8;

export const LOG_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: LOG,
    authority: "read",
    operation: {
      id: "getLog",
      summary: "Lines of an attempt's log, or its bytes",
      query: z.strictObject({
        from: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("number of the first line (default: 1)"),
        limit: wholeNumber(1, MOST_LINES).optional().describe(`at most so many (default and most: ${MOST_LINES})`),
        tail: wholeNumber(1, MOST_LINES).optional().describe("the last so many instead"),
        quick: z
          .enum(["true", "false"])
          .optional()
          .describe(
            "`true`: count at most 8 MiB of the log for this answer, and guess the rest; ask again to count further",
          ),
        raw: z.literal("true").optional().describe("the log as it is, as text to be kept in a file"),
      }),
      answer: {
        status: 200,
        description:
          "`next`: the number of the line behind these; absent: there is none yet. Long lines may come in fewer lines than asked for. " +
          "`offset`, `end`: where these lines begin and end in the file, in bytes. `isGuess`: not all lines were counted yet: `totalLines`, " +
          "and `from` where the last lines were asked for, are near. `isCut`: the only line is longer than 1 MiB, of which this is the " +
          "beginning, or the end where the last lines were asked for. `isOpen`: the last line has no line break yet",
        schema: z.looseObject({
          from: z.int().positive(),
          lines: z.array(z.string()),
          next: z.int().optional(),
          totalLines: z.int(),
          totalBytes: z.int(),
          offset: z.int(),
          end: z.int(),
          isGuess: z.literal(true).optional(),
          isCut: z.literal(true).optional(),
          isOpen: z.literal(true).optional(),
        }),
      },
    },
    handle: async (call) => {
      const { project, ...of } = await askedLog(call);
      const { from = 1, limit = MOST_LINES, tail, quick, raw } = call.query;
      const state = await logState(project.logs, of);
      const { etag } = state;
      const isCounted = quick !== "true";
      if (isCounted && isKnownLog(state, call.headers)) return new Response(null, { status: 304, headers: { etag } });
      const range = rangeOf(call.headers, state);
      if (raw === "true" || range !== undefined)
        return await logResponse(project.logs, of, { state, range, instance: call.instance });
      const pieces = quick === "true" ? QUICK_PIECES : undefined;
      const found =
        tail === undefined
          ? await linesOf(project, of, { from, to: from + limit - 1, pieces })
          : await project.logs.last(of, tail, pieces);
      if (found === undefined) throw noAttemptLog(of);
      const page = logPage(found);
      const headers: Record<string, string> = {
        "accept-ranges": "bytes",
        "heddle-log-bytes": String(page.totalBytes),
      };
      // Counting further changes a guess, and not the log.
      if (page.isGuess === undefined) Object.assign(headers, { etag, "heddle-log-lines": String(page.totalLines) });
      return { status: 200, json: documentJson<LogPage>(page), headers };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${LOG}/search`,
    authority: "read",
    operation: {
      id: "searchLog",
      summary: "Look through an attempt's log, for two seconds at most",
      query: z.strictObject({
        q: z.string().min(1).max(500).describe("what is looked for"),
        regex: z.enum(["true", "false"]).optional().describe("`q` is a regular expression for one line"),
        case: z.enum(["true", "false"]).optional().describe("`false`: large and small letters are the same"),
        limit: wholeNumber(1, MOST_FOUND).optional(),
        after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the answer before"),
      }),
      answer: {
        status: 200,
        description: "`next`: the time or the limit came before the end of the log; send it as `after`",
        schema: z.looseObject({
          hits: z.array(z.looseObject({ line: z.int(), offset: z.int(), excerpt: z.string() })),
          next: z.int().optional(),
        }),
      },
    },
    handle: async (call) => {
      const { project, ...of } = await askedLog(call);
      const { q: text, regex, case: minded, limit, after } = call.query;
      const isPattern = regex === "true";
      const query: LogQuery = defined({ text, isPattern, ignoreCase: minded === "false", limit, after });
      const found = orThrow(await project.logs.search(of, query));
      if (found === undefined) throw noAttemptLog(of);
      return { status: 200, json: documentJson<LogSearchPage>(found) };
    },
  }),
];

/** Looked for first: all that comes before them is counted then. */
async function linesOf(
  { logs }: Project,
  of: AttemptLog,
  { pieces, ...range }: { readonly from: number; readonly to: number; readonly pieces: number | undefined },
): Promise<LogEnd | undefined> {
  const lines = await logs.lines(of, range);
  const size = await logs.size(of, pieces);
  return lines === undefined || size === undefined ? undefined : { range: lines, size };
}

function logPage({ range, size }: LogEnd): LogPage {
  const { from, lines, offset, end, isCut, isOpen } = range;
  const next = from + lines.length;
  const isLast = size.isGuess === true ? end >= size.bytes : next > size.lines;
  return defined({
    from,
    lines,
    next: isLast ? undefined : next,
    totalLines: Math.max(size.lines, next - 1),
    totalBytes: size.bytes,
    offset,
    end,
    isGuess: size.isGuess,
    isCut: isCut ? true : undefined,
    isOpen: isOpen ? true : undefined,
  });
}
