/**
 * Client: the operations of the HTTP API as methods, by project. Knows how requests are named, not how they are sent.
 *
 * Invariant: a start is sent with a key, and once more with the same key where no answer came: it begins one run or none.
 */
import { systemRandom } from "../base/random.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { wallClockMs } from "../base/wall-clock.ts";
import type { CostsDocument } from "../view/costs.ts";
import type { RunEvent } from "../view/history.ts";
import type {
  AttentionList,
  Batch,
  BatchDocument,
  EventPage,
  HealthDocument,
  ProjectList,
  RunList,
  RunOverviewList,
  SaidToRun,
  SaidToStep,
  StartedRun,
  SteeredRun,
  StepDocument,
  LogPage,
  LogSearchPage,
  StepPage,
  TakenRun,
  TicketDocument,
} from "../view/protocol.ts";
import type { ConflictFileLine } from "../view/conflict-documents.ts";
import type { RunGraph } from "../view/run-graph.ts";
import type { RunView } from "../view/run-view.ts";
import type { RunStatus, StepStatus } from "../view/status.ts";
import type { Ask, AskText, CallOptions } from "./call.ts";
import { streamEvents, type EventStreamOptions } from "./events.ts";
import { replayCalls, reportCalls, type ReplayCalls, type ReportCalls } from "./looking.ts";
import { planCalls, type PlanCalls } from "./planning.ts";
import { LiveSocket, type LiveConnection } from "./live.ts";
import { ApiProblem } from "./problem.ts";
import {
  endpointOf,
  send,
  sendForBytes,
  sendForText,
  type ApiCall,
  type ClientPlatform,
  type Endpoint,
} from "./transport.ts";
import { workCalls, type WorkCalls } from "./work-calls.ts";

export interface ConnectOptions {
  /** Of the server: `http://127.0.0.1:4747`, or what a proxy has before it, with the path below which the API stands. */
  readonly url: string;
  /** `act` or `read` of the server, HEDDLE_TOKEN, or a session's. Sent to this server alone. */
  readonly token: string;
}

export interface ActOptions extends CallOptions {
  /** `Idempotency-Key`, 1 to 64 letters, digits, `_` and `-`: sent again with the same key, it is answered again and not done again. */
  readonly key?: string;
}

export interface SteerOptions extends ActOptions {
  /** The run as it was seen: if it has moved on since, nothing is done (`precondition-failed`). */
  readonly seen?: Pick<RunView, "run" | "seq">;
}

/** What is to be run. */
export interface StartRequest {
  /** Path of a plan file in the project, or the plan itself. Absent: the project's own. */
  readonly plan?: string | JsonObject;
  /** Values of the plan's parameters. */
  readonly params?: JsonObject;
  /** Steps at once. */
  readonly maxConcurrency?: number;
  readonly schedule?: "ready" | "layers";
  readonly failure?: "fail-fast" | "continue";
  /** Ids: these steps, with results of earlier runs for the others. */
  readonly only?: readonly string[];
}

export interface GoOnOptions extends SteerOptions {
  /** Steps at once. Absent: as before. */
  readonly maxConcurrency?: number;
  /** Run again what the plan file says otherwise now. */
  readonly acceptChanges?: boolean;
}

export interface RetryOptions extends GoOnOptions {
  /** Ids: these run again whatever came of them. Absent: what did not succeed, which runs again anyway. */
  readonly steps?: readonly string[];
  /** `false`: what depends on `steps` and has succeeded stays as it is. */
  readonly downstream?: boolean;
  /** Values that some of the plan's parameters have from now on. */
  readonly params?: JsonObject;
}

export interface CommentOptions extends SteerOptions {
  readonly comment?: string;
}

export interface ResolveOptions extends CommentOptions {
  /** When the question that is answered was asked (`ConflictDocument`): where it is another by now, nothing is done (`not-asked`). */
  readonly askedAt?: number;
  /** With `stored`: the files as they were seen. Where one has moved on, or another is decided, nothing is done (`precondition-failed`). */
  readonly files?: readonly Pick<ConflictFileLine, "file" | "etag">[];
}

