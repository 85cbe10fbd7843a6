/** Start of a plan: values of its parameters and how many workers. Nothing is shown as started before the server says so. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useNavigate } from "@tanstack/react-router";
import type { PlanParam, StartRequest } from "heddle/client";
import { useAction } from "../store/action.ts";
import { useHeddle, useReadOnlyReason } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { startValues, type ParamTexts } from "./start-values.ts";
import "./start-dialog.css";

export interface StartButtonProps {
  readonly project: string;
  /** Of the plan. */
  readonly file: string;
  readonly params: readonly PlanParam[];
  /** That the plan would have by itself; absent: nobody knows. */
  readonly workers: number | undefined;
  /** Why it cannot be started. */
  readonly unusable?: string | undefined;
}

export function StartButton(props: StartButtonProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const readOnly = useReadOnlyReason();
  return (
    <>
      <Button kind="primary" unusable={props.unusable ?? readOnly} onClick={() => setOpen(true)}>
        Start
      </Button>
      <Dialog title={`Start ${props.file}`} isOpen={isOpen} onClose={() => setOpen(false)}>
        <StartForm {...props} />
      </Dialog>
    </>
  );
}

function StartForm({ project, file, params, workers }: StartButtonProps): ReactNode {
  const { client } = useHeddle();
  const navigate = useNavigate();
  const [texts, setTexts] = useState<ParamTexts>({});
  const [count, setCount] = useState("");
  const [isTried, setTried] = useState(false);
  const start = useAction(async (request: StartRequest) => {
    const { run } = await client.project(project).runs.start(request);
    void navigate({ to: "/p/$project/runs/$run", params: { project, run } });
  });
  const { params: values, wrong } = startValues(params, texts);
  const isCountWrong = count !== "" && !/^[1-9]\d{0,5}$/.test(count);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (wrong.size > 0 || isCountWrong) return;
    start.ask({ plan: file, params: values, ...(count === "" ? {} : { maxConcurrency: Number(count) }) });
  };
  return (
    <form className="start" onSubmit={submit} noValidate>
      {params.map((param) => (
        <ParamField
          key={param.name}
          param={param}
          text={texts[param.name] ?? ""}
          wrong={isTried ? wrong.get(param.name) : undefined}
          onChange={(text) => setTexts((before) => ({ ...before, [param.name]: text }))}
        />
      ))}
      <label className="start-field">
        <span>Workers{workers === undefined ? null : <span className="dim"> {workers} by itself</span>}</span>
        <input
          type="number"
          min={1}
          inputMode="numeric"
          value={count}
          placeholder={workers === undefined ? "" : String(workers)}
          aria-invalid={isTried && isCountWrong}
          onChange={(event) => setCount(event.target.value)}
        />
        {isTried && isCountWrong ? <span className="start-wrong">must be a whole number from 1 on</span> : null}
      </label>
      {start.state.kind === "refused" ? <InlineProblem thrown={start.state.thrown} /> : null}
      <div className="start-actions">
        <Button kind="primary" type="submit">
          {start.state.kind === "asking" || start.state.kind === "asked" ? "Asked" : "Start the run"}
        </Button>
      </div>
    </form>
  );
}

function ParamField({
  param: { name, type, enum: choices, default: otherwise, description },
  text,
  wrong,
  onChange,
}: {
  readonly param: PlanParam;
  readonly text: string;
  readonly wrong: string | undefined;
  readonly onChange: (text: string) => void;
}): ReactNode {
  const own = otherwise === undefined ? undefined : valueText(otherwise);
  const options = choices?.map(valueText) ?? (type === "boolean" ? ["true", "false"] : undefined);
  return (
    <label className="start-field">
      <span>
        <code>{name}</code> <span className="dim">{description ?? type}</span>
      </span>
      {options === undefined ? (
        <input
          type="text"
          value={text}
          placeholder={own ?? ""}
          aria-invalid={wrong !== undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <select value={text} aria-invalid={wrong !== undefined} onChange={(event) => onChange(event.target.value)}>
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
