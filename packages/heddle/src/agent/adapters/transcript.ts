/**
 * Transcript: the log of an agent's attempt, with masked and bounded lines. Does not know what the lines say.
 *
 * Invariant: at most {@link LOG_LIMIT} bytes are written; one line says that the rest is omitted.
 */
import { closeSync, writeSync } from "node:fs";
import type { Masker } from "../../base/mask.ts";
import { openPlainToAppend } from "../../files/plain-file.ts";
import { err, ok, type Result } from "../../base/result.ts";

const LOG_LIMIT = 32 * 1024 * 1024;
const MAX_LINE = 65_536;

export interface Transcript {
  line(text: string): void;
  end(): void;
}

/** `file` is appended to; `null`: no log. The error says why it cannot be opened. */
export function transcript(file: string | null, mask: Masker | undefined): Result<Transcript, string> {
  const opened = file === null ? ok(undefined) : openPlainToAppend(file);
  if (!opened.ok) return err(`${file} ${opened.error}`);
  let descriptor = opened.value;
  let written = 0;
  function put(text: string): void {
    if (descriptor === undefined) return;
    try {
      written += writeSync(descriptor, text);
    } catch {
      // A full disk must not fail the attempt; the journal's own write will report it.
      end();
    }
  }
  function end(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }
  return ok({
    line(text) {
      if (descriptor === undefined) return;
      // Masked before it is cut: half a secret is in none of the forms that are masked.
      const safe = mask === undefined ? text : mask.text(text);
      put(`${safe.length > MAX_LINE ? `${safe.slice(0, MAX_LINE)} (cut)` : safe}\n`);
      if (written < LOG_LIMIT) return;
      put(`[log] more than ${LOG_LIMIT / 1024 / 1024} MB: the rest is omitted\n`);
      end();
    },
    end,
  });
}