export interface RunQuery extends CallOptions {
  /** At most so many, up to 200 (default: 50). */
  readonly limit?: number;
  readonly cursor?: string;
  /** Of plans with this name alone. */
  readonly plan?: string;
  /** With one of these statuses alone. */
  readonly status?: readonly RunStatus[];
  /** Created then or later, as milliseconds since the epoch. */
  readonly since?: number;
  /** Created before. */
  readonly until?: number;
  /** With this text in the id or the plan's name. */
  readonly q?: string;
}

export interface EventQuery extends CallOptions {
  /** Only events behind this number. */
  readonly after?: number;
  /** Only events before this number: the last ones of them, unless `after` is given. */
  readonly before?: number;
  /** At most so many, up to 1,000 (the default). */
  readonly limit?: number;
}

export interface HeddleClient {
  /** Whether the server is there. */
  health(options?: CallOptions): Promise<HealthDocument>;
  /** The server's own description of its API: OpenAPI 3.1. */
  openApi(options?: CallOptions): Promise<JsonObject>;
  readonly projects: {
    /** The projects that are served; `problem` where one cannot be opened. */
    list(options?: CallOptions): Promise<ProjectList>;
  };
  /**
   * What waits for a person in all projects: questions, conflicts, runs whose process died; what holds up most first. `limit`: at most so
   * many, up to 200 (default: 50); `cursor`: `next` of the page before.
   */
  attention(options?: CallOptions & { readonly limit?: number; readonly cursor?: string }): Promise<AttentionList>;
  /** What a page shows live, of all projects, over one connection of its own. Asks nothing before the first channel is opened. */
  live(): LiveConnection;
  /** The operations of one project, by its name in {@link projects}. Asks nothing by itself. */
  project(name: string): ProjectClient;
}

/** Runs are named by their ids, or the beginning of one that no other run has. */
export interface ProjectClient {
  readonly runs: RunCalls;
  readonly steps: StepCalls;
  readonly logs: LogCalls;
  readonly work: WorkCalls;
  readonly replay: ReplayCalls;
  readonly reports: ReportCalls;
  readonly plans: PlanCalls;
  /** What the agents of the newest 200 runs said that they used; narrowed as it says. */
  costs(options?: CostQuery): Promise<CostsDocument>;
  /** Sends the word `name` for the step that waits for it, or will wait for it. `value` (default: null) becomes the step's output. */
  signal(run: string, name: string, value?: Json, options?: ActOptions): Promise<SaidToRun>;
  /**
   * The events of a run, from the first one or from behind `after`, as they are recorded, until nobody works on the run: it has ended,
   * waits for a person, or its process died (`runs.get` says which). A connection that is lost is made again, and goes on after the
   * last event that was given; a slow reader gets all of them, too.
   */
  events(run: string, options?: EventStreamOptions): AsyncIterable<RunEvent>;
}

export interface CostQuery extends CallOptions {
  /** Of this run alone. */
  readonly run?: string;
  /** Of runs of plans with this name alone. */
  readonly plan?: string;
  /** Of runs created then or later, as milliseconds since the epoch. */
  readonly since?: number;
  /** Of runs created before. */
  readonly until?: number;
}

export interface RunCalls {
  /** The newest first, page by page: `cursor` is `next` of the page before. */
  list(options?: RunQuery): Promise<RunList>;
  /** What lists show of these runs, by their whole ids, 50 at most: counts of all statuses, cost, speed-up, what is to be looked at. */
  overviews(runs: readonly string[], options?: CallOptions): Promise<RunOverviewList>;
  /** As `heddle show --json`. `at`: as it was at this event. */
  get(run: string, options?: CallOptions & { readonly at?: number }): Promise<RunView>;
  /** Of the same, only these members. */
  get<Field extends keyof RunView>(
    run: string,
    options: CallOptions & { readonly at?: number; readonly fields: readonly Field[] },
  ): Promise<Pick<RunView, Field | "run" | "seq">>;
  /** Starts a run; it goes on in the server. With a key of its own unless one is given, so that it begins once. */
  start(request?: StartRequest, options?: ActOptions): Promise<StartedRun>;
  /** Ends running steps with grace, and the run cancelled. */
  cancel(run: string, options?: SteerOptions): Promise<SteeredRun>;
  /** Starts no new step. */
  pause(run: string, options?: SteerOptions): Promise<SteeredRun>;
  /** Starts steps again. */
  unpause(run: string, options?: SteerOptions): Promise<SteeredRun>;
  /** From now on so many steps at once; those that are running continue. */
  setConcurrency(run: string, workers: number, options?: SteerOptions): Promise<SteeredRun>;
  /** Goes on with a run that ended early; successes are kept. */
  resume(run: string, options?: GoOnOptions): Promise<TakenRun>;
  /** Runs again what failed, and what depends on it. */
  retry(run: string, options?: RetryOptions): Promise<TakenRun>;
  /** Runs the undos of a run that has ended. */
  rollback(run: string, options?: SteerOptions): Promise<TakenRun>;
  /** Recorded events in order, page by page. */
  events(run: string, options?: EventQuery): Promise<EventPage>;
  /** How its steps hang together. `at`: as it was at this event. */
  graph(run: string, options?: CallOptions & { readonly at?: number }): Promise<RunGraph>;
  /** The layers of the run. */
  batches(run: string, options?: CallOptions): Promise<readonly Batch[]>;
  /** One layer with its steps, from 1. */
  batch(run: string, number: number, options?: CallOptions): Promise<BatchDocument>;
}

