/** Operation: one request of the API, closed until somebody opens it or its address names it. */
import { useState, type ReactNode } from "react";
import { CopyButton } from "../ui/copy-button.tsx";
import { curlOf, type ApiAnswer, type ApiContent, type ApiOperation } from "./api-document.ts";
import { FieldList } from "./field-list.tsx";
import { MarkedText } from "./marked-text.tsx";
import { fieldsOf, typeOf, type SchemaField, type SchemaParts } from "./schema-fields.ts";

const AUTHORITY = { none: "needs no token", read: "needs a token", act: "needs a token that may act" } as const;
const PLACES = { path: "In the address", query: "Behind the ?", header: "Headers" } as const;

export interface OperationProps {
  readonly operation: ApiOperation;
  readonly parts: SchemaParts;
}

export function Operation({ operation, parts }: OperationProps): ReactNode {
  const { id, method, path, summary } = operation;
  const [isOpen, setOpen] = useState(false);
  return (
    <details id={id} className="api-operation panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h3>
          <span className="api-method" data-method={method}>
            {method}
          </span>{" "}
          <code>{path}</code>
        </h3>
        <span className="api-summary">{summary}</span>
      </summary>
      {isOpen ? <Parts operation={operation} parts={parts} /> : null}
    </details>
  );
}

function Parts({ operation, parts }: OperationProps): ReactNode {
  const { id, authority, parameters, body, answer, refusals } = operation;
  const curl = curlOf(operation, location.origin);
  return (
    <div className="api-parts">
      <p>
        <a className="link" href={`#${id}`}>
          {id}
        </a>{" "}
        <span className="dim">{AUTHORITY[authority]}</span>
      </p>
      {(["path", "query", "header"] as const).map((place) => {
        const fields = parameters
          .filter((one) => one.in === place)
          .map(({ name, isRequired, schema }): SchemaField => ({
            name,
            type: typeOf(schema, parts),
            isRequired,
            about: typeof schema["description"] === "string" ? schema["description"] : "",
            fields: [],
          }));
        return fields.length === 0 ? null : (
          <section key={place}>
            <h4>{PLACES[place]}</h4>
            <FieldList fields={fields} of="request" />
          </section>
        );
      })}
      {body === undefined ? null : (
        <section>
          <h4>Body</h4>
          <Content content={body} parts={parts} of="request" what={`body of ${id}`} />
        </section>
      )}
      <section>
        <h4>Answer {answer.status}</h4>
        <p>
          <MarkedText text={answer.description} />
        </p>
        {answer.content === undefined ? null : (
          <Content content={answer.content} parts={parts} of="answer" what={`answer of ${id}`} />
        )}
      </section>
      <Refusals refusals={refusals} />
      <section>
        <h4>Example</h4>
        <pre className="api-text" tabIndex={0} role="region" aria-label={`curl command of ${id}`}>
          {curl}
        </pre>
        <CopyButton text={curl} what="command" />
      </section>
    </div>
  );
}

function Content({
  content,
  parts,
  of,
  what,
}: {
  readonly content: ApiContent;
  readonly of: "request" | "answer";
  readonly parts: SchemaParts;
  readonly what: string;
}): ReactNode {
  const { type, schema, example } = content;
  const fields = schema === undefined ? [] : fieldsOf(schema, parts);
  return (
    <>
      {schema === undefined || fields.length === 0 ? (
        <p className="dim">
          <code>{type}</code>
          {schema === undefined ? null : `, ${typeOf(schema, parts)}`}
        </p>
      ) : (
        <FieldList fields={fields} of={of} />
      )}
      {example === undefined ? null : (
        <pre className="api-text" tabIndex={0} role="region" aria-label={`Example: ${what}`}>
          {JSON.stringify(example, undefined, 2)}
        </pre>
      )}
    </>
  );
}

function Refusals({ refusals }: { readonly refusals: readonly ApiAnswer[] }): ReactNode {
  if (refusals.length === 0) return null;
  return (
    <section>
      <h4>Problems</h4>
      <ul className="api-fields">
        {refusals.map(({ status, description }) => (
          <li key={status}>
            <span className="api-field-name">{status}</span> <code>{description}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
