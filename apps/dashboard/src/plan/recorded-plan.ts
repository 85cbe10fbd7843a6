/** Recorded plan: what the first event of a run has of its plan, as texts. Knows no more of a plan than that it is JSON with steps. */
import type { EventPage } from "heddle/client";

export interface RecordedPlan {
  /** All of it, as JSON. */
  readonly whole: string;
  /** Without its steps, as JSON. */
  readonly settings: string;
  readonly steps: readonly {
    readonly id: string;
    /** What kind of work it is, and what it comes after. */
    readonly about: string;
    readonly text: string;
  }[];
}

/** Throws where the first event has none: the history is not one of this version. */
export function recordedPlan({ items }: EventPage): RecordedPlan {
  const first = items[0];
  const plan = (first?.data as { readonly plan?: unknown } | undefined)?.plan;
  if (first?.type !== "run.created" || typeof plan !== "object" || plan === null)
    throw new Error("The history does not begin with a plan");
  const { steps, ...settings } = plan as { readonly steps?: unknown };
  const list: readonly unknown[] = Array.isArray(steps) ? steps : [];
  return {
    whole: jsonOf(plan),
    settings: jsonOf(settings),
    steps: list.map((step, at) => {
      const { id, action, deps } = step as {
        readonly id?: unknown;
        readonly action?: { readonly kind?: unknown };
        readonly deps?: unknown;
      };
      const kind = typeof action?.kind === "string" ? action.kind : "";
      const after =
        Array.isArray(deps) && deps.length > 0
          ? `after ${deps.slice(0, 5).join(", ")}${deps.length > 5 ? ", …" : ""}`
          : "";
      return {
        id: typeof id === "string" ? id : `step ${at + 1}`,
        about: [kind, after].filter((part) => part !== "").join(", "),
        text: jsonOf(step),
      };
    }),
  };
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
