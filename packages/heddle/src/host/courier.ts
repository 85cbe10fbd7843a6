/** Composition root for notices: picks what sending them takes. Imported only by `host/open.ts`, with the first one. */
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { thisProcess } from "../journal/liveness.ts";
import { noticeCourier } from "../notify/courier.ts";
import type { NoticeCourier } from "../notify/port.ts";
import { systemResolver } from "../notify/post.ts";
import type { CourierParts } from "../project/parts.ts";
import { warnProcess } from "./warn-process.ts";

export function openCourier({ outbox, project, title, onWarning = warnProcess }: CourierParts): NoticeCourier {
  return noticeCourier({
    outbox,
    clock: systemClock(),
    random: systemRandom,
    holder: thisProcess(title),
    env: process.env,
    project,
    resolver: systemResolver,
    onWarning,
  });
}
