/** Field list: the fields of a schema with their types, those inside others below them. */
import type { ReactNode } from "react";
import { MarkedText } from "./marked-text.tsx";
import type { SchemaField } from "./schema-fields.ts";

export interface FieldListProps {
  readonly fields: readonly SchemaField[];
  /** Of a request some are needed; of an answer some may be absent. */
  readonly of: "request" | "answer";
}

export function FieldList({ fields, of }: FieldListProps): ReactNode {
  return (
    <ul className="api-fields">
      {fields.map(({ name, type, isRequired, about, fields: inside }) => (
        <li key={name}>
          <code className="api-field-name">{name}</code> <span className="api-field-type">{type}</span>
          {of === "request" && isRequired ? <span className="api-field-needed"> needed</span> : null}
          {of === "answer" && !isRequired ? <span className="dim"> may be absent</span> : null}
          {about === "" ? null : (
            <span className="api-field-about">
              <MarkedText text={about} />
            </span>
          )}
          {inside.length === 0 ? null : <FieldList fields={inside} of={of} />}
        </li>
      ))}
    </ul>
  );
}
