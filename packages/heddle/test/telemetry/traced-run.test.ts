/**
 * Runs of the published command with a real provider: who takes their spans, what their processes are told, and what a run that nobody
 * traces loads. The SDK here is a package of the project that hands spans to a file, in batches, as real ones do.
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { modulesOf } from "../support/built.ts";
import { Rig, type Finished } from "../support/command-line.ts";

const SDK = createRequire(import.meta.filename).resolve("@opentelemetry/sdk-trace-base");
const API = createRequire(SDK).resolve("@opentelemetry/api");

/** Registers a provider as the real package does. Its spans are sent when it is told to, or after a minute. */
const PROVIDER = `
const { appendFileSync } = require("node:fs");
const { BasicTracerProvider, BatchSpanProcessor } = require(${JSON.stringify(SDK)});
const { trace } = require(${JSON.stringify(API)});
exports.register = (resource) => {
  const exporter = {
    export(spans, done) {
      for (const span of spans)
        appendFileSync(process.env.SPANS, JSON.stringify({
          name: span.name, ...span.spanContext(), parent: span.parentSpanContext?.spanId, attributes: span.attributes,
          message: span.status.message, resource,
        }) + "\\n");
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
};
`;

const SDK_NODE = `
const { register } = require("./provider.cjs");
exports.resources = { envDetector: "env" };
exports.NodeSDK = class {
  constructor(options) { this.options = options; }
  start() { register(this.options); }
};
`;

interface Exported {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly message?: string;
  readonly resource?: { readonly serviceName: string; readonly resourceDetectors: readonly string[] };
}

let rig: Rig;
let env: Record<string, string>;
beforeEach(() => {
  rig = new Rig();
  env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", SPANS: path.join(rig.dir, "spans.jsonl") };
});
afterEach(() => rig[Symbol.dispose]());

function installSdk(code = SDK_NODE, folder = ""): void {
  const home = `${folder}node_modules/@opentelemetry/sdk-node`;
  rig.write(`${home}/package.json`, JSON.stringify({ name: "@opentelemetry/sdk-node", main: "index.cjs" }));
  rig.write(`${home}/provider.cjs`, PROVIDER);
  rig.write(`${home}/index.cjs`, code);
}

function spans(): readonly Exported[] {
  if (!rig.has("spans.jsonl")) return [];
  return rig
    .read("spans.jsonl")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Exported);
}

function named(name: string): Exported {
  const found = spans().filter((span) => span.name === name);
  expect(
    found,
    `${name} among ${spans()
      .map((span) => span.name)
      .join(", ")}`,
  ).toHaveLength(1);
  return found[0] as Exported;
}

function heddle(args: readonly string[], more: Record<string, string> = {}): Promise<Finished> {
  return rig.spawn(args, { env: { ...env, ...more } }).done;
}

const NAMES_ITSELF = `echo "$TRACEPARENT" > "$HEDDLE_STEP.$HEDDLE_ATTEMPT"`;

