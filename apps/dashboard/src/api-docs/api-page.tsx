/** API page: the server's own description of its API, to be read, found in and copied from. */
import { useDeferredValue, useEffect, useMemo, useRef, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useLocation } from "@tanstack/react-router";
import { useKeys } from "../app/keys.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { countOf } from "../ui/format.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { groupsOf, groupsWith, type ApiGroup, type OpenApiDocument } from "./api-document.ts";
import { FieldList } from "./field-list.tsx";
import { Operation } from "./operation.tsx";
import { fieldsOf } from "./schema-fields.ts";
import "./api-page.css";

const route = getRouteApi("/docs/api");

export function ApiPage(): ReactNode {
  usePageTitle("HTTP API");
  const { client } = useHeddle();
  const { q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const field = useRef<HTMLInputElement>(null);
  useKeys([{ key: "/", what: "Find a request", run: () => field.current?.focus() }]);
  const described = useQuery({
    queryKey: ["api"],
    // Of the very server that the page is of.
    queryFn: async ({ signal }) => (await client.openApi({ signal })) as unknown as OpenApiDocument,
    staleTime: Infinity,
  });
  const { data } = described;
  const groups = useMemo(() => (data === undefined ? [] : groupsOf(data)), [data]);
  const wanted = useDeferredValue(q);
  const shown = useMemo(() => groupsWith(groups, wanted), [groups, wanted]);
  useNamedOperation(data !== undefined);
  return (
    <>
      <main id="main" className="page api-page">
        <div className="page-head">
          <h1>HTTP API</h1>
          {data === undefined ? null : <span className="dim">version {data.info.version}</span>}
          <input
            ref={field}
            type="search"
            aria-label="Find a request"
            placeholder="Find a request"
            value={q}
            onChange={(event) =>
              void navigate({
                search: { q: event.target.value || undefined },
                hash: true,
                replace: true,
                hashScrollIntoView: false,
              })
            }
          />
          <span className="dim" aria-live="polite">
            {data === undefined ? "" : countOf(sizeOf(shown), "request")}
          </span>
        </div>
        {described.isPending ? <Waiting what="the API" /> : null}
        {described.isError ? <ProblemPanel title="The API cannot be shown" thrown={described.error} /> : null}
        {data === undefined ? null : (
          <>
            <p className="api-intro">
              Send <code>Authorization: Bearer TOKEN</code> with the token of the server, which{" "}
              <code>heddle serve</code> keeps for you alone. Programs read <code>/api/openapi.json</code>.
            </p>
            {shown.length === 0 ? <p className="dim">No request has this in it.</p> : null}
            {shown.map(({ tag, operations }) => (
              <section key={tag} className="api-group" aria-label={tag}>
                <h2>{tag}</h2>
                {operations.map((operation) => (
                  <Operation key={operation.id} operation={operation} parts={data.components.schemas} />
                ))}
              </section>
            ))}
            <section className="api-group" aria-label="Problems">
              <h2>Problems</h2>
              <p>
                What is refused is answered with <code>application/problem+json</code>.
              </p>
              <div className="panel api-problem">
                <FieldList
                  of="answer"
                  fields={fieldsOf(data.components.schemas["Problem"] ?? {}, data.components.schemas)}
                />
              </div>
            </section>
          </>
        )}
      </main>
      <StatusLine />
    </>
  );
}

function sizeOf(groups: readonly ApiGroup[]): number {
  return groups.reduce((sum, { operations }) => sum + operations.length, 0);
}

/** Opens and shows what the fragment of the address names. */
function useNamedOperation(isThere: boolean): void {
  const id = useLocation({ select: ({ hash }) => hash });
  useEffect(() => {
    const named = isThere && id !== "" ? document.getElementById(id) : null;
    if (!(named instanceof HTMLDetailsElement)) return;
    named.open = true;
    named.scrollIntoView();
    named.querySelector("summary")?.focus({ preventScroll: true });
  }, [isThere, id]);
}
