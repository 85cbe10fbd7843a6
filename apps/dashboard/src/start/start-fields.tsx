/** Fields of a start: a plan's parameters, each by its type; of a program, whose parameters nobody knows before it is run, names and values. */
import type { ReactNode } from "react";
import type { PlanParam } from "heddle/client";
import { Button } from "../ui/button.tsx";

export interface ParamFieldProps {
  readonly param: PlanParam;
  readonly text: string;
  /** What is wrong with the text; absent: nothing, or nobody has asked yet. */
  readonly wrong: string | undefined;
  readonly onText: (text: string) => void;
}

export function ParamField({ param, text, wrong, onText }: ParamFieldProps): ReactNode {
  const { name, type, enum: choices, default: otherwise, description } = param;
  const own = otherwise === undefined ? undefined : valueText(otherwise);
  const options = choices?.map(valueText) ?? (type === "boolean" ? ["true", "false"] : undefined);
  const shared = { value: text, "aria-invalid": wrong !== undefined };
  return (
    <label className="start-field">
      <span>
        <code>{name}</code> <span className="dim">{description ?? type}</span>
      </span>
      {options === undefined ? (
        <input {...shared} type="text" placeholder={own ?? ""} onChange={({ target }) => onText(target.value)} />
      ) : (
        <select {...shared} onChange={({ target }) => onText(target.value)}>
          <option value="">{own === undefined ? "Choose" : `${own} (by itself)`}</option>
          {options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      )}
      {wrong === undefined ? null : <span className="start-wrong">{wrong}</span>}
    </label>
  );
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export interface NamedText {
  readonly name: string;
  readonly value: string;
}

export function NamedFields({
  given,
  onGiven,
}: {
  readonly given: readonly NamedText[];
  readonly onGiven: (given: readonly NamedText[]) => void;
}): ReactNode {
  const set = (at: number, change: Partial<NamedText>): void =>
    onGiven(given.map((one, index) => (index === at ? { ...one, ...change } : one)));
  return (
    <fieldset className="start-params">
      <legend>Parameters</legend>
      {given.map(({ name, value }, at) => (
        <div key={at} className="start-param">
          <input
            type="text"
            aria-label={`Name of parameter ${at + 1}`}
            placeholder="name"
            spellCheck={false}
            value={name}
            onChange={({ target }) => set(at, { name: target.value })}
          />
          <span aria-hidden="true">=</span>
          <input
            type="text"
            aria-label={`Value of parameter ${at + 1}`}
            placeholder="value"
            spellCheck={false}
            value={value}
            onChange={({ target }) => set(at, { value: target.value })}
          />
          <Button
            kind="quiet"
            aria-label={`Remove parameter ${at + 1}`}
            onClick={() => onGiven(given.filter((_, index) => index !== at))}
          >
            Remove
          </Button>
        </div>
      ))}
      <Button onClick={() => onGiven([...given, { name: "", value: "" }])}>Add a parameter</Button>
    </fieldset>
  );
}
