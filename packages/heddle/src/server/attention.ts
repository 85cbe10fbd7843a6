/** Attention of a server: what waits for a person in all its projects, in pages. */
import { HeddleError } from "../base/errors.ts";
import { defined } from "../base/defined.ts";
import type { Json } from "../base/json.ts";
import { compareAttention } from "../view/attention.ts";
import type { AttentionItem, AttentionList } from "../view/protocol.ts";
import type { ServedProjects } from "./projects.ts";

type Found = Omit<AttentionList, "next">;

export interface AttentionQuery {
  /** Of the projects that are looked at. */
  readonly names: readonly string[];
  readonly limit: number;
  readonly cursor: string | undefined;
}

export async function attentionIn(
  projects: ServedProjects,
  { names, limit, cursor }: AttentionQuery,
): Promise<AttentionList> {
  const behind = cursor === undefined ? undefined : placeOf(cursor);
  const found = await Promise.all(names.map(async (name) => await foundIn(projects, name)));
  const sorted = found.flatMap(({ items }) => items).sort(compareAttention);
  const left = behind === undefined ? sorted : sorted.filter((item) => compareAttention(item, behind) > 0);
  const items = left.slice(0, limit);
  const last = items.at(-1);
  return defined<AttentionList>({
    items,
    next: last === undefined || left.length <= limit ? undefined : cursorOf(last),
    unreadable: found.flatMap(({ unreadable }) => unreadable),
    isPartial: found.some(({ isPartial }) => isPartial),
  });
}

async function foundIn(projects: ServedProjects, name: string): Promise<Found> {
  try {
    const project = await projects.get(name);
    const { items, unreadable, isPartial } = await project.runs.attention();
    const named = <T>(one: T): T & { readonly project: string } => ({ project: name, ...one });
    return { items: items.map(named), unreadable: unreadable.map(named), isPartial };
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    return { items: [], unreadable: [{ project: name, problem: projects.saidOf(name, thrown) }], isPartial: false };
  }
}

type Place = Parameters<typeof compareAttention>[1];

/** The place of an item in the order: what comes behind it is the same, whatever came and went before. */
function cursorOf({ holdsUp, waitingSince, project, run, step }: AttentionItem): string {
  return Buffer.from(JSON.stringify([holdsUp, waitingSince, project, run, step ?? ""])).toString("base64url");
}

/** Throws a `HeddleError`. */
function placeOf(cursor: string): Place {
  const [holdsUp, waitingSince, project, run, step, ...more] = partsOf(cursor);
  if (
    typeof holdsUp === "number" &&
    typeof waitingSince === "number" &&
    typeof project === "string" &&
    typeof run === "string" &&
    typeof step === "string" &&
    more.length === 0
  )
    return { holdsUp, waitingSince, project, run, step };
  throw new HeddleError({
    code: "InvalidCursor",
    message: "the cursor is none of this list's",
    hint: "Send `next` of the page before, or none.",
  });
}

function partsOf(cursor: string): readonly Json[] {
  try {
    const json = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as Json;
    return Array.isArray(json) ? (json as readonly Json[]) : [];
  } catch {
    return [];
  }
}
