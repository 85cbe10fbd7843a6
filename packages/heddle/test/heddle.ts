/** The command line from its sources, for tests: what the published command loads from the bundle. */
import { main } from "../src/cli/main.ts";

await main(process.argv.slice(2));