export interface StepQuery extends CallOptions {
  /** At most so many, up to 200 (default: 50). */
  readonly limit?: number;
  readonly cursor?: string;
  /** With one of these statuses alone. */
  readonly status?: readonly StepStatus[];
  /** With this text in the id or the description, in any case. */
  readonly q?: string;
  /** The run as it was at this event. */
  readonly at?: number;
}

export interface StepCalls {
  /** Steps in the order of the plan, page by page: `cursor` is `next` of the page before. For runs too large to be sent whole. */
  list(run: string, options?: StepQuery): Promise<StepPage>;
  /** A step with what its attempts left. `at`: as it was at this event. */
  get(run: string, step: string, options?: CallOptions & { readonly at?: number }): Promise<StepDocument>;
  /** Answers the step's question with yes. */
  approve(run: string, step: string, options?: CommentOptions): Promise<SaidToStep>;
  /** Answers the step's question with no. */
  reject(run: string, step: string, options?: CommentOptions): Promise<SaidToStep>;
  /** Answers the question of an agent: words, or the number of one of its options. */
  answer(run: string, step: string, answer: string, options?: SteerOptions): Promise<SaidToStep>;
  /**
   * Says whose side is taken in a conflict where both changed, that the worktree has the solution (`continue`), or that what was decided
   * file by file is it (`stored`).
   */
  resolve(
    run: string,
    step: string,
    choice: "ours" | "theirs" | "continue" | "stored",
    options?: ResolveOptions,
  ): Promise<SaidToStep>;
}

export interface LogLinesQuery extends CallOptions {
  /** Number of the first line (default: 1). */
  readonly from?: number;
  /** At most so many lines, up to 10,000. */
  readonly limit?: number;
  /** The last so many lines instead. */
  readonly tail?: number;
  /** Count at most 8 MiB of the log for this answer, and guess the rest: `isGuess` says so. Asked again, it counts further. */
  readonly quick?: boolean;
}

