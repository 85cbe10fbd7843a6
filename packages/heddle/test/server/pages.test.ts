/** Pages and their files: anybody who comes from here may have them, they have no data, and no address leads to another file. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECURITY_HEADERS } from "../../src/server/app.ts";
import { PAGE_ROUTES } from "../../src/server/table.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { ServerRig, type RawAnswer } from "./rig.ts";

const INDEX = "<!doctype html><title>heddle</title>";
const SCRIPT = `export const text = ${JSON.stringify("x".repeat(4000))};`;

let rig: ServerRig;
beforeAll(async () => {
  const pages = temporaryFolder("built-pages");
  mkdirSync(path.join(pages, "assets"));
  writeFileSync(path.join(pages, "index.html"), INDEX);
  writeFileSync(path.join(pages, "assets/index-Ab12.js"), SCRIPT);
  writeFileSync(path.join(pages, "assets/inter-Cd34.woff2"), "font");
  writeFileSync(path.join(pages, "assets/notes.txt"), "of no kind that is served");
  writeFileSync(path.join(pages, "secret.js"), "beside the assets");
  rig = await ServerRig.start({ pages });
});
afterAll(() => rig[Symbol.asyncDispose]());

function get(address: string, more: readonly string[] = [], method = "GET"): Promise<RawAnswer> {
  const host = more.some((line) => line.startsWith("Host:")) ? [] : [`Host: 127.0.0.1:${rig.server.port}`];
  return rig.raw([`${method} ${address} HTTP/1.1`, ...host, ...more, "Connection: close"]);
}

const addresses = PAGE_ROUTES.filter(({ kind }) => kind === "page").map((route) => route.path.replaceAll(/:\w+/g, "x"));
const ASSET = "/assets/index-Ab12.js";
/** A link in a chat: another site makes the browser open the page. */
const OPENED = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];

test("the table has pages and their files, all of them to be read alone", () => {
  expect(addresses.length).toBeGreaterThanOrEqual(10);
  expect(new Set(PAGE_ROUTES.map(({ method, authority }) => `${method} ${authority}`))).toEqual(new Set(["GET none"]));
});

describe.each(addresses)("%s", (address) => {
  test("answers the one document, whatever the query, with every header of safety", async () => {
    for (const query of ["", "?view=graph&step=a%2Fb", "??", "?token=x"]) {
      const { status, headers, text } = await get(address + query);
      expect([status, text]).toEqual([200, INDEX]);
      expect(headers).toMatchObject({
        ...SECURITY_HEADERS,
        "cache-control": "no-cache",
        "content-type": "text/html; charset=utf-8",
      });
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  test("opens from a link of another site, and is no frame, image or answer of one", async () => {
    expect((await get(address, OPENED)).status).toBe(200);
    const wrong = [
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
      ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"],
      ["Origin: http://evil.test", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
      ["Origin: null"],
    ];
    for (const more of wrong) expect([more, (await get(address, more)).status]).toEqual([more, 403]);
    for (const host of ["evil.test", "", `127.0.0.1:${rig.server.port + 1}`])
      expect([400, 421]).toContain((await get(address, [`Host: ${host}`])).status);
  });

  test("takes no other method, and sends a head alone for HEAD", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) expect((await get(address, [], method)).status).toBe(405);
    const { status, headers, text } = await get(address, [], "HEAD");
    expect([status, text, headers["content-length"]]).toEqual([200, "", String(INDEX.length)]);
  });
});

describe("files of pages", () => {
  test("are kept by browsers, since their names change with their content, and compressed where that helps", async () => {
    const plain = await get(ASSET);
    expect([plain.status, plain.text]).toEqual([200, SCRIPT]);
    expect(plain.headers).toMatchObject({
      ...SECURITY_HEADERS,
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "text/javascript; charset=utf-8",
      vary: "Accept-Encoding",
    });
    const zipped = await get(ASSET, ["Accept-Encoding: gzip, br"]);
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(Buffer.from(zipped.text, "latin1")).toString()).toBe(SCRIPT);
    const font = await get("/assets/inter-Cd34.woff2", ["Accept-Encoding: gzip"]);
    expect([font.text, font.headers["content-type"], font.headers["content-encoding"]]).toEqual([
      "font",
      "font/woff2",
      undefined,
    ]);
  });

  test("are refused to pages of other sites (CVE-2025-30208 of vite: `??` and other spellings open nothing more)", async () => {
    expect((await get(ASSET, OPENED)).status).toBe(403);
    expect((await get(`${ASSET}??`)).text).toBe(SCRIPT);
    for (const address of [
      "/assets/../secret.js",
      "/assets/%2e%2e%2fsecret.js",
      "/assets/..%2fsecret.js",
      "/assets/..%5csecret.js",
      "/assets/%00",
      "/assets/notes.txt",
      "/assets/index-ab12.js",
      "/assets//index-Ab12.js",
      "/assets/index-Ab12.js/",
      "/assets/index-Ab12.js;x",
      "/assets/",
      "/secret.js",
      "/index.html",
      "/@fs/etc/passwd",
      "/assets/__proto__",
    ]) {
      const { status, text } = await get(address);
      expect([address, status, text.includes("beside")]).toEqual([address, 404, false]);
    }
  });
});

test("without a build the addresses say what to do", async () => {
  await using bare = await ServerRig.start({ pages: temporaryFolder("no-pages") });
  const { status, json } = await bare.ask("/", { token: null });
  expect([status, json["hint"]]).toEqual([404, "`npm run build` builds them."]);
});

test("pages that are built while the server runs are served from then on", async () => {
  const pages = temporaryFolder("late-pages");
  await using late = await ServerRig.start({ pages });
  expect((await late.ask("/", { token: null })).status).toBe(404);
  mkdirSync(path.join(pages, "assets"));
  writeFileSync(path.join(pages, "index.html"), INDEX);
  expect((await late.ask("/", { token: null })).status).toBe(200);
});
