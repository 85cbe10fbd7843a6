/** Log download: all bytes of a log, as they are, into a file of the reader. In parts: no more than one is in memory. */
import type { ProjectClient } from "heddle/client";
import type { AttemptId } from "./served-log.ts";

const PART = 4 * 1024 * 1024;

/** `told`: how many bytes of how many are here. Rejects as the client does. */
export async function downloadLog(
  { logs }: Pick<ProjectClient, "logs">,
  { run, step, attempt }: AttemptId,
  signal: AbortSignal,
  told: (bytes: number, size: number) => void,
): Promise<void> {
  // A part of its own each: the browser may keep them on disk.
  const parts: Blob[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (let from = 0; from < size;) {
    const part = await logs.bytes(run, step, attempt, { from, to: from + PART, signal });
    if (part.bytes.length === 0) break;
    // Of a log that is written the end is where it was at first.
    size = Math.min(size, part.size);
    parts.push(new Blob([part.bytes.slice()]));
    from += part.bytes.length;
    told(from, size);
  }
  const address = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${run}-${step.replaceAll(/[^\w.-]+/g, "_")}-${attempt}.log`;
  link.click();
  // The browser has begun to write it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
