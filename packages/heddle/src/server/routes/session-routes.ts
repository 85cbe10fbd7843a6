/** Routes of the server itself: whether it is there, who may use it, and what it offers. */
import { z } from "zod";
import { problemResponse, tooManyGuesses } from "../problem.ts";
import { CODE_MS, TICKET_MS, type Grant } from "../authority.ts";
import { apiRoute, type ApiRoute } from "../route.ts";

const grant: z.ZodType<Grant> = z.enum(["read", "act"]);
const PATH = { login: "/api/login", codes: "/api/login-codes" } as const;

const time = z.int().nonnegative().describe("milliseconds since the epoch");

export const SESSION_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/api/health",
    authority: "none",
    operation: {
      id: "getHealth",
      summary: "Whether the server is there",
      answer: {
        status: 200,
        description: "It is",
        schema: z.looseObject({ ok: z.literal(true), version: z.string(), uptimeMs: z.int().nonnegative() }),
      },
      example: { answer: { ok: true, version: "0.1.0", uptimeMs: 61_000 } },
    },
    handle: async ({ world }) => {
      const uptimeMs = Math.max(0, world.clock.now() - world.startedAt);
      return { status: 200, json: { ok: true, version: world.version, uptimeMs } };
    },
  }),
  apiRoute({
    method: "POST",
    path: PATH.login,
    authority: "none",
    operation: {
      id: "login",
      summary: "A session for a login code",
      body: z.strictObject({ code: z.string().min(1).max(200) }),
      answer: {
        status: 200,
        description: "The token of a session; the code is used up",
        schema: z.looseObject({ token: z.string(), authority: grant, expiresAt: time }),
      },
      problems: ["unauthorized", "too-many-requests"],
    },
    handle: async ({ world, body, peer }) => {
      const silencedMs = world.authority.silencedMs(peer);
      if (silencedMs > 0) return problemResponse(tooManyGuesses(silencedMs), PATH.login);
      const session = world.authority.login(body.code);
      if (session === undefined) {
        world.authority.noteGuess(peer);
        const detail = `The code is unknown, used, or older than ${CODE_MS / 1000} s`;
        return problemResponse({ slug: "unauthorized", detail, hint: "`heddle open` gives a new link." }, PATH.login);
      }
      const { token, grant: authority, until } = session;
      return { status: 200, json: { token, authority, expiresAt: until } };
    },
  }),
  apiRoute({
    method: "POST",
    path: "/api/logout",
    authority: "read",
    operation: {
      id: "logout",
      summary: "End the session of the token that is sent",
      answer: { status: 200, description: "It is ended", schema: z.looseObject({ ok: z.literal(true) }) },
    },
    handle: async ({ world, headers }) => {
      world.authority.logout(headers.get("authorization") ?? undefined);
      return { status: 200, json: { ok: true } };
    },
  }),
  apiRoute({
    method: "POST",
    path: PATH.codes,
    authority: "read",
    operation: {
      id: "createLoginCode",
      summary: "A code with which a browser logs in, once",
      body: z.strictObject({ authority: grant.optional() }),
      answer: {
        status: 201,
        description: `The code, for ${CODE_MS / 1000} s, and the link that has it in its fragment`,
        schema: z.looseObject({ code: z.string(), url: z.string(), authority: grant }),
      },
      problems: ["forbidden"],
    },
    handle: async ({ world, body, grant: held }) => {
      const authority = body.authority ?? (held === "act" ? "act" : "read");
      if (authority === "act" && held !== "act")
        return problemResponse({ slug: "forbidden", detail: "A read-only token makes no code that acts" }, PATH.codes);
      const code = world.authority.mintCode(authority);
      return { status: 201, json: { code, url: `${world.origin()}/#login=${code}`, authority } };
    },
  }),
  apiRoute({
    method: "POST",
    path: "/api/tickets",
    authority: "read",
    operation: {
      id: "createTicket",
      summary: "A ticket for a WebSocket, which cannot send a token",
      body: z.strictObject({ project: z.string().max(200).optional() }),
      answer: {
        status: 201,
        description: `To be offered once, within ${TICKET_MS / 1000} s, as the subprotocol \`ticket.<ticket>\` beside \`heddle.v1\``,
        schema: z.looseObject({ ticket: z.string(), expiresAt: time }),
      },
    },
    handle: async ({ world, body, headers, grant: held }) => {
      const holder = world.authority.holderOf(headers.get("authorization") ?? undefined);
      const ticket = world.authority.mintTicket({
        grant: held === "act" ? "act" : "read",
        project: body.project,
        holder,
      });
      return { status: 201, json: { ticket, expiresAt: world.clock.now() + TICKET_MS } };
    },
  }),
];
