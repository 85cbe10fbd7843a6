/**
 * Program that an agent starts to reach its task tools over stdio. Reads everything from its environment, so that no
 * secret is in the list of processes.
 */
// Not a console: these carry the protocol.
import { env, exit, stderr, stdin, stdout } from "node:process";
import { proxyStdio, TOKEN_VARIABLE, URL_VARIABLE } from "./stdio-proxy.ts";

const url = env[URL_VARIABLE];
const token = env[TOKEN_VARIABLE];
if (url === undefined || token === undefined) {
  stderr.write(`heddle: ${URL_VARIABLE} and ${TOKEN_VARIABLE} must be set; heddle sets them for the agents of a run\n`);
  exit(2);
}
await proxyStdio({ input: stdin, output: stdout, url, token, fetch });
// Kept-alive connections would hold the process for seconds.
exit(0);
