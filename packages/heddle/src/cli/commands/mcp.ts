/** `heddle mcp`: serves agents of people over standard input and output, by the Model Context Protocol, until they go away. */
import { Writable } from "node:stream";
import { messageOf } from "../../base/errors.ts";
import { safeLine, safeText } from "../../base/safe-text.ts";
import { EXIT, type Context } from "../context.ts";
import { isFlagOn } from "../flag-values.ts";
import type { Output } from "../output.ts";
import { onStopSignal } from "../signals.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";

export async function mcpCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out, clock, dir } = context;
  const { serveMcp } = await import("../../mcp/serve-stdio.ts");
  const { openProject } = await import("../../host/open.ts");
  const serving = serveMcp({
    dir,
    open: (access) => openProject(dir, { title: "heddle mcp", access, onWarning: (text) => out.note(safeText(text)) }),
    clock,
    input: process.stdin,
    output: outputStream(out),
    isReadOnly: isFlagOn(flags, "readOnly"),
    actor: `${userName()} over MCP`,
    onFault: (thrown) => out.note(`heddle mcp: ${safeLine(messageOf(thrown))}`),
  });
  if (process.stdin.isTTY)
    out.note(
      "heddle mcp speaks with an agent over standard input and output: the agent's configuration names it. Ctrl-C ends it.",
    );
  const ignore = onStopSignal(() => serving.stop());
  // Runs under way are ended before this process is.
  out.onClosed(() => serving.stop());
  await serving.done;
  ignore();
  return EXIT.ok;
}

/** What is written there goes past the captures of what plans print. */
function outputStream(out: Output): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _, done) {
      if (out.write(String(chunk))) done();
      else void drained(out, done);
    },
  });
}

async function drained(out: Output, done: () => void): Promise<void> {
  await out.drained();
  done();
}
