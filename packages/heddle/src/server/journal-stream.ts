/**
 * Journal stream: one WebSocket with many channels, each a run as it changes, a run's events, an attempt's log, the list of a project's
 * runs, or what waits for people in all projects or one. One client has one of them for each page that it shows, however many views that has.
 *
 * The client says `{op: "open", id, kind, ...}` with what the kind needs and `{op: "close", id}`; the server answers with `snapshot`, `patch`,
 * `events`, `end` and `problem`, each with the channel's id, and with `ping` every 15 s.
 */
import { z } from "zod";
import { unreachable } from "../base/assert.ts";
import { HeddleError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { askedLog } from "./asked-log.ts";
import { askedRun } from "./asked-run.ts";
import { Channel } from "./channel.ts";
import { CLOSE } from "./connection.ts";
import { AttemptWatch, followLog } from "./log-feed.ts";
import { detailsOf } from "./problem.ts";
import type { RunNews } from "./run-feed.ts";
import type { OpenStream, StreamRoute } from "./stream-route.ts";
import { pause } from "./pause.ts";

/** Of one connection. */
const MOST_CHANNELS = 64;
/** How often the journal is asked whether anything was written. */
const LOOK_MS = 100;
/** Pages do not see the pings of the protocol below: without one of ours they cannot tell a quiet run from a dead connection. */
const PING_MS = 15_000;

const id = z.string().min(1).max(64);
const project = z.string().max(200);
const run = z.string().max(40);
const after = z.int().nonnegative();
const opening = { op: z.literal("open"), id };
const message = z.discriminatedUnion("op", [
  z.discriminatedUnion("kind", [
    /** `after`: of who comes back; the present is as right from any event. */
    z.strictObject({ ...opening, kind: z.literal("run"), project, run, after: after.optional() }),
    /** `after`: the number of the last event that is known. */
    z.strictObject({ ...opening, kind: z.literal("events"), project, run, after: after.optional() }),
    z.strictObject({ ...opening, kind: z.literal("runs"), project }),
    /** `project`: of this one alone. */
    z.strictObject({ ...opening, kind: z.literal("attention"), project: project.optional() }),
    z.strictObject({
      ...opening,
      kind: z.literal("log"),
      project,
      run,
      step: z.string().max(1000),
      attempt: z.int().positive().default(1),
      /** The bytes before. */
      after: after.optional(),
    }),
  ]),
  z.strictObject({ op: z.literal("close"), id }),
  z.strictObject({ op: z.literal("pong") }),
]);
type Opening = Extract<z.infer<typeof message>, { readonly op: "open" }>;
type OpeningOf<Kind extends Opening["kind"]> = Extract<Opening, { readonly kind: Kind }>;

export const JOURNAL_STREAM: StreamRoute = {
  kind: "stream",
  method: "GET",
  path: "/api/stream",
  authority: "read",
  summary: "Runs, lists of them, their events, and what waits for people, as they change, over one connection",
  open: (stream) => {
    const { connection, world } = stream;
    const ping = (): void => {
      if (connection.signal.aborted) return;
      connection.send({ type: "ping" });
      cancelPing = world.clock.after(PING_MS, ping);
    };
    let cancelPing = world.clock.after(PING_MS, ping);
    const channels = new Map<string, AbortController>();
    connection.signal.addEventListener("abort", () => {
      cancelPing();
      for (const channel of channels.values()) channel.abort();
    });
    connection.onMessage((received) => {
      const parsed = message.safeParse(received);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        const said = channelOf(received);
        // The other channels are none the worse for one that cannot be.
        if (said === undefined) return connection.close(CLOSE.invalid, issue?.message.slice(0, 100) ?? "");
        const detail = `\`${issue?.path.join(".") ?? ""}\`: ${issue?.message ?? "not valid"}`;
        return connection.send({ type: "problem", id: said, status: 422, code: "invalid-request", detail, hint: null });
      }
      const asked = parsed.data;
      if (asked.op === "pong") return;
      channels.get(asked.id)?.abort();
      channels.delete(asked.id);
      if (asked.op === "close") return;
      if (channels.size >= MOST_CHANNELS) return connection.close(CLOSE.invalid, "too many channels");
      const channel = new AbortController();
      channels.set(asked.id, channel);
      const end = (): void => {
        if (channels.get(asked.id) === channel) channels.delete(asked.id);
      };
      feed(stream, asked, channel.signal).then(end, (thrown: unknown) => {
        end();
        // What it still had to tell would come behind its problem.
        channel.abort();
        if (!(thrown instanceof HeddleError)) {
          stream.onFault(thrown);
          return connection.close(1011, "the server met a fault");
        }
        const { slug, status = 409, detail, hint = null } = detailsOf(thrown);
        connection.send({ type: "problem", id: asked.id, status, code: slug, detail, hint });
      });
    });
  },
};

