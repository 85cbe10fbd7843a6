/** Resources: the report of a run and the log of a step, by address. Their texts are short and harmless. */
import { ProtocolError, ProtocolErrorCode, ResourceTemplate, type McpServer } from "@modelcontextprotocol/server";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { ok, type Result } from "../base/result.ts";
import { reportView } from "../view/report.ts";
import { harmlessText, harmlessTexts } from "./harmless.ts";
import { readLog } from "./read-log.ts";
import type { McpWorld } from "./tool.ts";

/** The latest runs are listed. */
const MOST_LISTED = 20;
const MOST_LINES = 1000;

interface ResourceText {
  readonly mimeType: string;
  readonly text: string;
}

export function registerResources(server: McpServer, world: McpWorld): void {
  server.registerResource(
    "report",
    new ResourceTemplate("heddle://runs/{run}/report", { list: async () => ({ resources: await reports(world) }) }),
    {
      title: "Report of a run",
      description: "Times, speed-up, critical path and slowest steps of a run, as JSON.",
      mimeType: "application/json",
    },
    async (uri, { run }) => contentsOf(uri, await report(world, decoded(run))),
  );
  server.registerResource(
    "log",
    new ResourceTemplate("heddle://runs/{run}/steps/{step}/log", { list: undefined }),
    {
      title: "Log of a step",
      description: `The end of what the latest attempt of a step printed, at most ${MOST_LINES} lines. The step's id is percent-encoded.`,
      mimeType: "text/plain",
    },
    async (uri, { run, step }) => contentsOf(uri, await log(world, decoded(run), decoded(step))),
  );
}

async function reports({ project }: McpWorld): Promise<{ uri: string; name: string; mimeType: string }[]> {
  const opened = await project.toRead();
  if (!opened.ok) return [];
  const runs = await opened.value.runs.list({ limit: MOST_LISTED });
  return runs.map(({ run, plan, status }) => ({
    uri: `heddle://runs/${run}/report`,
    name: `Run ${run} of ${harmlessText(plan, 200)}: ${status}`,
    mimeType: "application/json",
  }));
}

async function report({ project, clock }: McpWorld, word: string): Promise<Result<ResourceText, Problem>> {
  const opened = await project.toRead();
  if (!opened.ok) return opened;
  const found = await opened.value.runs.find(word);
  if (!found.ok) return found;
  const read = await opened.value.runs.read(found.value);
  if (!read.ok) return read;
  const view = reportView({ ...read.value, now: clock.now(), logFile: () => null });
  const plan = harmlessText(view.plan, 500);
  const document = { ...view, plan, criticalPath: harmlessTexts(view.criticalPath, 200) };
  return ok({ mimeType: "application/json", text: JSON.stringify(document) });
}

async function log({ project }: McpWorld, word: string, step: string): Promise<Result<ResourceText, Problem>> {
  const opened = await project.toRead();
  if (!opened.ok) return opened;
  const found = await opened.value.runs.find(word);
  if (!found.ok) return found;
  const read = await opened.value.runs.read(found.value);
  if (!read.ok) return read;
  const excerpt = await readLog(opened.value, read.value.state, { step, lines: MOST_LINES });
  if (!excerpt.ok) return excerpt;
  const lines = excerpt.value["lines"];
  return ok({ mimeType: "text/plain", text: Array.isArray(lines) ? lines.join("\n") : "" });
}

/** A part of an address. What cannot be decoded names nothing. */
function decoded(part: string | readonly string[] | undefined): string {
  try {
    return decodeURIComponent(String(part ?? ""));
  } catch {
    return "";
  }
}

function contentsOf(
  uri: URL,
  read: Result<ResourceText, Problem>,
): { contents: { uri: string; mimeType: string; text: string }[] } {
  if (read.ok) return { contents: [{ uri: uri.href, ...read.value }] };
  const { code, message, hint } = read.error;
  const data = defined<JsonObject>({ code, hint: hint === undefined ? undefined : harmlessText(hint) });
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, `[${code}] ${harmlessText(message)}`, data);
}
