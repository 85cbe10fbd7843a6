/** Head of a conflict: whose work meets whose and what was wanted of both, how far one is, and what has to pass. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import type { ConflictDocument, StepIntent } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { CodeText } from "../ui/code-text.tsx";
import { agoText, countOf } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";
import type { PlaceNumbers } from "./conflict-order.ts";

export interface ConflictHeadProps {
  readonly project: string;
  readonly conflict: ConflictDocument;
  readonly place: PlaceNumbers | undefined;
  readonly actions: ReactNode;
}

export function ConflictHead({ project, conflict, place, actions }: ConflictHeadProps): ReactNode {
  const { step, intents, verify, rejected } = conflict;
  const holdsUp = useHoldsUp(project, conflict);
  return (
    <section className="resolve-head" aria-label="The conflict">
      <div className="resolve-title">
        <h1 className="ellipsis">Resolve {step}</h1>
        <Status name="needs-resolution" />
        <span className="dim" role="status">
          {place === undefined ? "" : `conflict ${place.number} of ${place.of} · file ${place.file} of ${place.files}`}
          {holdsUp === undefined || holdsUp === 0 ? "" : ` · holds up ${countOf(holdsUp, "step")}`}
        </span>
        <span className="resolve-space" />
        <div className="resolve-actions">{actions}</div>
      </div>
      <p className="resolve-intents">
        <Intent title="Intent here" intent={intents.theirs} />{" "}
        {intents.ours.slice(0, 3).map((intent) => (
          <span key={intent.step}>
            <MergedIntent intent={intent} />{" "}
          </span>
        ))}
        {intents.ours.length > 3 ? (
          <span className="dim">and {countOf(intents.ours.length - 3, "other step")}. </span>
        ) : null}
        <span className="dim">
          {verify.length === 0 ? (
            "Nothing verifies the merged commit: the plan names no verify."
          ) : (
            <>
              Verify runs{" "}
              {verify.map((command, at) => (
                <span key={command}>
                  {at === 0 ? "" : ", "}
                  <code>
                    <CodeText text={command} />
                  </code>
                </span>
              ))}{" "}
              on the merged commit before the branch moves.
            </>
          )}
        </span>
      </p>
      {rejected === undefined ? null : (
        <details className="resolve-rejected" open>
          <summary>The last decision failed verification. The branch is where it was.</summary>
          <pre tabIndex={0} role="region" aria-label="What the verification printed">
            {rejected.output
              .slice(-4000)
              .split("\n")
              .map((line, at) => (
                <div key={at}>
                  <CodeText text={line} />
                </div>
              ))}
          </pre>
        </details>
      )}
    </section>
  );
}

/** What was wanted, in a line: what the plan says of the step, else how its prompt begins. */
function Intent({ title, intent }: { readonly title: string; readonly intent: StepIntent }): ReactNode {
  const text = intent.description ?? intent.prompt?.trim().split("\n")[0] ?? "nothing is said of it";
  return (
    <span title={intent.prompt}>
      <b>{title}:</b> <CodeText text={text} />.
    </span>
  );
}

function MergedIntent({ intent }: { readonly intent: StepIntent }): ReactNode {
  const now = useNow();
  const when = intent.mergedAt === undefined ? "" : ` (merged ${agoText(intent.mergedAt, now)})`;
  return <Intent title={`Intent of ${intent.step}${when}`} intent={intent} />;
}

/** Steps that cannot end before this one. */
function useHoldsUp(project: string, { run, step, askedAt }: ConflictDocument): number | undefined {
  const { client } = useHeddle();
  const attention = useQuery({
    queryKey: ["holds up", project, run, step, askedAt],
    queryFn: ({ signal }) => client.attention({ limit: 200, signal }),
  });
  return attention.data?.items.find((one) => one.project === project && one.run === run && one.step === step)?.holdsUp;
}
