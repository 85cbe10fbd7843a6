/**
 * Notice checks: reads `notify:`, one receiver or a list, with everything that is wrong with it. Pure: whether an address is a private one is
 * found out when something is sent.
 */
import { isJsonObject, type Json } from "../base/json.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { checkValue, type PlanIssues } from "./issues.ts";
import { MOST_TARGETS, type NotifyTarget } from "./notify-config.ts";
import { notifyTargetSchema } from "./schema/notify.ts";

/** The receivers without an error. */
export function readNotify(raw: Json, path: DocumentPath, issues: PlanIssues): readonly NotifyTarget[] {
  const isList = Array.isArray(raw);
  const list: readonly Json[] = isList ? raw : [raw];
  if (list.length > MOST_TARGETS) {
    const message = `"notify" has ${list.length} receivers; at most ${MOST_TARGETS} are allowed`;
    issues.add({ code: "InvalidValue", message, path });
    return [];
  }
  return list.flatMap((one, at) => readTarget(one, isList ? [...path, at] : path, issues) ?? []);
}

function readTarget(raw: Json, path: DocumentPath, issues: PlanIssues): NotifyTarget | undefined {
  if (!isJsonObject(raw)) {
    const message = '"notify": expected a mapping such as {url: "https://example.com/hook", secret: HOOK_SECRET}';
    issues.add({ code: "InvalidValue", message, path });
    return undefined;
  }
  if (!checkValue(notifyTargetSchema(), raw, path, issues)) return undefined;
  const target = raw as NotifyTarget;
  const wrong = (key: string, message: string, hint: string): undefined => {
    issues.add({ code: "InvalidValue", message: `"${key}": ${message}`, hint, path: [...path, key] });
    return undefined;
  };
  if ((target.url === undefined) === (target.urlFrom === undefined)) {
    const message = "a receiver of notices has one of `url` and `urlFrom`";
    const hint = "`urlFrom` names the variable that holds the address, where that is a secret itself";
    issues.add({ code: "InvalidValue", message, hint, path });
    return undefined;
  }
  if (target.url === undefined) return target;
  const refused = addressProblem(target.url, target.allowPrivate === true);
  return refused === undefined ? target : wrong("url", refused.message, refused.hint);
}

/** What is wrong with the address of a receiver, wherever it comes from. */
export function addressProblem(
  address: string,
  allowPrivate: boolean,
): { readonly message: string; readonly hint: string } | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const hint = "write it as https://example.com/hook";
  if (url === undefined || !["https:", "http:"].includes(url.protocol))
    return { message: "expected an address that begins with https://", hint };
  if (url.protocol === "http:" && !allowPrivate)
    return { message: "http:// is for private addresses alone", hint: "use https://, or set `allowPrivate: true`" };
  if (url.username !== "" || url.password !== "")
    return { message: "an address with a name or password in it is not sent to", hint: "use `secret` or `urlFrom`" };
  return undefined;
}
