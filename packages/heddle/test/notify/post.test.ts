/** Where notices are sent to, and where never: addresses and names, in every form in which a private one can be written. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { post, type Letter, type Resolver } from "../../src/notify/post.ts";
import { isPublicAddress } from "../../src/notify/public-address.ts";
import { Receiver } from "./receiver.ts";

let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.open();
});
afterAll(() => receiver[Symbol.asyncDispose]());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.connections = 0;
  receiver.replies = [200];
});

const NEVER = new AbortController().signal;

function letter(url: string, more: Partial<Letter> = {}): Letter {
  return { url, allowPrivate: false, headers: { "content-type": "application/json" }, body: "{}", ...more };
}

/** Gives these addresses in turn, and counts how often it was asked. */
function resolving(...answers: readonly (readonly string[])[]): Resolver & { asked: number } {
  const resolver: Resolver & { asked: number } = Object.assign(
    async () => {
      const found = answers[Math.min(resolver.asked++, answers.length - 1)] ?? [];
      return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
    { asked: 0 },
  );
  return resolver;
}

describe("public addresses", () => {
  test.each(["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.0.1", "223.255.255.255"])(
    "%s is one",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  test.each(["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"])("%s is one", (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
  test.each([
    ["this machine", ["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1"]],
    ["private networks", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254"]],
    ["the link, cloud metadata", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "fec0::1"]],
    ["carriers, benchmarks, protocols", ["100.64.0.1", "198.18.0.1", "192.0.0.192", "192.88.99.1"]],
    ["documentation", ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]],
    ["many and none", ["224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1"]],
    ["IPv4 in another form", ["::ffff:7f00:1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1"]],
    ["no address at all", ["", "localhost", "1.2.3", "01.2.3.4", "2130706433"]],
  ])("not of %s", (_, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });
});

describe("is refused, and nothing connected to", () => {
  /** As the addresses of URLs are written; `PORT` is the receiver's. */
  const LITERALS = [
    "https://127.0.0.1:PORT/",
    "https://127.1:PORT/",
    "https://2130706433:PORT/",
    "https://0x7f000001:PORT/",
    "https://0x7f.1:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://0:PORT/",
    "https://0.0.0.0:PORT/",
    "https://[::1]:PORT/",
    "https://[::]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:PORT/",
    "https://[64:ff9b::127.0.0.1]:PORT/",
    "https://１２７.0.0.1:PORT/",
    "https://127。0。0。1:PORT/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://10.1.2.3/",
  ];
  test.each(LITERALS)("%s", async (url) => {
    const resolver = resolving(["1.1.1.1"]);
    const posted = await post(letter(url.replace("PORT", String(receiver.port))), { resolver, signal: NEVER });
    expect(posted).toMatchObject({ ok: false, error: { isFinal: true } });
    expect([resolver.asked, receiver.connections]).toEqual([0, 0]);
  });

  test.each([
    ["a private one", ["127.0.0.1"]],
    ["the metadata service's", ["169.254.169.254"]],
    ["one in IPv6 for this machine", ["::1"]],
    ["an IPv4 one in IPv6", ["::ffff:127.0.0.1"]],
    ["a private one among public ones", ["1.1.1.1", "127.0.0.1"]],
  ])("a name whose address is %s", async (_, addresses) => {
    const url = `https://hooks.example.com:${receiver.port}/`;
    const posted = await post(letter(url), { resolver: resolving(addresses), signal: NEVER });
    expect(posted).toMatchObject({ ok: false, error: { isFinal: true } });
    expect(receiver.connections).toBe(0);
  });

  test("localhost, as this machine resolves it", async () => {
    const { systemResolver: resolver } = await import("../../src/notify/post.ts");
    const posted = await post(letter(`https://localhost:${receiver.port}/`), { resolver, signal: NEVER });
    expect(posted).toMatchObject({ ok: false, error: { isFinal: true } });
    expect(receiver.connections).toBe(0);
  });

  test.each(["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://me:word@example.com/", "x"])(
    "%s, which is no address to send to",
    async (url) => {
      const resolver = resolving(["1.1.1.1"]);
      const posted = await post(letter(url), { resolver, signal: NEVER });
      expect(posted).toMatchObject({ ok: false, error: { isFinal: true } });
      expect(resolver.asked).toBe(0);
    },
  );
});

describe("where private addresses are allowed", () => {
  const allowed = (url: string): Letter => letter(url, { allowPrivate: true });

  test("the address that was resolved is connected to: a name that changes meanwhile changes nothing", async () => {
    const resolver = resolving(["127.0.0.1"], ["203.0.113.1"]);
    const url = `http://hooks.example.com:${receiver.port}/hook`;
    expect(await post(allowed(url), { resolver, signal: NEVER })).toMatchObject({ ok: true, value: { status: 200 } });
    expect([resolver.asked, receiver.received[0]?.headers.host]).toEqual([1, `hooks.example.com:${receiver.port}`]);
  });

  test("no redirect is followed", async () => {
    const other = await Receiver.open();
    receiver.replies = [{ status: 307, headers: { location: other.url } }];
    const posted = await post(allowed(receiver.url), { resolver: resolving([]), signal: NEVER });
    expect(posted).toMatchObject({ ok: true, value: { status: 307 } });
    expect(other.connections).toBe(0);
    await other[Symbol.asyncDispose]();
  });

  test("an answer without an end is not read", async () => {
    receiver.replies = ["endless"];
    const posted = await post(allowed(receiver.url), { resolver: resolving([]), signal: NEVER });
    expect(posted).toMatchObject({ ok: true, value: { status: 200 } });
  });

  test("a receiver that says nothing, and a name that is not resolved, are given up with the signal", async () => {
    receiver.replies = ["nothing"];
    for (const url of [receiver.url, `http://hooks.example.com:${receiver.port}/`]) {
      const limit = new AbortController();
      receiver.onReceived = () => limit.abort();
      const resolver: Resolver = () => {
        limit.abort();
        return new Promise(() => undefined);
      };
      const posted = await post(allowed(url), { resolver, signal: limit.signal });
      expect(posted).toMatchObject({ ok: false, error: { isFinal: false, why: expect.stringContaining("too long") } });
    }
    receiver.onReceived = () => undefined;
  });

  test("what cannot be reached or found may be tried again", async () => {
    const gone = await Receiver.open();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    expect(await post(allowed(url), { resolver: resolving([]), signal: NEVER })).toMatchObject({
      ok: false,
      error: { isFinal: false, why: "127.0.0.1 cannot be reached (ECONNREFUSED)" },
    });
    const resolver: Resolver = async () => {
      throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    };
    expect(await post(allowed("http://nowhere.test/"), { resolver, signal: NEVER })).toMatchObject({
      ok: false,
      error: { isFinal: false, why: "nowhere.test cannot be found (ENOTFOUND)" },
    });
  });
});
