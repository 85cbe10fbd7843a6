/**
 * Workflow import: makes a plan of a workflow of GitHub Actions: a step for each job, in the order of their needs. Jobs
 * that need nothing of each other go on when one fails, as on GitHub: `failure: continue`.
 */
import { plural } from "../../base/plural.ts";
import type { Json } from "../../base/json.ts";
import { shorten } from "../issues.ts";
import { findCircle } from "./circle.ts";
import { DraftPlan } from "./draft.ts";
import type { Findings } from "./findings.ts";
import {
  isBlank,
  isTrue,
  itemsOf,
  jsonOf,
  memberOf,
  scalarText,
  type SourceMapping,
  type SourceNode,
} from "./source.ts";
import { celMember, noReads } from "./workflow-cel.ts";
import { type Cel, type CelType } from "./workflow-value.ts";
import { noteOthers, readJob, type WorkflowJob } from "./workflow-job.ts";
import { JobSteps, type Ancestor, type NeededJob } from "./workflow-steps.ts";

export interface WorkflowDraft {
  readonly plan: DraftPlan;
  readonly summary: string;
}

const KEYS = new Set(["name", "on", "env", "defaults", "jobs"]);

export function importWorkflow(root: SourceMapping, findings: Findings): WorkflowDraft {
  const plan = new DraftPlan();
  const name = memberOf(root, "name");
  plan.set("name", scalarText(name), name).set("failure", "continue");
  noteOthers(root, KEYS, findings);
  const inputs = readInputs(root, plan, findings);
  const written = memberOf(root, "jobs");
  const entries = written?.kind === "mapping" ? [...written.entries] : [];
  const jobs = new Map<string, WorkflowJob>();
  for (const [id, entry] of entries) {
    const job = readJob(id, entry, findings);
    if (job !== undefined) jobs.set(id, job);
  }
  const order = new JobOrder(jobs, findings);
  const variables = noReads();
  if (!order.hasCircle()) {
    for (const job of jobs.values()) {
      if (job.commands.length === 0) continue;
      const around = {
        findings,
        env: [memberOf(root, "env"), memberOf(job.node, "env")].filter((node) => node !== undefined),
        defaults: [runDefaults(job.node), runDefaults(root)].filter((node) => node !== undefined),
        input: (input: string): Cel | undefined => {
          const type = inputs.get(input);
          return type === undefined ? undefined : { text: celMember("params", input), type };
        },
        needs: order.needsOf(job),
        ancestors: order.ancestorsOf(job),
        variables,
      };
      for (const step of new JobSteps(job, around).make(approvalId(job.id, jobs))) plan.add(step);
    }
  }
  if (plan.steps.length === 0 && findings.errors.length === 0) {
    const hint = "import reads commands (`run`), not actions";
    findings.error(written ?? root, { code: "NothingToImport", message: "no job has a command", hint });
  }
  if (variables.variables.size > 0) {
    const names = [...variables.variables].map((each) => (variables.secrets.has(each) ? `${each} (secret)` : each));
    findings.note(
      written ?? root,
      `variables that GitHub sets, and that \`heddle run\` takes from the environment: ${names.join(", ")}`,
    );
  }
  if (plan.steps.length > 1 || [...jobs.values()].some(({ items = [] }) => items.length > 1)) {
    const message = "jobs share the project folder, and run at the same time; on GitHub each has a machine of its own";
    findings.note(written ?? root, message);
  }
  const commands = [...jobs.values()].reduce((sum, job) => sum + job.commands.length, 0);
  return {
    plan,
    summary: `${plural(entries.length, "job")} with ${plural(commands, "command")}: ${plural(plan.steps.length, "step")}`,
  };
}

function runDefaults(node: SourceNode): SourceNode | undefined {
  return memberOf(memberOf(node, "defaults"), "run");
}

function approvalId(job: string, jobs: ReadonlyMap<string, unknown>): string {
  let id = `${job}-approval`;
  while (jobs.has(id)) id += "-";
  return id;
}

class JobOrder {
  readonly #jobs: ReadonlyMap<string, WorkflowJob>;
  readonly #findings: Findings;

  constructor(jobs: ReadonlyMap<string, WorkflowJob>, findings: Findings) {
    this.#jobs = jobs;
    this.#findings = findings;
  }

