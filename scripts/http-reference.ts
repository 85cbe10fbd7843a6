/** Writes docs/reference/http-api.md and openapi.json from the server's table of routes: what its requests are checked by. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { openApiDocument } from "../packages/heddle/src/server/openapi.ts";
import { REQUEST_PROBLEMS } from "../packages/heddle/src/server/problem.ts";
import type { ApiRoute } from "../packages/heddle/src/server/route.ts";
import { API_ROUTES, STREAM_ROUTES } from "../packages/heddle/src/server/table.ts";
import { VERSION } from "../packages/heddle/src/version.ts";

const HEAD = `# The HTTP API

<!-- Written by scripts/http-reference.ts from the server's table of routes. -->

\`heddle serve\` serves it at \`http://127.0.0.1:4747\`. [openapi.json](openapi.json) is the same for programs; a running server gives its own at
\`/api/openapi.json\`.

## Conventions
- Every request but those marked *none* carries \`Authorization: Bearer TOKEN\`. The server's own tokens are in
  \`$XDG_STATE_HOME/heddle/server/PORT.json\` (default: \`~/.local/state\`), which only you can read: \`act\` allows everything, \`read\` only to look.
- Bodies are JSON, with \`Content-Type: application/json\`. Unknown parameters and fields are refused.
- A request that acts in a project may have a key of your own, \`Idempotency-Key\` (1 to 64 of \`A-Z a-z 0-9 _ -\`); to start a run it must. Sent again with the
  same key and body within a day it is answered as the first time, with \`Idempotency-Replayed: true\`, and not carried out again, also after the server
  died over it. A problem other than 500 frees the key.
- Times are milliseconds since the epoch, durations end in \`Ms\`. Answers may get more fields in later versions, and lose none.
- \`Heddle-Api: 1\` stands on every answer. A request that asks for another version is refused.
`;

interface FieldSchema {
  readonly description?: string;
  readonly type?: string;
}

/** The parts of the document that are read here. */
interface OperationDocument {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: FieldSchema;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<
        string,
        {
          readonly schema: {
            readonly properties?: Readonly<Record<string, FieldSchema>>;
            readonly required?: readonly string[];
          };
        }
      >
    >;
  };
}

const DOCUMENT = openApiDocument(API_ROUTES, VERSION) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>;
};

function routeSection({ method, path: address, authority, operation }: ApiRoute): string {
  const { id, summary, answer } = operation;
  const shown = address.replaceAll(/:(\w+)/g, "{$1}");
  const { parameters = [], requestBody } = DOCUMENT.paths[shown]?.[method.toLowerCase()] ?? {};
  const { properties = {}, required = [] } = requestBody?.content["application/json"]?.schema ?? {};
  const fields = [
    ...parameters.flatMap((one) => (one.in === "query" ? [row(`?${one.name}`, one.schema, one.required)] : [])),
    ...Object.entries(properties).map(([name, schema]) => row(name, schema, required.includes(name))),
  ];
  return [
    `\n### ${method} ${shown}`,
    "",
    `${summary}. Operation \`${id}\`, authority *${authority}*, ${answer.status}: ${answer.description}.`,
    ...(fields.length === 0 ? [] : ["", "| field | type | meaning |", "|---|---|---|", ...fields]),
    "",
  ].join("\n");
}

/** `?name` is a parameter of the address, others are fields of the body. */
function row(name: string, { type = "", description = "" }: FieldSchema, isRequired: boolean): string {
  return `| \`${name}\`${isRequired ? " (needed)" : ""} | ${type} | ${description.replaceAll("|", "\\|")} |`;
}

function problems(): string {
  const rows = Object.entries(REQUEST_PROBLEMS).map(
    ([slug, [status, title]]) => `| ${status} | \`${slug}\` | ${title} |`,
  );
  return `
## Problems
A refused request is answered with \`application/problem+json\` (RFC 9457): \`{type, title, status, detail, instance, code, hint?, errors?, diagnostics?}\`.
\`code\` is one of these, or that of [an error of heddle](../errors.md) in lower case with dashes: \`UnknownRun\` is \`unknown-run\`.

| status | code | meaning |
|---|---|---|
${rows.join("\n")}
`;
}

const STREAMS = `
## Streams
WebSockets, at the same address. A page offers the subprotocols \`heddle.v1\` and \`ticket.TICKET\` (\`POST /api/tickets\`), a program sends its token.
A ticket for one project (\`{project}\`) shows nothing of another. A client that lets 1 MiB wait is closed with \`4408\`, one whose session has ended with \`4401\`, all with \`4503\` when the server stops: come back with \`after\`.

| address | what |
|---|---|
${STREAM_ROUTES.map(({ path: address, summary }) => `| \`${address.replaceAll(/:(\w+)/g, "{$1}")}\` | ${summary} |`).join("\n")}

\`/api/stream\` has many channels. \`{op: "open", id, kind, ...}\` opens one, \`{op: "close", id}\` ends it; every message has its \`id\`.

| kind | with | gives |
|---|---|---|
| \`run\` | \`project\`, \`run\` | \`{type: "snapshot", seq, view}\` once, then \`{type: "patch", from, to, ops}\` with what has changed; a patch fits only the \`seq\` that it begins at |
| \`runs\` | \`project\` | \`{type: "snapshot", runs}\` with the newest 200, then \`{type: "patch", added, changed, gone}\`: new lines on top, other ones in their places, ids of those that went |
| \`attention\` | \`project\`? | \`{type: "snapshot", attention}\` at first and at each change: \`GET /api/attention\` with 200 items, of all projects or this one |
| \`events\` | \`project\`, \`run\`, \`after\`? | \`{type: "events", run, events}\`, all behind number \`after\` and those to come, and \`{type: "end", run, seq}\` when nobody works on the run |
| \`log\` | \`project\`, \`run\`, \`step\`, \`attempt\`, \`after\`? | \`{type: "bytes", from, base64}\`, all behind byte \`after\`, then \`{type: "end", size, isOver}\` when the attempt has ended, or (not \`isOver\`) nobody works on it. 256 KiB a second; who is more behind gets \`{type: "skipped", from, to}\`. \`{type: "reset"}\`: the log was cut off or replaced, and is told from its beginning |

Snapshots are of the present, whatever was seen before. What cannot be opened is \`{type: "problem", id, status, code, detail, hint}\`.
\`{type: "ping"}\` comes every 15 s: a connection on which nothing came for 40 s is dead.

\`/api/ws/{project}\` tells of the latest run: \`{type, project_id, timestamp, data}\` with the types \`batch_start\`, \`task_start\`, \`task_complete\`, \`failed\`,
\`batch_complete\` and \`progress\`.
`;

/** The whole page. */
export function httpReference(): string {
  return `${HEAD}${problems()}\n## Requests\n${API_ROUTES.map(routeSection).join("")}${STREAMS}`;
}

/** The document, as it is committed. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(API_ROUTES, VERSION), undefined, 1)}\n`;
}

const folder = path.resolve(import.meta.dirname, "../docs/reference");
if (process.argv[1] === import.meta.filename) {
  await writeFile(path.join(folder, "http-api.md"), httpReference());
  await writeFile(path.join(folder, "openapi.json"), openApiText());
}