export interface LogSearchQuery extends CallOptions {
  /** What is looked for is a regular expression for one line. */
  readonly isPattern?: boolean;
  /** Large and small letters are the same. */
  readonly ignoreCase?: boolean;
  /** At most so many hits, up to 1,000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: number;
}

/** Logs of attempts, which count from 1. */
export interface LogCalls {
  lines(run: string, step: string, attempt: number, options?: LogLinesQuery): Promise<LogPage>;
  /**
   * Bytes `from` to `to` (not itself) of the log as it is, at most 4 MiB: what more is asked for is left out. `size`: of the whole log. Where
   * there is nothing behind `from`, an `ApiProblem`: `range-not-satisfiable`.
   */
  bytes(
    run: string,
    step: string,
    attempt: number,
    range: CallOptions & { readonly from: number; readonly to: number },
  ): Promise<{ readonly bytes: Uint8Array; readonly from: number; readonly size: number }>;
  /** Looks through the whole log, for two seconds at most. */
  search(run: string, step: string, attempt: number, text: string, options?: LogSearchQuery): Promise<LogSearchPage>;
}

/** How long after a start without an answer it is sent again. */
const START_AGAIN_MS = [250, 1000] as const;

/** A client of one server. Asks nothing by itself. Throws an {@link ApiProblem} where the address or the token can be none. */
export function connect(options: ConnectOptions): HeddleClient {
  return connectOn(PLATFORM, options);
}

const PLATFORM: ClientPlatform = {
  fetch: (input, init) => globalThis.fetch(input, init),
  openSocket: (url, protocols) => new globalThis.WebSocket(url, [...protocols]),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  now: wallClockMs,
  random: systemRandom,
  newKey: () =>
    Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join(""),
};

/** As {@link connect}, on another platform. */
export function connectOn(platform: ClientPlatform, options: ConnectOptions): HeddleClient {
  const endpoint = endpointOf(options);
  const ask: Ask = (call) => send(platform, endpoint, call);
  return {
    health: ({ signal } = {}) => ask({ method: "GET", path: ["api", "health"], signal }),
    openApi: ({ signal } = {}) => ask({ method: "GET", path: ["api", "openapi.json"], signal }),
    projects: { list: ({ signal } = {}) => ask({ method: "GET", path: ["api", "projects"], signal }) },
    attention: ({ signal, ...query } = {}) => ask({ method: "GET", path: ["api", "attention"], query, signal }),
    live: () =>
      new LiveSocket({
        platform,
        url: streamOf(endpoint),
        newTicket: (signal) => newTicket(platform, endpoint, { body: {}, signal }),
      }),
    project: (name) => projectClient(platform, endpoint, name),
  };
}

type RunGetOptions = CallOptions & { readonly at?: number; readonly fields?: readonly string[] };

function projectClient(platform: ClientPlatform, endpoint: Endpoint, project: string): ProjectClient {
  const within = (call: ApiCall): ApiCall => ({ ...call, path: ["api", "projects", project, ...call.path] });
  const ask: Ask = (call) => send(platform, endpoint, within(call));
  const askText: AskText = (call) => sendForText(platform, endpoint, within(call));
  return {
    runs: runCalls(platform, ask),
    steps: stepCalls(ask),
    logs: logCalls(ask, (call) =>
      sendForBytes(platform, endpoint, { ...call, path: ["api", "projects", project, ...call.path] }),
    ),
    work: workCalls(ask),
    replay: replayCalls(ask),
    reports: reportCalls(ask, askText),
    plans: planCalls(ask),
    costs: ({ signal, ...query } = {}) => ask({ method: "GET", path: ["costs"], query, signal }),
    signal: (run, name, value = null, { key, signal } = {}) =>
      ask({ method: "POST", path: ["runs", run, "signals", name], body: { value }, key, signal }),
    events: (run, options = {}) =>
      streamEvents(
        {
          platform,
          url: streamOf(endpoint),
          project,
          run,
          newTicket: (signal) => newTicket(platform, endpoint, { body: { project }, signal }),
        },
        options,
      ),
  };
}

function streamOf({ url }: Endpoint): string {
  return `${url.replace(/^http/, "ws")}/api/stream`;
}

async function newTicket(
  platform: ClientPlatform,
  endpoint: Endpoint,
  call: Pick<ApiCall, "body" | "signal">,
): Promise<string> {
  const path = ["api", "tickets"];
  return (await send<TicketDocument>(platform, endpoint, { method: "POST", path, ...call })).ticket;
}

function runCalls(platform: ClientPlatform, ask: Ask): RunCalls {
  const steer =
    (word: string) =>
    <T>(run: string, { key, seen, signal }: SteerOptions = {}): Promise<T> =>
      ask({ method: "POST", path: ["runs", run, word], key, ifMatch: etagOfSeen(seen), signal });
  const goOn =
    (word: string) =>
    (run: string, { key, seen, signal, ...body }: RetryOptions = {}): Promise<TakenRun> =>
      ask({ method: "POST", path: ["runs", run, word], body, key, ifMatch: etagOfSeen(seen), signal });
  return {
    list: ({ signal, status, ...query } = {}) =>
      ask({ method: "GET", path: ["runs"], query: { ...query, status: status?.join(",") }, signal }),
    overviews: (runs, { signal } = {}) =>
      ask({ method: "GET", path: ["overviews"], query: { runs: runs.join(",") }, signal }),
    get: <T>(run: string, { at, fields, signal }: RunGetOptions = {}): Promise<T> =>
      ask({ method: "GET", path: ["runs", run], query: { at, fields: fields?.join(",") }, signal }),
    start: (request = {}, { key = platform.newKey(), signal } = {}) =>
      started(platform, () => ask({ method: "POST", path: ["runs"], body: { ...request }, key, signal })),
    cancel: steer("cancel"),
    pause: steer("pause"),
    unpause: steer("unpause"),
    setConcurrency: (run, workers, { key, seen, signal } = {}) =>
      ask({
        method: "POST",
        path: ["runs", run, "concurrency"],
        body: { workers },
        key,
        ifMatch: etagOfSeen(seen),
        signal,
      }),
    resume: goOn("resume"),
    retry: goOn("retry"),
    rollback: steer("rollback"),
    events: (run, { signal, ...query } = {}) => ask({ method: "GET", path: ["runs", run, "events"], query, signal }),
    graph: (run, { signal, ...query } = {}) => ask({ method: "GET", path: ["runs", run, "graph"], query, signal }),
    batches: (run, { signal } = {}) => ask({ method: "GET", path: ["runs", run, "batches"], signal }),
    batch: (run, number, { signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "batches", String(number)], signal }),
  };
}

