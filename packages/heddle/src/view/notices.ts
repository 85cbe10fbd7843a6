/**
 * Notices: reads warnings for people from `step.progress` events: omitted files, changes outside a worktree, special
 * features of a repository. Pure.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

export interface Notice {
  /** `repository`, `include`, `left-out`, `nested`, `strays`, `moved`, `markers`, `submodules`, or `isolation` for changes outside the worktree. */
  readonly about: string;
  readonly text: string;
}

/**
 * From the data of a `step.progress`; `undefined`: not a notice. An agent's own notices have no `about` and stay in
 * its log.
 */
export function noticeOf(data: JsonObject): Notice | undefined {
  const { type, about, text, breaches } = data;
  if (type === "notice" && typeof about === "string" && typeof text === "string") return { about, text };
  if (type !== "isolation.breach" || !Array.isArray(breaches)) return undefined;
  const kinds = breaches.flatMap((one) => {
    if (!isJsonObject(one)) return [];
    const names = Array.isArray(one["names"]) ? one["names"].slice(0, 5).join(", ") : "";
    return [names === "" ? String(one["kind"]) : `${String(one["kind"])} (${names})`];
  });
  const commands = breaches.flatMap((one) => (isJsonObject(one) ? commandsOf(one["lost"]) : []));
  const back = commands.length === 0 ? "" : `. Kept; to put it back: ${commands.join("; ")}`;
  return { about: "isolation", text: `changed outside its worktree while it ran: ${kinds.join("; ")}${back}` };
}

/** What puts back the refs that were lost. */
function commandsOf(lost: Json | undefined): readonly string[] {
  if (!Array.isArray(lost)) return [];
  return lost.flatMap((one) =>
    isJsonObject(one) && typeof one["command"] === "string" ? [`\`${one["command"]}\``] : [],
  );
}