  hasCircle(): boolean {
    const next = (job: WorkflowJob): readonly WorkflowJob[] => this.#known(job).map(({ job: needed }) => needed);
    const circle = findCircle([...this.#jobs.values()], next, (job) => job.id);
    const [first] = circle ?? [];
    const last = circle?.at(-1);
    if (circle === undefined || first === undefined || last === undefined) return false;
    const place = last.needs.find(({ id }) => id === first.id)?.place ?? last.place;
    const names = [...circle, first].map(({ id }) => shorten(id)).join(" -> ");
    const hint = "remove one of these needs";
    this.#findings.error(place, { code: "CycleDetected", message: `jobs need each other: ${names}`, hint });
    return true;
  }

  /** Of a job that was left out, those that it needs. */
  needsOf(job: WorkflowJob): readonly NeededJob[] {
    const needs = new Map<string, NeededJob>();
    for (const { job: needed, place } of this.#known(job)) {
      const isThere = needed.commands.length > 0;
      for (const each of isThere ? [{ job: needed, place }] : this.needsOf(needed)) {
        const isOptional = isTrue(memberOf(each.job.node, "continue-on-error"));
        // What comes after one that may fail is not skipped by the engine with what that one needs.
        const mayBeSkipped = this.#mayBeSkipped(each.job) || (isOptional && each.job.needs.length > 0);
        if (!needs.has(each.job.id)) needs.set(each.job.id, { job: each.job, place, mayBeSkipped, isOptional });
      }
    }
    return [...needs.values()];
  }

  ancestorsOf(job: WorkflowJob): readonly Ancestor[] {
    const found = new Map<string, Ancestor>();
    for (const { job: needed, place, isOptional } of this.needsOf(job)) {
      found.set(needed.id, { id: needed.id, place, isOptional });
      for (const each of this.ancestorsOf(needed)) if (!found.has(each.id)) found.set(each.id, { ...each, place });
    }
    return [...found.values()];
  }

  #mayBeSkipped(job: WorkflowJob): boolean {
    return memberOf(job.node, "if") !== undefined || this.needsOf(job).some((needed) => needed.mayBeSkipped);
  }

  #known(job: WorkflowJob): readonly { readonly job: WorkflowJob; readonly place: { readonly offset: number } }[] {
    return job.needs.flatMap(({ id, place }) => {
      const needed = this.#jobs.get(id);
      if (needed !== undefined) return [{ job: needed, place }];
      this.#findings.loss(place, {
        code: "UnknownDependency",
        message: `"${shorten(job.id)}" needs "${shorten(id)}", and no job has this id`,
        otherwise: "imported without this need",
      });
      return [];
    });
  }
}

/** The inputs of the workflow as parameters of the plan, and the types that they have. */
function readInputs(root: SourceMapping, plan: DraftPlan, findings: Findings): ReadonlyMap<string, CelType> {
  const types = new Map<string, CelType>();
  const params: [string, Json][] = [];
  const on = memberOf(root, "on");
  const triggers =
    on?.kind === "mapping" ? [...on.entries.keys()] : itemsOf(on).flatMap((item) => scalarText(item) ?? []);
  for (const trigger of ["workflow_dispatch", "workflow_call"]) {
    const inputs = memberOf(memberOf(on, trigger), "inputs");
    for (const [name, { value }] of inputs?.kind === "mapping" ? inputs.entries : []) {
      if (types.has(name)) continue;
      const [type, param] = inputParam(value);
      types.set(name, type);
      params.push([name, param]);
    }
  }
  if (params.length > 0) plan.set("params", Object.fromEntries(params), on);
  if (on !== undefined && triggers.length > 0) {
    findings.note(
      on,
      `not imported: what starts it (${triggers.map((each) => shorten(each)).join(", ")}); \`heddle run\` does`,
    );
  }
  return types;
}

function inputParam(node: SourceNode): readonly [CelType, Json] {
  const written = scalarText(memberOf(node, "type")) ?? "string";
  const options = itemsOf(memberOf(node, "options")).flatMap((item) => scalarText(item) ?? []);
  const description = scalarText(memberOf(node, "description"));
  const given = memberOf(node, "default");
  const isRequired = isTrue(memberOf(node, "required"));
  const type = written === "boolean" ? "boolean" : written === "number" ? "number" : "string";
  const empty = type === "boolean" ? false : type === "number" ? 0 : (options[0] ?? "");
  const value = given === undefined || isBlank(given) ? (isRequired ? undefined : empty) : defaultOf(given, type);
  const param: Record<string, Json> = { type };
  if (options.length > 0 && type === "string") param["enum"] = options;
  if (value !== undefined) param["default"] = value;
  if (description !== undefined) param["description"] = description;
  return [type === "boolean" ? "flag" : type === "number" ? "number" : "text", param];
}

function defaultOf(node: SourceNode, type: string): Json {
  return type === "string" ? (scalarText(node) ?? "") : jsonOf(node);
}