function stepCalls(ask: Ask): StepCalls {
  const say = (
    run: string,
    [step, word]: readonly [string, string],
    body: NonNullable<ApiCall["body"]>,
    { key, seen, signal }: SteerOptions = {},
  ): Promise<SaidToStep> =>
    ask({ method: "POST", path: ["runs", run, "steps", step, word], body, key, ifMatch: etagOfSeen(seen), signal });
  return {
    list: (run, { signal, status, ...query } = {}) =>
      ask({ method: "GET", path: ["runs", run, "steps"], query: { ...query, status: status?.join(",") }, signal }),
    get: (run, step, { at, signal } = {}) =>
      ask({ method: "GET", path: ["runs", run, "steps", step], query: { at }, signal }),
    approve: (run, step, { comment, ...options } = {}) => say(run, [step, "approve"], { comment }, options),
    reject: (run, step, { comment, ...options } = {}) => say(run, [step, "reject"], { comment }, options),
    answer: (run, step, answer, options) => say(run, [step, "answer"], { answer }, options),
    resolve: (run, step, choice, { comment, askedAt, files, ...options } = {}) => {
      const seen = files && Object.fromEntries(files.map(({ file, etag }) => [file, etag]));
      const how = choice === "stored" ? { files: choice, seen } : { choice };
      return say(run, [step, "resolve"], { ...how, askedAt, comment }, options);
    },
  };
}

function logCalls(ask: Ask, askForBytes: (call: ApiCall) => ReturnType<LogCalls["bytes"]>): LogCalls {
  const at = (run: string, step: string, attempt: number): readonly string[] => [
    "runs",
    run,
    "steps",
    step,
    "attempts",
    String(attempt),
    "log",
  ];
  return {
    lines: (run, step, attempt, { signal, quick, ...query } = {}) =>
      ask({ method: "GET", path: at(run, step, attempt), query: { ...query, quick: quick?.toString() }, signal }),
    bytes: (run, step, attempt, { signal, ...range }) =>
      askForBytes({ method: "GET", path: at(run, step, attempt), range, signal }),
    search: (run, step, attempt, q, { signal, isPattern, ignoreCase, limit, after } = {}) => {
      const query = { q, regex: isPattern?.toString(), case: ignoreCase === true ? "false" : undefined, limit, after };
      return ask({ method: "GET", path: [...at(run, step, attempt), "search"], query, signal });
    },
  };
}

/** Sent again with the same key while no answer came, or its first sending is still being carried out. */
async function started(platform: ClientPlatform, begin: () => Promise<StartedRun>): Promise<StartedRun> {
  for (const delay of START_AGAIN_MS) {
    try {
      return await begin();
    } catch (thrown) {
      if (!(thrown instanceof ApiProblem) || !/^(unreachable|request-under-way)$/.test(thrown.code)) throw thrown;
    }
    await new Promise<void>((resolve) => void platform.after(delay, resolve));
  }
  return begin();
}

function etagOfSeen(seen: SteerOptions["seen"]): string | undefined {
  return seen === undefined ? undefined : `"${seen.run}-${seen.seq}"`;
}
