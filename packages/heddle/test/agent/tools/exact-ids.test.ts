/** Ids of requests that a double cannot hold come back as they were written, over HTTP and over the proxy. */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { markIds, unmarkIds } from "../../../src/agent/tools/exact-ids.ts";
import { proxyStdio } from "../../../src/agent/tools/stdio-proxy.ts";
import { call, type Heard, openServer, send, taskOf } from "./rig.ts";

const LARGE = ["9007199254740993", "9007199254740992", "123456789012345678901234567890", "-9007199254740995"];
const PLAIN = ["1", "0", "9007199254740991", '"9007199254740993"', '"a"', "1.5", "1e30"];

/** A call under an id as it is written. */
function written(id: string): string {
  return JSON.stringify({
    ...(JSON.parse(String(call("task_progress", { message: "m" }))) as object),
    id: "@",
  }).replace('"@"', id);
}

describe("an id", () => {
  test.each(LARGE)("of %s is marked and comes back", (id) => {
    const text = `{"jsonrpc": "2.0", "id" : ${id}, "params": {"requestId": ${id}, "id": ${id}}}`;
    const marked = markIds(text) ?? "";
    const { params, ...rest } = JSON.parse(marked) as { id: unknown; params: { requestId: unknown; id: unknown } };
    expect([typeof rest.id, typeof params.requestId, typeof params.id]).toEqual(["string", "string", "number"]);
    expect(unmarkIds(marked)).toBe(text);
  });

  test.each(PLAIN)("of %s is left alone", (id) => {
    expect(markIds(`{"id":${id},"params":{"n":12345678901234567890}}`)).toBeUndefined();
  });

  test("in what is no JSON is none", () => {
    expect(markIds('{"id":12345678901234567890')).toBeUndefined();
    expect(markIds("12345678901234567890")).toBeUndefined();
  });

  test.each([...LARGE, ...PLAIN.slice(0, 5)])("of %s is that of the answer, over HTTP", async (id) => {
    const heard: Heard[] = [];
    await using server = await openServer();
    const { body, status } = await send(server.issueToken(taskOf(heard)), { body: written(id) });
    expect(status).toBe(200);
    expect(/"id":("[^"]*"|-?[\d.e+]+)/.exec(body)?.[1]).toBe(id);
    expect(heard).toHaveLength(1);
  });

  test.each(LARGE)("of %s is that of the answer, over the proxy", async (id) => {
    await using server = await openServer();
    const { url, token } = server.issueToken(taskOf([]));
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.end(`${written(id)}\n`);
    await proxyStdio({ input, output, url, token, fetch });
    output.end();
    expect(Buffer.concat(await output.toArray()).toString()).toContain(`"id":${id}`);
    // Also where nobody answers.
    const [lost, said] = [new PassThrough(), new PassThrough()];
    lost.end(`${written(id)}\n`);
    await proxyStdio({ input: lost, output: said, url, token, fetch: () => Promise.reject(new Error("no")) });
    said.end();
    expect(Buffer.concat(await said.toArray()).toString()).toContain(`"id":${id},"error"`);
  });
});
