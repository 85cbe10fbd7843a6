/** API document: what the page shows of the server's OpenAPI document: operations by what they are about, and schemas as trees of fields. */
import type { JsonObject } from "./schema-fields.ts";

export type Authority = "none" | "read" | "act";

export interface ApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly isRequired: boolean;
  readonly schema: JsonObject;
}

export interface ApiContent {
  readonly type: string;
  readonly schema?: JsonObject;
  readonly example?: unknown;
}

export interface ApiAnswer {
  readonly status: string;
  readonly description: string;
  readonly content?: ApiContent;
}

export interface ApiOperation {
  /** Names it in the address of the page. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly authority: Authority;
  readonly parameters: readonly ApiParameter[];
  readonly body?: ApiContent;
  /** Where all went well. */
  readonly answer: ApiAnswer;
  /** With problems. */
  readonly refusals: readonly ApiAnswer[];
}

export interface ApiGroup {
  readonly tag: string;
  readonly operations: readonly ApiOperation[];
}

interface OpenApiMedia {
  readonly schema?: JsonObject;
  readonly example?: unknown;
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags?: readonly string[];
  readonly "x-heddle-authority": Authority;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: ApiParameter["in"];
    readonly required: boolean;
    readonly schema: JsonObject;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, OpenApiMedia>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, OpenApiMedia>> }>
  >;
}

/** As this server's own version writes it. */
export interface OpenApiDocument {
  readonly info: { readonly version: string };
  readonly tags?: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
}

export function groupsOf({ tags = [], paths }: OpenApiDocument): readonly ApiGroup[] {
  const groups = new Map<string, ApiOperation[]>(tags.map(({ name }) => [name, []]));
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? "Others";
      groups.set(tag, [...(groups.get(tag) ?? []), operationOf(path, method, operation)]);
    }
  return [...groups]
    .map(([tag, operations]) => ({ tag, operations }))
    .filter(({ operations }) => operations.length > 0);
}

function operationOf(path: string, method: string, operation: OpenApiOperation): ApiOperation {
  const answers = Object.entries(operation.responses).map(([status, { description, content }]): ApiAnswer => {
    const media = contentOf(content);
    return { status, description, ...(media === undefined ? {} : { content: media }) };
  });
  const isGood = ({ status }: ApiAnswer): boolean => status.startsWith("2");
  const body = contentOf(operation.requestBody?.content);
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary,
    authority: operation["x-heddle-authority"],
    parameters: operation.parameters.map(({ required, ...one }) => ({ ...one, isRequired: required })),
    ...(body === undefined ? {} : { body }),
    answer: answers.find(isGood) ?? { status: "200", description: "" },
    refusals: answers.filter((one) => !isGood(one)),
  };
}

function contentOf(content: Readonly<Record<string, OpenApiMedia>> | undefined): ApiContent | undefined {
  const [type, media] = Object.entries(content ?? {})[0] ?? [];
  return type === undefined ? undefined : { type, ...media };
}

/** Those whose address, name or summary has all words of the text in it. */
export function groupsWith(groups: readonly ApiGroup[], text: string): readonly ApiGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return groups;
  return groups
    .map(({ tag, operations }) => ({
      tag,
      operations: operations.filter(({ id, method, path, summary }) => {
        const all = `${tag} ${id} ${method} ${path} ${summary}`.toLowerCase();
        return words.every((word) => all.includes(word));
      }),
    }))
    .filter(({ operations }) => operations.length > 0);
}

/** Of curl, in a shell: what stands in capitals is to be put in. */
export function curlOf(operation: ApiOperation, origin: string): string {
  const { method, path, authority, parameters, body, answer } = operation;
  const isStream = answer.content?.type === "text/event-stream";
  const parts = [`curl${isStream ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`}`];
  if (authority !== "none") parts.push('-H "Authorization: Bearer $HEDDLE_TOKEN"');
  for (const { name, in: place, isRequired } of parameters)
    if (place === "header" && isRequired) parts.push(`-H '${name}: ${placeholder(name)}'`);
  if (body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body.example ?? {}))}`);
  }
  const query = parameters
    .filter((one) => one.in === "query" && one.isRequired)
    .map(({ name }) => `${name}=${placeholder(name)}`);
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => placeholder(name));
  parts.push(quoted(`${origin}${address}${query.length === 0 ? "" : `?${query.join("&")}`}`));
  return parts.join(" \\\n  ");
}

function placeholder(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
