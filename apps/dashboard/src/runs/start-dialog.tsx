/** Start dialog: which plan is run, with which parameters, with how many workers; what is wrong with it before and after it is asked for. */
import { useEffect, useId, useRef, useState, type ReactNode, type RefObject } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ApiProblem, type DiagnosticLine, type PlanRequest } from "heddle/client";
import { useAction } from "../store/action.ts";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { countOf } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import "./start-dialog.css";

export interface StartDialogProps {
  /** Those that may be chosen. */
  readonly projects: readonly string[];
  /** The plan file that is chosen at first; absent: the project's own. */
  readonly file: string | undefined;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function StartDialog({ projects, file, isOpen, onClose }: StartDialogProps): ReactNode {
  const first = useRef<HTMLSelectElement>(null);
  return (
    <Dialog title="Start a run" isOpen={isOpen} onClose={onClose} initialFocus={first}>
      {isOpen ? <StartForm projects={projects} file={file} onClose={onClose} first={first} /> : null}
    </Dialog>
  );
}

/** In the place of a file's name; no file is called so. */
const OTHER = "\0other";

interface Parameter {
  readonly name: string;
  readonly value: string;
}

function StartForm({
  projects,
  file,
  onClose,
  first,
}: Omit<StartDialogProps, "isOpen"> & { readonly first: RefObject<HTMLSelectElement | null> }): ReactNode {
  const { client } = useHeddle();
  const navigate = useNavigate();
  const ids = useId();
  const [chosenProject, setProject] = useState<string>();
  const project = chosenProject ?? projects[0] ?? "";
  const plans = useQuery({
    queryKey: ["plans", project],
    queryFn: ({ signal }) => client.project(project).plans.list({ signal }),
    enabled: project !== "",
  });
  const files = plans.data?.items ?? [];
  const [chosenFile, setFile] = useState(file);
  /** A path that is typed: files may have any name. */
  const [typed, setTyped] = useState<string>();
  const plan = typed === undefined ? (chosenFile ?? files[0]?.file) : typed.trim() === "" ? undefined : typed.trim();
  const [params, setParams] = useState<readonly Parameter[]>([]);
  const [workers, setWorkers] = useState("");
  const given = Object.fromEntries(params.filter(({ name }) => name !== "").map(({ name, value }) => [name, value]));
  const count = workers === "" ? undefined : Number(workers);
  const isCountWrong = count !== undefined && (!Number.isSafeInteger(count) || count < 1);
  const start = useAction(async () => {
    const { run } = await client.project(project).runs.start({
      params: given,
      ...(plan === undefined ? {} : { plan }),
      ...(count === undefined ? {} : { maxConcurrency: count }),
    });
    await navigate({ to: "/p/$project/runs/$run", params: { project, run } });
  });
  // What was refused was refused of what stood there then.
  const request = JSON.stringify([project, plan, given, workers]);
  const { reset } = start;
  const told = useRef(reset);
  told.current = reset;
  useEffect(() => told.current(), [request]);
  const isProgram = files.find((one) => one.file === plan)?.isProgram === true;
  const unusable =
    plan === undefined
      ? "There is no plan file to start"
      : isCountWrong
        ? "Workers are a whole number from 1"
        : undefined;
  return (
    <form
      className="start-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (unusable === undefined) start.ask();
      }}
    >
      {projects.length < 2 ? null : (
        <label>
          Project
          <select
            value={project}
            onChange={({ target }) => {
              setProject(target.value);
              setFile(undefined);
              setTyped(undefined);
            }}
          >
            {projects.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <label>
        Plan
        <select
          ref={first}
          value={typed === undefined ? (plan ?? "") : OTHER}
          onChange={({ target }) => {
            setTyped(target.value === OTHER ? "" : undefined);
            if (target.value !== OTHER) setFile(target.value);
          }}
        >
          {file !== undefined && !files.some((one) => one.file === file) ? <option>{file}</option> : null}
          {files.map((one) => (
            <option key={one.file}>{one.file}</option>
          ))}
          {plan === undefined && typed === undefined ? <option value="">none</option> : null}
          <option value={OTHER}>Another file</option>
        </select>
      </label>
      {typed === undefined ? null : (
        <label>
          Path
          <input
            type="text"
            placeholder="in the project's folder: plans/release.yaml"
            spellCheck={false}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </label>
      )}
      {plans.isError ? <InlineProblem thrown={plans.error} /> : null}
      {plans.isSuccess && files.length === 0 && file === undefined ? (
        <p className="dim">
          There is no plan file in this project. <code>heddle init</code> makes one.
        </p>
      ) : null}
      <Parameters params={params} onParams={setParams} />
      <label>
        Workers
        <input
          type="number"
          min={1}
          step={1}
          inputMode="numeric"
          placeholder="as the plan says"
          value={workers}
          aria-invalid={isCountWrong}
          onChange={({ target }) => setWorkers(target.value)}
        />
      </label>
      <div className="start-check" id={`${ids}-check`} aria-live="polite">
        {plan === undefined || start.state.kind === "refused" ? null : isProgram ? (
          <p className="dim">This plan is a program: what is wrong with it shows when it is started.</p>
        ) : (
          <PlanCheck project={project} plan={plan} params={given} />
        )}
        {start.state.kind === "refused" ? <Refusal thrown={start.state.thrown} /> : null}
      </div>
      <div className="start-actions">
        <Button onClick={onClose}>Leave</Button>
        <Button type="submit" kind="primary" unusable={unusable} aria-describedby={`${ids}-check`}>
          {start.state.kind === "asking" || start.state.kind === "asked" ? "Starting" : "Start"}
        </Button>
      </div>
    </form>
  );
}

function Parameters({
  params,
  onParams,
}: {
  readonly params: readonly Parameter[];
  readonly onParams: (params: readonly Parameter[]) => void;
}): ReactNode {
  const set = (at: number, change: Partial<Parameter>): void =>
    onParams(params.map((one, index) => (index === at ? { ...one, ...change } : one)));
  return (
    <fieldset className="start-params">
      <legend>Parameters</legend>
      {params.map(({ name, value }, at) => (
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
            onClick={() => onParams(params.filter((_, index) => index !== at))}
          >
            Remove
          </Button>
        </div>
      ))}
      <Button onClick={() => onParams([...params, { name: "", value: "" }])}>Add a parameter</Button>
    </fieldset>
  );
}

const QUIET_MS = 300;

/** What the plan is and what is wrong with it, once nothing has been typed for a moment. */
function PlanCheck({
  project,
  plan,
  params,
}: {
  readonly project: string;
  readonly plan: string;
  readonly params: { readonly [name: string]: string };
}): ReactNode {
  const { client } = useHeddle();
  const given = JSON.stringify({ plan, params });
  const [settled, setSettled] = useState(given);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(given), QUIET_MS);
    return () => clearTimeout(timer);
  }, [given]);
  const check = useQuery({
    queryKey: ["validate", project, settled],
    queryFn: ({ signal }) => client.project(project).plans.validate(JSON.parse(settled) as PlanRequest, { signal }),
    staleTime: 0,
    retry: false,
  });
  if (check.isPending) return null;
  if (check.isError) return <Refusal thrown={check.error} />;
  const { valid, name = plan, steps = 0, diagnostics } = check.data;
  return (
    <>
      {valid ? (
        <p className="start-valid">
          <Glyph name="succeeded" label="Valid" />
          <span>
            <b>{name}</b>, {countOf(steps, "step")}
          </span>
        </p>
      ) : null}
      <Diagnostics lines={diagnostics} />
    </>
  );
}

/** Where a plan is wrong, its problems say all of it. */
function Refusal({ thrown }: { readonly thrown: unknown }): ReactNode {
  const lines = thrown instanceof ApiProblem ? thrown.diagnostics : [];
  if (lines.length === 0) return <InlineProblem thrown={thrown} />;
  return (
    <div role="alert">
      <Diagnostics lines={lines} />
    </div>
  );
}

function Diagnostics({ lines }: { readonly lines: readonly DiagnosticLine[] }): ReactNode {
  if (lines.length === 0) return null;
  return (
    <ul className="start-diagnostics">
      {lines.map((one, at) => (
        <li key={at}>
          <Glyph
            name={one.severity === "error" ? "failed" : "interrupted"}
            label={one.severity === "error" ? "Error" : "Warning"}
          />
          <span>
            <code className="dim">
              {one.file}:{one.line}:{one.column}
            </code>{" "}
            {one.message}
            {one.hint === undefined ? null : <span className="dim"> {one.hint}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
