import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { err, ok } from "../../../src/base/result.ts";
import { serveRpc, type RpcHandler } from "../../../src/agent/scripted/connection.ts";

const HANDLERS: Readonly<Record<string, RpcHandler>> = {
  echo: async (params) => ok(params),
  refuse: async () => err({ code: -32_002, message: "no such session", data: { id: 7 } }),
  break: async () => {
    throw new Error("broken");
  },
  tell: async (params, peer) => {
    await peer.notify("told", params);
    return ok({ done: true });
  },
};

/** What is answered to these lines, in order. */
async function answers(input: string, handlers = HANDLERS): Promise<readonly unknown[]> {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  stdin.end(input);
  await serveRpc({ stdin, stdout }, handlers);
  // The answers to what came last are on their way.
  await new Promise((resolve) => setImmediate(resolve));
  stdout.end();
  return (await text(stdout))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

const request = (id: unknown, method: string, params?: object): string =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;

test.each([
  ["a result", request(1, "echo", { a: "ü" }), [{ id: 1, result: { a: "ü" } }]],
  ["an id that is a text", request("x", "echo"), [{ id: "x", result: {} }]],
  [
    "a refusal",
    request(2, "refuse"),
    [{ id: 2, error: { code: -32_002, message: "no such session", data: { id: 7 } } }],
  ],
  [
    "a handler that throws",
    request(3, "break"),
    [{ id: 3, error: { code: -32_603, message: "Internal error", data: { details: "broken" } } }],
  ],
  ["an unknown method", request(4, "constructor"), [{ id: 4, error: { code: -32_601 } }]],
  ["no JSON", "{\n", [{ id: null, error: { code: -32_700 } }]],
  ["no object", "[1]\n", [{ id: null, error: { code: -32_700 } }]],
  ["a notification", request(undefined, "echo", { a: 1 }), []],
  ["a notification that breaks", request(undefined, "break"), []],
  ["an answer to nothing", `{"id":9,"result":{}}\n`, []],
  ["empty lines", `\n \n${request(5, "echo")}\n`, [{ id: 5, result: {} }]],
  ["what is told before the answer", request(6, "tell", { b: 2 }), [{ method: "told", params: { b: 2 } }, { id: 6 }]],
] as const)("%s", async (_, input, expected) => {
  const said = await answers(input);
  expect(said).toMatchObject(expected);
  expect(said).toHaveLength(expected.length);
});

test("a message in pieces, within a character too", async () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const served = serveRpc({ stdin, stdout }, HANDLERS);
  for (const byte of Buffer.from(request(1, "echo", { a: "ü" }))) stdin.write(Buffer.from([byte]));
  stdin.end();
  await served;
  stdout.end();
  expect(JSON.parse(await text(stdout))).toMatchObject({ id: 1, result: { a: "ü" } });
});

test("what is asked of the other side is answered by it, refused by it, or fails at the end of the input", async () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const said: unknown[] = [];
  const ask: RpcHandler = async (params, peer) => {
    said[Number(params["nth"])] = await peer.request("ask", params);
    return ok({});
  };
  const served = serveRpc({ stdin, stdout }, { ask });
  for (const nth of [0, 1, 2]) stdin.write(request(nth, "ask", { nth }));
  stdin.write(
    '{"id":2,"error":{"code":5,"message":"no"}}\n{"id":1,"result":{"yes":true}}\n{"id":1,"result":{"yes":false}}\n',
  );
  stdin.end();
  await served;
  await new Promise((resolve) => setImmediate(resolve));
  expect(said).toEqual([
    ok({ yes: true }),
    err({ code: 5, message: "no" }),
    err({ code: -32_000, message: "the connection is closed" }),
  ]);
});
