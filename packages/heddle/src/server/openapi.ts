/**
 * OpenAPI document: the table of routes for programs (OpenAPI 3.1, whose schemas are JSON Schema 2020-12, as zod writes them). Made from
 * the very schemas that requests are checked by.
 */
import { z } from "zod";
import { BugError } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isKeyed, KEY_PATTERN } from "./keyed.ts";
import { problemStatus, type ProblemSlug } from "./problem.ts";
import type { ApiRoute } from "./route.ts";

/** What every route that needs a token may answer with. */
const ALWAYS: readonly ProblemSlug[] = ["unauthorized", "wrong-host", "invalid-request", "server-error"];

const problemSchema: z.ZodType = z.looseObject({
  type: z.string().describe("`urn:heddle:problem:` and the code"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().describe("the path that was asked for"),
  code: z.string().describe("stable; docs/errors.md explains it"),
  hint: z.string().optional().describe("what to do next"),
  errors: z
    .array(z.object({ pointer: z.string().describe("JSON pointer into the body or the query"), detail: z.string() }))
    .optional(),
  diagnostics: z.unknown().optional().describe("what is wrong with a plan, with its places"),
});

export function openApiDocument(routes: readonly ApiRoute[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "heddle",
      version,
      description:
        "Start, watch and steer runs. Only fields are added within a major version; ignore those that you do not know.",
    },
    tags: [...new Set(routes.flatMap(({ tag }) => tag ?? []))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: schemaOf(problemSchema, "output"), Json: jsonSchema() },
    },
  };
}

function operationOf(route: ApiRoute): JsonObject {
  const { path, authority, tag, operation } = route;
  const { id, summary, query, body, answer, problems = [], example } = operation;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? "");
  const inPath = names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const statuses = new Map<number, ProblemSlug[]>();
  const always = authority === "none" ? ALWAYS.slice(1) : ALWAYS;
  for (const slug of new Set([...always, ...keyProblems(route), ...problems])) {
    const status = problemStatus(slug);
    statuses.set(status, [...(statuses.get(status) ?? []), slug]);
  }
  const type = answer.type ?? (answer.schema === undefined ? "text/plain" : "application/json");
  const content = {
    [type]: defined<Record<string, Json>>({
      schema: answer.schema && schemaOf(answer.schema, "output"),
      example: example?.answer,
    }),
  };
  const responses: Record<string, Json> = { [answer.status]: { description: answer.description, content } };
  for (const [status, slugs] of [...statuses].sort(([a], [b]) => a - b))
    responses[status] = {
      description: slugs.join(", "),
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    };
  return defined<Record<string, Json>>({
    operationId: id,
    summary,
    tags: tag === undefined ? undefined : [tag],
    security: authority === "none" ? [] : [{ token: [] }],
    "x-heddle-authority": authority,
    parameters: [...inPath, ...queryParameters(query), ...keyParameter(route)],
    requestBody: body && {
      content: {
        "application/json": defined<Record<string, Json>>({ schema: schemaOf(body, "input"), example: example?.body }),
      },
    },
    responses,
  });
}

function keyProblems(route: ApiRoute): readonly ProblemSlug[] {
  if (!isKeyed(route)) return [];
  const always: readonly ProblemSlug[] = ["request-under-way", "key-reused"];
  return route.idempotent === "required" ? [...always, "key-needed"] : always;
}

function keyParameter(route: ApiRoute): JsonObject[] {
  if (!isKeyed(route)) return [];
  const description = "sent again with the same key, the request is answered again and not carried out again";
  const schema = { type: "string", pattern: KEY_PATTERN, description };
  return [{ name: "Idempotency-Key", in: "header", required: route.idempotent === "required", schema }];
}

function queryParameters(query: z.ZodType | undefined): JsonObject[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input") as {
    readonly properties?: Readonly<Record<string, JsonObject>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonObject {
  const { $schema: _dialect, $defs = {}, ...made } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  if (Object.keys($defs).length > 1) throw new BugError("a schema refers to parts that the document does not have");
  return withJsonRefs(made as JsonObject);
}

/** Any JSON: the only schema of the document that has itself in it. */
function jsonSchema(): JsonObject {
  const { $defs = {} } = z.toJSONSchema(z.array(z.json()));
  return withJsonRefs(Object.values($defs)[0] as JsonObject);
}

/** References are looked for from the root of the whole document. */
function withJsonRefs(schema: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/__schema0", "#/components/schemas/Json")) as JsonObject;
}