/** The channel that a message which is not valid would open; `undefined`: none. */
function channelOf(received: unknown): string | undefined {
  const opening = z.looseObject({ op: z.literal("open"), id }).safeParse(received);
  return opening.success ? opening.data.id : undefined;
}

async function feed(stream: OpenStream, asked: Opening, signal: AbortSignal): Promise<void> {
  const { project: bound } = stream.ticket;
  if (bound !== undefined && asked.project !== undefined && asked.project !== bound)
    throw new HeddleError({ code: "UnknownProject", message: "the ticket is for another project" });
  switch (asked.kind) {
    case "run":
      return await feedRun(stream, asked, signal);
    case "events":
      return await feedEvents(stream, asked, signal);
    case "runs":
      return await feedRuns(stream, asked, signal);
    case "attention":
      return await feedAttention(stream, { ...asked, project: asked.project ?? bound }, signal);
    case "log":
      return await feedLog(stream, asked, signal);
    default:
      return unreachable(asked);
  }
}

async function feedRun({ world, connection }: OpenStream, asked: OpeningOf<"run">, signal: AbortSignal): Promise<void> {
  const run = await askedRun({ world, params: { project: asked.project, run: asked.run } });
  const channel = new Channel(connection, asked.id, signal);
  await world.feeds.run(run, (news) => channel.tell(news), signal);
}

async function feedEvents(
  { world, connection }: OpenStream,
  asked: OpeningOf<"events">,
  signal: AbortSignal,
): Promise<void> {
  const params = { project: asked.project, run: asked.run };
  const { project, run } = await askedRun({ world, params });
  const watcher = project.runs.watch();
  let { after = 0 } = asked;
  let toldEnd: number | undefined;
  for (;;) {
    for await (const item of project.runs.tail(run, { after, signal })) {
      if (item.kind !== "events") continue;
      after = item.events.at(-1)?.seq ?? after;
      await connection.sendInTurn({ type: "events", id: asked.id, run, events: item.events as unknown as Json });
    }
    if (signal.aborted) return;
    // Nobody works on it now: somebody may resume it later, or answer.
    if (toldEnd !== after) connection.send({ type: "end", id: asked.id, run, seq: after });
    toldEnd = after;
    while (!watcher.changed()) {
      if (signal.aborted) return;
      await pause(world.clock, LOOK_MS);
    }
  }
}

async function feedRuns(
  { world, connection }: OpenStream,
  asked: OpeningOf<"runs">,
  signal: AbortSignal,
): Promise<void> {
  const project = await world.projects.get(asked.project);
  const channel = new Channel(connection, asked.id, signal);
  await world.feeds.runs(project, (news) => channel.tell(news), signal);
}

async function feedAttention(
  { world, connection }: OpenStream,
  asked: OpeningOf<"attention">,
  signal: AbortSignal,
): Promise<void> {
  if (asked.project !== undefined) await world.projects.get(asked.project);
  const channel = new Channel(connection, asked.id, signal);
  await world.feeds.attention(asked.project, (news) => channel.tell(news), signal);
}

async function feedLog({ world, connection }: OpenStream, asked: OpeningOf<"log">, signal: AbortSignal): Promise<void> {
  const { project: name, run, step, attempt, after = 0, id: channel } = asked;
  const { project, ...of } = await askedLog({ world, params: { project: name, run, step, attempt: String(attempt) } });
  const watch = new AttemptWatch(of);
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  const known = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<never>();
  const take = (news: RunNews): void => {
    watch.take(news);
    known.resolve();
  };
  world.feeds.run({ project, run: of.run }, take, gone.signal).then(known.resolve, lost.reject);
  try {
    await Promise.race([known.promise, lost.promise]);
    const followed = followLog({
      logs: project.logs,
      of,
      after,
      clock: world.clock,
      stage: () => watch.stage,
      send: (news) => connection.sendInTurn({ ...news, id: channel } as unknown as Json),
      signal: gone.signal,
    });
    await Promise.race([followed, lost.promise]);
  } finally {
    leave();
    signal.removeEventListener("abort", leave);
  }
}
