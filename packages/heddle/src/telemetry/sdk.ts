/**
 * The user's OpenTelemetry SDK, `@opentelemetry/sdk-node`, found as a module of the project and started as its `OTEL_*` variables say.
 * Knows what it takes to start and end one, not what it exports.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { messageOf } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { importModule } from "../files/import-module.ts";

const SDK = "@opentelemetry/sdk-node";

/** What is used of the SDK. */
interface SdkModule {
  readonly NodeSDK?: new (options: object) => { start(): void };
  readonly resources?: { readonly envDetector?: unknown };
  readonly default?: SdkModule;
}

interface SdkOptions {
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One for the process: a provider can be registered once. */
let starting: Promise<Result<void, string>> | undefined;

/** Registers a provider, which is there until the process ends. The error is one line for a person. */
export function startSdk(options: SdkOptions): Promise<Result<void, string>> {
  starting ??= startOnce(options).then((started) => {
    // Another project may have it.
    if (!started.ok) starting = undefined;
    return started;
  });
  return starting;
}

async function startOnce({ dir, env }: SdkOptions): Promise<Result<void, string>> {
  const file = fileOf(dir);
  if (file === undefined)
    return err(
      `OTEL_EXPORTER_OTLP_ENDPOINT is set, and ${SDK} is not installed: \`npm install ${SDK}\`. The run is not traced.`,
    );
  try {
    const loaded = (await importModule(file)) as SdkModule;
    const { NodeSDK, resources } = loaded.NodeSDK === undefined ? (loaded.default ?? loaded) : loaded;
    if (NodeSDK === undefined) return err(`${SDK} at ${file} has no NodeSDK. The run is not traced.`);
    const { envDetector } = resources ?? {};
    const sdk = new NodeSDK({
      serviceName: env["OTEL_SERVICE_NAME"] ?? "heddle",
      // Others would send the arguments of this process along, which may hold a parameter's value.
      resourceDetectors: envDetector === undefined ? [] : [envDetector],
    });
    sdk.start();
    return ok(undefined);
  } catch (thrown) {
    return err(`${SDK} could not be started: ${messageOf(thrown)}. The run is not traced.`);
  }
}

/** From the project, else from where heddle is installed. */
function fileOf(dir: string): string | undefined {
  for (const from of [path.join(dir, "package.json"), process.argv[1] ?? dir]) {
    try {
      return createRequire(from).resolve(SDK);
    } catch {
      // Not there.
    }
  }
  return undefined;
}
