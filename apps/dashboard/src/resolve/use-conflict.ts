/** A conflict from the server, and what is asked of it. What was kept is shown when the server has said so. */
import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import type { ConflictDocument, ConflictFileDocument, FileDecision } from "heddle/client";
import { goingOn } from "../store/answering.ts";
import { useHeddle } from "../store/heddle.tsx";

export interface ConflictOf {
  readonly project: string;
  /** Its whole id. */
  readonly run: string;
  readonly step: string;
  /** Since when it is asked: asked again, it may be another one. */
  readonly since: number | null;
}

function keyOf({ project, run, step, since }: ConflictOf): readonly unknown[] {
  return ["conflict", project, run, step, since];
}

export function useConflict(of: ConflictOf, enabled: boolean): UseQueryResult<ConflictDocument> {
  const { client } = useHeddle();
  return useQuery({
    queryKey: keyOf(of),
    queryFn: ({ signal }) => client.project(of.project).work.conflict(of.run, of.step, { signal }),
    enabled,
  });
}

export function useConflictFile(of: ConflictOf, file: string): UseQueryResult<ConflictFileDocument> {
  const { client } = useHeddle();
  return useQuery({
    queryKey: [...keyOf(of), file],
    queryFn: ({ signal }) => client.project(of.project).work.conflictFile(of.run, of.step, file, { signal }),
    // What is being edited is not replaced: who keeps it hears that it has moved on.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What is being kept, by file: a decision waits for the one before it, and builds on what came of that. */
const inFlight = new Map<string, Promise<ConflictFileDocument>>();

/** Keeps a decision; gives the file as it is then. */
export function useDecide(
  of: ConflictOf,
): (seen: ConflictFileDocument, decision: FileDecision | "withdraw") => Promise<ConflictFileDocument> {
  const { client } = useHeddle();
  const queries = useQueryClient();
  const decide = async (
    seen: Promise<ConflictFileDocument> | ConflictFileDocument,
    decision: FileDecision | "withdraw",
  ): Promise<ConflictFileDocument> => {
    const kept = await client.project(of.project).work.decide(of.run, of.step, decision, { seen: await seen });
    queries.setQueryData([...keyOf(of), kept.file], kept);
    queries.setQueryData<ConflictDocument>(keyOf(of), (before) =>
      before === undefined
        ? before
        : {
            ...before,
            files: before.files.map((line) =>
              line.file === kept.file ? { ...line, state: kept.state, etag: kept.etag } : line,
            ),
          },
    );
    return kept;
  };
  return async (seen, decision) => {
    const name = JSON.stringify([...keyOf(of), seen.file]);
    const asked = decide(inFlight.get(name)?.catch(() => seen) ?? seen, decision);
    inFlight.set(name, asked);
    try {
      return await asked;
    } finally {
      if (inFlight.get(name) === asked) inFlight.delete(name);
    }
  };
}

/** Reads everything of the conflict anew. */
export function useRereadConflict(of: ConflictOf): () => void {
  const queries = useQueryClient();
  return () => void queries.resetQueries({ queryKey: keyOf(of) });
}

/** Says how it is settled; a run that nobody works on goes on. `seen`: the run as it was seen: refused where the step has moved on since. */
export function useResolve(
  of: ConflictOf,
  seen: number,
): (choice: "ours" | "theirs" | "continue" | "stored") => Promise<void> {
  const { client } = useHeddle();
  return (choice) =>
    goingOn(client, of, ({ steps }) => steps.resolve(of.run, of.step, choice, { seen: { run: of.run, seq: seen } }));
}
