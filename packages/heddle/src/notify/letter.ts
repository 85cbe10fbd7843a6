/**
 * Letter of a notice: its address, body and signature, from what the journal has and the environment knows. The signature is that of
 * Standard Webhooks: HMAC-SHA256 over id, time and body, so that a receiver can check it with a library that is there.
 */
import { createHmac } from "node:crypto";
import { isJsonObject, type Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { NotifyTarget } from "../plan/notify-config.ts";
import { slackText, type NoticeDocument } from "../run/notices.ts";
import { VERSION } from "../version.ts";
import type { TakenNotice } from "../journal/port.ts";
import type { Letter, PostFailure } from "./post.ts";

export interface LetterContext {
  /** Of heddle itself; what it holds is not written anywhere. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the project's folder is called. */
  readonly project: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function letterOf(taken: TakenNotice, { env, project, now }: LetterContext): Result<Letter, PostFailure> {
  const read = readNotice(taken);
  if (read === undefined) return err({ why: "what is stored of it is damaged", isFinal: true });
  const { target, document } = read;
  const url = target.url ?? env[target.urlFrom ?? ""] ?? "";
  if (url === "") return err(unset(target.urlFrom ?? ""));
  const content: Json =
    target.format === "slack" ? slackText(document) : { ...(document as unknown as Record<string, Json>), project };
  const body = JSON.stringify(content);
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "user-agent": `heddle/${VERSION}`,
    "webhook-id": document.id,
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "heddle-attempt": String(taken.attempt),
  };
  if (target.secret !== undefined) {
    const secret = env[target.secret] ?? "";
    // Without its key it would be taken for somebody else's.
    if (secret === "") return err(unset(target.secret));
    headers["webhook-signature"] = signature(secret, [document.id, headers["webhook-timestamp"] ?? "", body]);
  }
  return ok({ url, allowPrivate: target.allowPrivate === true, headers, body });
}

/** `whsec_` and base64, as the standard's libraries write a key; anything else is taken as it is. */
function signature(secret: string, signed: readonly string[]): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  return `v1,${createHmac("sha256", key).update(signed.join(".")).digest("base64")}`;
}

function unset(name: string): PostFailure {
  return { why: `the variable ${name} is not set`, isFinal: false };
}

/** As the engine stored it. */
function readNotice({
  target,
  body,
}: TakenNotice): { readonly target: NotifyTarget; readonly document: NoticeDocument } | undefined {
  try {
    const [to, document] = [JSON.parse(target), JSON.parse(body)] as readonly Json[];
    if (!isJsonObject(to) || !isJsonObject(document) || typeof document["id"] !== "string") return undefined;
    return { target: to as NotifyTarget, document: document as unknown as NoticeDocument };
  } catch {
    return undefined;
  }
}
