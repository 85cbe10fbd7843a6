/** Schema of a receiver in `notify:`. Shapes only; `check-notify.ts` checks addresses. */
import * as z from "zod/mini";
import { MOST_TARGETS, NOTICE_KINDS, type NotifyTarget } from "../notify-config.ts";
import {
  commandSchema,
  envName,
  flagSchema,
  lazySchema,
  oneOfSchema,
  optionalSchema,
  strictSchema,
  type Lazy,
  type ShapeOf,
} from "./parts.ts";

const MOST_URL = 2000;

const kinds = oneOfSchema(NOTICE_KINDS, "expected succeeded, failed, cancelled or needs-you");
const shape: ShapeOf<NotifyTarget> = {
  url: optionalSchema(
    () => commandSchema().check(z.maxLength(MOST_URL, `an address has at most ${MOST_URL} characters`)),
    "Address of the receiver, https://.",
  ),
  urlFrom: optionalSchema(envName, "Name of the variable that holds the address."),
  secret: optionalSchema(envName, "Name of the variable that holds the key of the signature."),
  on: optionalSchema(
    () => z.array(kinds(), "expected a list").check(z.minLength(1, "must name at least one")),
    "What it is told; default: all.",
  ),
  format: optionalSchema(oneOfSchema(["json", "slack"], "expected json or slack")),
  allowPrivate: optionalSchema(flagSchema, "Allow addresses of this machine and of private networks, and http://."),
};

export const notifyTargetSchema: Lazy = strictSchema(
  shape,
  'expected a mapping such as {url: "https://example.com/hook", secret: HOOK_SECRET}',
);

/** One receiver or several, for the JSON Schema. */
export const notifySchema: Lazy = lazySchema(() =>
  z.union([notifyTargetSchema(), z.array(notifyTargetSchema()).check(z.maxLength(MOST_TARGETS))]),
);
