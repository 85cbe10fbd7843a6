/** What the page of the API shows of the server's own document: every request once, with a command that a shell takes. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { openApiDocument } from "../../../../packages/heddle/src/server/openapi.ts";
import { API_ROUTES } from "../../../../packages/heddle/src/server/table.ts";
import { curlOf, groupsOf, groupsWith, type OpenApiDocument } from "../../src/api-docs/api-document.ts";
import { fieldsOf, typeOf } from "../../src/api-docs/schema-fields.ts";

const DOCUMENT = openApiDocument(API_ROUTES, "0") as unknown as OpenApiDocument;
const GROUPS = groupsOf(DOCUMENT);
const OPERATIONS = GROUPS.flatMap(({ operations }) => operations);

test("every route is in one group, and no group is left over", () => {
  expect(OPERATIONS.map(({ id }) => id)).toEqual(API_ROUTES.map(({ operation }) => operation.id));
  expect(GROUPS.map(({ tag }) => tag)).toEqual(DOCUMENT.tags?.map(({ name }) => name));
});

test("no reference of the document leads nowhere", () => {
  const references = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"([^"]+)"/g)].map(([, one]) => one);
  expect(references.length).toBeGreaterThan(100);
  const known = Object.keys(DOCUMENT.components.schemas).map((name) => `#/components/schemas/${name}`);
  expect(known).toEqual(expect.arrayContaining([...new Set(references)]));
});

test.each([
  ["signal", ["sendSignal"]],
  ["POST plans", ["validatePlan", "simulatePlan"]],
  ["  /conflict PUT ", ["decideConflictFile"]],
  ["no request has this", []],
])("%j finds %j", (text, found) => {
  expect(groupsWith(GROUPS, text).flatMap(({ operations }) => operations.map(({ id }) => id))).toEqual(found);
});

describe.each(OPERATIONS.map((one) => [one.id, one] as const))("%s", (_, operation) => {
  test("has a command that a shell takes apart into the address and the body", () => {
    const command = curlOf(operation, "http://127.0.0.1:4747");
    const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
    const words = execFileSync("sh", ["-c", script], { env: { HEDDLE_TOKEN: "t" }, encoding: "utf8" }).split("\0");
    expect(words.at(-2)).toMatch(/^http:\/\/127\.0\.0\.1:4747\/[\w/?=&.-]+$/);
    const body = words.includes("-d") ? words[words.indexOf("-d") + 1] : "null";
    const wanted = operation.body === undefined ? null : (operation.body.example ?? {});
    expect(JSON.parse(body ?? "")).toEqual(wanted);
  });
});

const PARTS = { Json: {}, Named: { type: "object", properties: { a: { type: "string" } }, required: ["a"] } };

test.each([
  [{ type: "integer", minimum: 1, maximum: 200 }, "integer 1 to 200"],
  [{ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, "integer from 0"],
  [{ type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, "integer"],
  [{ type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER }, "integer above 0"],
  [{ enum: ["a", "b"] }, '"a" | "b"'],
  [{ const: true }, "true"],
  [{ anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
  [{ type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } }, "(string | null)[]"],
  [{ type: "array", prefixItems: [{ type: "string" }, { type: "boolean" }] }, "[string, boolean]"],
  [{ type: "object", additionalProperties: { type: "number" } }, "{name: number}"],
  [{ $ref: "#/components/schemas/Named" }, "object"],
  [{ $ref: "#/components/schemas/Json" }, "any JSON"],
  [{}, "any JSON"],
])("the type of %j is %s", (schema, text) => {
  expect(typeOf(schema, PARTS)).toBe(text);
});

test("fields are found through lists, choices and references, each once", () => {
  const schema = {
    type: "array",
    items: { anyOf: [{ $ref: "#/components/schemas/Named" }, { type: "object", properties: { a: {}, b: {} } }] },
  };
  const fields = fieldsOf(schema, PARTS);
  expect(fields.map(({ name, isRequired, type }) => [name, isRequired, type])).toEqual([
    ["a", true, "string"],
    ["b", false, "any JSON"],
  ]);
});
