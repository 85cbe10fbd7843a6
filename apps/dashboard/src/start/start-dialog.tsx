/** Start dialog: which plan is run, with which parameters, with how many workers; what is wrong with it before and after it is asked for. */
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode, type RefObject } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ApiProblem } from "heddle/client";
import { useAction } from "../store/action.ts";
import { useHeddle, useCannotAct } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { DiagnosticList } from "../ui/diagnostics.tsx";
import { Dialog, useHeldOpen } from "../ui/dialog.tsx";
import { countOf } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { InlineProblem } from "../ui/problem.tsx";
import { NamedFields, ParamField, type NamedText } from "./start-fields.tsx";
import { startValues, type ParamTexts } from "./start-values.ts";
import { useCheckedPlan, type CheckedPlan } from "./use-checked-plan.ts";
import "./start.css";

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

function StartForm({
  projects,
  file,
  onClose,
  first,
}: Omit<StartDialogProps, "isOpen"> & { readonly first: RefObject<HTMLSelectElement | null> }): ReactNode {
  const { client } = useHeddle();
  const readOnly = useCannotAct();
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
  const checked = useCheckedPlan(project, plan);
  const [texts, setTexts] = useState<ParamTexts>({});
  const [named, setNamed] = useState<readonly NamedText[]>([]);
  const [workers, setWorkers] = useState("");
  const [isTried, setTried] = useState(false);
  const known = checked.kind === "known" ? startValues(checked.document.params, texts) : undefined;
  const params =
    known?.params ??
    Object.fromEntries(named.filter(({ name }) => name !== "").map(({ name, value }) => [name, value]));
  const isCountWrong = workers !== "" && !/^[1-9]\d{0,5}$/.test(workers);
  const start = useAction(async () => {
    const { run } = await client.project(project).runs.start({
      params,
      ...(plan === undefined ? {} : { plan }),
      ...(workers === "" ? {} : { maxConcurrency: Number(workers) }),
    });
    await navigate({ to: "/p/$project/runs/$run", params: { project, run } });
  });
  const isStarting = start.state.kind === "asking" || start.state.kind === "asked";
  useHeldOpen(isStarting);
  // What was refused was refused of what stood there then.
  const request = JSON.stringify([project, plan, params, workers]);
  const { reset } = start;
  const told = useRef<() => void>(undefined);
  told.current = start.state.kind === "refused" ? reset : undefined;
  useEffect(() => told.current?.(), [request]);
  // Its parameters are not known before.
  const unchecked = checked.kind === "none" ? "The plan is being looked at" : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (
      plan === undefined ||
      checked.kind === "none" ||
      isCountWrong ||
      (known?.wrong.size ?? 0) > 0 ||
      readOnly !== undefined
    )
      return;
    start.ask();
  };
  return (
    <form className="start-form" onSubmit={submit} noValidate>
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
          {chosenFile !== undefined && !files.some((one) => one.file === chosenFile) ? (
            <option>{chosenFile}</option>
          ) : null}
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
      {checked.kind !== "known"
        ? null
        : checked.document.params.map((param) => (
            <ParamField
              key={param.name}
              param={param}
              text={Object.hasOwn(texts, param.name) ? (texts[param.name] ?? "") : ""}
              wrong={isTried ? known?.wrong.get(param.name) : undefined}
              onText={(text) => setTexts((before) => ({ ...before, [param.name]: text }))}
            />
          ))}
      {checked.kind === "program" ? <NamedFields given={named} onGiven={setNamed} /> : null}
      <label>
        Workers
        <input
          type="number"
          min={1}
          step={1}
          inputMode="numeric"
          placeholder={workersText(checked)}
          value={workers}
          aria-invalid={isCountWrong}
          onChange={({ target }) => setWorkers(target.value)}
        />
      </label>
      {isCountWrong ? <p className="start-wrong">Workers are a whole number from 1 on</p> : null}
      <div className="start-check" id={`${ids}-check`} aria-live="polite">
        {start.state.kind === "refused" ? <Refusal thrown={start.state.thrown} /> : <PlanCheck checked={checked} />}
      </div>
      <div className="start-actions">
        <Button unusable={isStarting ? "It is being started" : undefined} onClick={onClose}>
          Leave
        </Button>
        <Button
          type="submit"
          kind="primary"
          unusable={readOnly ?? (plan === undefined ? "There is no plan file to start" : unchecked)}
          aria-describedby={`${ids}-check`}
        >
          {isStarting ? "Starting" : "Start"}
        </Button>
      </div>
    </form>
  );
}

function workersText(checked: CheckedPlan): string {
  const workers = checked.kind === "known" ? checked.document.plan?.workers : undefined;
  return workers === undefined ? "as the plan says" : `${workers}, as the plan says`;
}

/** What the plan is, and what is wrong with it. */
function PlanCheck({ checked }: { readonly checked: CheckedPlan }): ReactNode {
  switch (checked.kind) {
    case "none":
      return null;
    case "program":
      return <p className="dim">This plan is a program: what is wrong with it shows when it is started.</p>;
    case "refused":
      return <Refusal thrown={checked.thrown} />;
    case "known": {
      const { valid, plan, diagnostics, diagnosticsInAll } = checked.document;
      return (
        <>
          {valid && plan !== null ? (
            <p className="start-valid">
              <Glyph name="succeeded" label="Valid" />
              <span>
                <b>{plan.name}</b>, {countOf(plan.steps.length, "step")}
              </span>
            </p>
          ) : null}
          <DiagnosticList diagnostics={diagnostics} inAll={diagnosticsInAll} />
        </>
      );
    }
  }
}

/** Where a plan is wrong, its problems say all of it. */
function Refusal({ thrown }: { readonly thrown: unknown }): ReactNode {
  const lines = thrown instanceof ApiProblem ? thrown.diagnostics : [];
  if (lines.length === 0) return <InlineProblem thrown={thrown} />;
  return (
    <div role="alert">
      <DiagnosticList diagnostics={lines} inAll={lines.length} />
    </div>
  );
}