describe("with an SDK in the project and an address to export to", () => {
  test("a run is exported before its process ends; each command is told its attempt's span", async () => {
    installSdk();
    rig.plan({
      name: "release",
      steps: [
        { id: "build", run: NAMES_ITSELF },
        { id: "test", run: NAMES_ITSELF, deps: ["build"], envMode: "strict" },
      ],
    });
    const { code, stderr } = await heddle(["run"]);
    expect([code, stderr]).toEqual([0, ""]);
    const run = named("run release");
    expect(run.resource).toEqual({ serviceName: "heddle", resourceDetectors: ["env"] });
    for (const step of ["build", "test"]) {
      const span = named(step);
      expect([span.traceId, span.parent]).toEqual([run.traceId, run.spanId]);
      const attempt = spans().find(({ parent }) => parent === span.spanId);
      expect(rig.read(`${step}.1`).trim()).toBe(`00-${run.traceId}-${attempt?.spanId}-01`);
    }
  });

  test("an incoming TRACEPARENT is the run's parent, also after its process was killed and another went on", async () => {
    installSdk();
    const gate = rig.gate("g");
    rig.plan({
      name: "release",
      steps: [
        { id: "a", run: `${NAMES_ITSELF}; ${gate.command}` },
        { id: "b", run: NAMES_ITSELF, deps: ["a"] },
      ],
    });
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const running = rig.spawn(["run"], { env: { ...env, TRACEPARENT: `00-${traceId}-b7ad6b7169203331-01` } });
    await gate.reached();
    running.kill("SIGKILL");
    await running.done;
    expect(rig.read("a.1")).toContain(`00-${traceId}-`);
    expect(spans()).toEqual([]);
    const resumed = rig.spawn(["resume"], {
      env: { ...env, TRACEPARENT: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` },
    });
    await gate.reached();
    await gate.open();
    expect((await resumed.done).code).toBe(0);
    for (const span of spans()) expect([span.name, span.traceId]).toEqual([span.name, traceId]);
    expect(named("run release").attributes["heddle.run.resumed"]).toBe(true);
    const attempts = spans().filter(({ parent }) => parent === named("a").spanId);
    expect(attempts.map(({ attributes }) => [attributes["heddle.attempt"], attributes["error.type"]])).toEqual([
      [1, "interrupted"],
      [2, undefined],
    ]);
  });

  test("secrets are masked in what spans say of failures", async () => {
    installSdk();
    rig.write("say.mjs", "export const say = () => { throw new Error(`no: ${process.env.KEY}`); };");
    rig.plan({
      name: "release",
      steps: [{ id: "say", call: "./say.mjs#say", secrets: ["KEY"] }],
    });
    const { code } = await heddle(["run"], { KEY: "a-secret-value-of-some-length" });
    expect(code).toBe(1);
    expect(named("say").message).toMatch(/^no: \S+/);
    expect(rig.read("spans.jsonl")).not.toContain("a-secret-value");
  });

  test("functions run inside the span of their attempt", async () => {
    installSdk(
      `${SDK_NODE}
       const { AsyncLocalStorage } = require("node:async_hooks");
       const { context, ROOT_CONTEXT } = require(${JSON.stringify(API)});
       const store = new AsyncLocalStorage();
       context.setGlobalContextManager({
         active: () => store.getStore() ?? ROOT_CONTEXT,
         with: (ctx, fn, self, ...args) => store.run(ctx, () => fn.apply(self, args)),
         bind: (_, target) => target, enable() { return this; }, disable() { return this; },
       });`,
    );
    rig.write(
      "own.mjs",
      `import { createRequire } from "node:module";
       const { trace } = createRequire(import.meta.url)(${JSON.stringify(API)});
       export const own = async () => {
         await null;
         trace.getTracer("user").startSpan("of the user").end();
       };`,
    );
    rig.plan({ name: "release", steps: [{ id: "own", call: "./own.mjs#own" }] });
    const { code, stderr } = await heddle(["run"]);
    expect([code, stderr]).toEqual([0, ""]);
    const attempt = spans().find(({ parent }) => parent === named("own").spanId);
    expect(named("of the user").parent).toBe(attempt?.spanId);
  });
});

describe("without", () => {
  const PLAN = {
    name: "release",
    steps: [
      { id: "a", run: NAMES_ITSELF },
      { id: "b", run: "true", deps: ["a"] },
    ],
  };

  test("an SDK: one warning that says what to install, and the run is as always", async () => {
    rig.plan(PLAN);
    const { code, stderr, stdout } = await heddle(["run"], { TRACEPARENT: "00-x" });
    expect([code, stdout]).toEqual([0, expect.stringContaining("2 succeeded of 2")]);
    expect(stderr.trim().split("\n")).toEqual([
      "OTEL_EXPORTER_OTLP_ENDPOINT is set, and @opentelemetry/sdk-node is not installed: `npm install @opentelemetry/sdk-node`. The run is not traced.",
    ]);
    expect(rig.read("a.1")).toBe("00-x\n");
  });

  test("a usable one, or an API that is new enough: the same", async () => {
    const cases: readonly (readonly [sdk: string, says: string])[] = [
      ["throw new Error('broken');", "could not be started: broken"],
      ["exports.other = 1;", "has no NodeSDK"],
      ["exports.NodeSDK = class { start() { throw new Error('no'); } };", "could not be started: no"],
      [
        `exports.NodeSDK = class {
          start() { globalThis[Symbol.for("opentelemetry.js.api.1")] = { version: "1.8.0", trace: {} }; }
        };`,
        "1.9 or newer",
      ],
    ];
    rig.plan(PLAN);
    for (const [at, [sdk]] of cases.entries()) installSdk(sdk, `p${at}/`);
    const ended = cases.map((_, at) => heddle(["run", "-C", `p${at}`, "../heddle.json"]));
    for (const [at, { code, stderr }] of (await Promise.all(ended)).entries()) {
      expect([code, stderr]).toEqual([0, expect.stringContaining(cases[at]?.[1] ?? "")]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  test("a word of it in the environment nothing is traced, loaded or changed; OTEL_SDK_DISABLED says the same", async () => {
    installSdk();
    rig.plan(PLAN);
    const { code } = await heddle(["run"], { OTEL_SDK_DISABLED: "true", TRACEPARENT: "00-x" });
    expect([code, spans(), rig.read("a.1")]).toEqual([0, [], "00-x\n"]);
  });
});

test("a run that nobody traces loads no module of traces, of the server, or of people's agents", async () => {
  rig.plan({ name: "p", steps: [{ id: "a", run: "true" }] });
  const spy = rig.write(
    "spy.cjs",
    // The command loads its own parts by itself.
    `const vm = require("vm");
     const files = [];
     const { Script } = vm;
     vm.Script = class extends Script {
       constructor(code, options) { super(code, options); files.push(options.filename); }
     };
     process.on("exit", () => require("fs").writeFileSync(process.env.LOADED, JSON.stringify(files)));`,
  );
  const loadedBy = async (more: Record<string, string | undefined>): Promise<ReadonlySet<string>> => {
    const loaded = path.join(rig.dir, "loaded.json");
    const { code } = await rig.spawn(["run"], { env: { NODE_OPTIONS: `--require ${spy}`, LOADED: loaded, ...more } })
      .done;
    expect(code).toBe(0);
    const files = JSON.parse(rig.read("loaded.json")) as readonly string[];
    return new Set(files.flatMap((file) => modulesOf(path.basename(file))).map(roomOf));
  };
  const plain = await loadedBy({});
  expect([...plain]).toEqual(expect.arrayContaining(["engine", "run", "cli"]));
  const heavy = [
    "notify",
    "telemetry",
    "@opentelemetry/api",
    "server",
    "hono",
    "prom-client",
    "mcp",
    "@modelcontextprotocol/server",
  ];
  expect(heavy.filter((room) => plain.has(room))).toEqual([]);
  // The look at what is loaded sees it where it is.
  installSdk();
  writeFileSync(path.join(rig.dir, "spans.jsonl"), "");
  const traced = await loadedBy(env);
  expect(heavy.filter((room) => traced.has(room))).toEqual(["telemetry", "@opentelemetry/api"]);
});

/** The room of a source, or the package that a module is of. */
function roomOf(module: string): string {
  const found = /^packages\/heddle\/src\/([\w-]+)|node_modules\/((?:@[\w-]+\/)?[\w-]+)/.exec(module);
  return found?.[1] ?? found?.[2] ?? module;
}
