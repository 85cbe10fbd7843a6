/** Declarations of the commands that serve programs: over HTTP, and over MCP. */
import type { CommandSpec, OptionSpec } from "../spec.ts";
import { parseOrigins, parsePort, parseTextList } from "../flag-values.ts";

const PORT: OptionSpec = { flags: "--port <n>", description: "port of the server (default: 4747)", parse: parsePort };

export const SERVER_COMMANDS: readonly CommandSpec[] = [
  {
    name: "serve",
    summary: "Serve the HTTP API of this project, or of several, until it is stopped",
    options: [
      PORT,
      {
        flags: "--project <dir>",
        description: "folder of a project; can be repeated (default: this one)",
        parse: parseTextList,
      },
      { flags: "--open [run]", description: "print a link that logs a browser in, once, at the page of a run" },
      { flags: "--recover", description: "go on with runs whose process died" },
      { flags: "--host <address>", description: "listen on this address instead of this machine alone" },
      {
        flags: "--allow-host <name>",
        description: "accept requests under this name too, behind a proxy; can be repeated",
        parse: parseTextList,
      },
      {
        flags: "--cors <origin>",
        description: "let pages of this origin use the API; can be repeated",
        parse: parseOrigins,
      },
    ],
    examples: [
      ["heddle serve", "serves this project at http://127.0.0.1:4747"],
      ["heddle serve --project api --project web", "serves two projects"],
      ["heddle serve --open 7k3m9q2xw4ab", "with a link to the page of this run"],
    ],
    load: async () => (await import("../commands/serve.ts")).serveCommand,
  },
  {
    name: "open",
    summary: "Print a link that logs a browser in at the running server, once, at the page of a run or the first",
    args: "[run]",
    options: [PORT, { flags: "--read-only", description: "the browser may look, and change nothing" }],
    examples: [
      ["heddle open", "the link works for a minute"],
      ["heddle open 7k3m9q2xw4ab", "opens the page of this run"],
    ],
    load: async () => (await import("../commands/open.ts")).openCommand,
  },
  {
    name: "mcp",
    summary:
      "Serve agents with the plans and runs of this project, by the Model Context Protocol on standard input and output",
    options: [{ flags: "--read-only", description: "offer only the tools that look" }],
    examples: [
      ["heddle mcp", "for the configuration of an agent, which starts it"],
      ["heddle -C ../web mcp --read-only", "of another project, to look alone"],
    ],
    load: async () => (await import("../commands/mcp.ts")).mcpCommand,
  },
];
