/** Action parser: reads the one action of a step from its keys, or an agent's task from its description. */
import { defined } from "../base/defined.ts";
import { canonicalJson, isJsonObject, type JsonObject } from "../base/json.ts";
import { checkAgentName } from "./check-agents.ts";
import { checkPermissions } from "./check-permissions.ts";
import type { DocumentPath } from "./diagnostic.ts";
import type { WrittenAgent, WrittenStep } from "./document.ts";
import { shorten } from "./issues.ts";
import { meansElsewhere } from "./other-tools.ts";
import type { Action, ParamSpec } from "./plan.ts";
import { addTemplates, isEmpty, type SiteContext, type StepReadContext } from "./read-context.ts";

/** Keys of a step that say what it does. */
export const ACTION_KEYS = ["run", "agent", "call", "approve", "plan", "sleep", "signal", "function"] as const;

export function toAction(
  raw: JsonObject,
  written: WrittenStep,
  path: DocumentPath,
  context: SiteContext,
  scope: StepReadContext,
): Action {
  const kinds = ACTION_KEYS.filter((key) => raw[key] !== undefined && (key !== "function" || scope.allowFunctions));
  const [kind, second] = kinds;
  if (second !== undefined) {
    scope.issues.add({
      code: "SeveralActions",
      message: `a step has one action, this one has ${kinds.map((key) => `"${key}"`).join(" and ")}`,
      hint: "keep one, and move the others to their own steps",
      path: [...path, second],
      isKey: true,
    });
  }
  const broken: Action = { kind: "run", command: "" };
  switch (kind) {
    case "run":
      return { kind: "run", command: written.run ?? "" };
    case "call":
      return toCall(written, path, context, scope);
    case "approve": {
      if (written.approve !== undefined) addTemplates(written.approve, [...path, "approve"], context, scope);
      const onTimeout = ofQuestion(written, path, scope);
      return defined({ kind: "approve", question: written.approve ?? "", onTimeout });
    }
    case "sleep": {
      const time = String(written.sleep ?? "0");
      addTemplates(time, [...path, "sleep"], context, scope);
      return { kind: "sleep", time };
    }
    case "signal": {
      const name = written.signal ?? "";
      addTemplates(name, [...path, "signal"], context, scope);
      return defined({ kind: "signal", name, onTimeout: ofSignal(written, path, scope) });
    }
    case "plan":
      return toPlanAction(written, path, context, scope);
    case "function":
      return written.function === undefined ? broken : toFunction(written.function, path, scope);
    default:
      return toAgent(raw, written, path, context, scope);
  }
}

/** What `onTimeout` says of a question. */
function ofQuestion(
  { onTimeout }: WrittenStep,
  path: DocumentPath,
  scope: StepReadContext,
): "reject" | "approve" | undefined {
  if (onTimeout === undefined || onTimeout === "reject" || onTimeout === "approve") return onTimeout;
  refuseOnTimeout(onTimeout, "a question is answered by `reject` or `approve`", path, scope);
  return undefined;
}

/** What it says of the wait for a signal. */
function ofSignal(
  { onTimeout }: WrittenStep,
  path: DocumentPath,
  scope: StepReadContext,
): "fail" | "continue" | undefined {
  if (onTimeout === undefined || onTimeout === "fail" || onTimeout === "continue") return onTimeout;
  refuseOnTimeout(onTimeout, "the wait for a signal can `fail` or `continue`", path, scope);
  return undefined;
}

function refuseOnTimeout(value: string, hint: string, path: DocumentPath, { issues }: StepReadContext): void {
  issues.add({
    code: "InvalidValue",
    message: `"onTimeout": ${value} has no meaning here`,
    hint,
    path: [...path, "onTimeout"],
  });
}

function toCall(written: WrittenStep, path: DocumentPath, context: SiteContext, scope: StepReadContext): Action {
  const [module = "", name = "default"] = (written.call ?? "").split("#");
  const { with: given } = written;
  if (given !== undefined) addTemplates(given, [...path, "with"], context, scope);
  return defined({
    kind: "call",
    module,
    export: name,
    with: given === undefined || isEmpty(given) ? undefined : given,
  });
}

/** What the function reads of the parameters is checked here and goes no further: the plan's own declarations hold. */
function toFunction(
  { params = {}, ...rest }: NonNullable<WrittenStep["function"]>,
  path: DocumentPath,
  { issues, paramSpecs = {} }: StepReadContext,
): Action {
  for (const [name, wanted] of Object.entries(params)) {
    const declared = Object.hasOwn(paramSpecs, name) ? paramSpecs[name] : undefined;
    const problem = paramProblem(wanted, declared);
    if (problem === undefined) continue;
    const code = declared === undefined ? "UnknownParam" : "InvalidParam";
    const hint = "declare it in the `params` of the plan as the step does";
    issues.add({ code, message: `the step reads the parameter "${shorten(name)}"${problem}`, hint, path });
  }
  return { kind: "function", ...rest };
}

/** Why values of the declared parameter are not what a function expects, if so; to follow the name. */
function paramProblem(wanted: ParamSpec, declared: ParamSpec | undefined): string | undefined {
  if (declared === undefined) return ", which the plan does not declare";
  if (declared.type !== wanted.type) return ` as a ${wanted.type}, and the plan declares it as a ${declared.type}`;
  if (wanted.enum === undefined) return undefined;
  const expected = new Set(wanted.enum.map((value) => canonicalJson(value)));
  const isAmong = declared.enum?.every((value) => expected.has(canonicalJson(value))) ?? false;
  return isAmong ? undefined : ", of which the plan allows values that the step does not expect";
}

function toPlanAction(written: WrittenStep, path: DocumentPath, context: SiteContext, scope: StepReadContext): Action {
  const { plan, params } = written;
  if (params !== undefined) addTemplates(params, [...path, "params"], context, scope);
  const given = params === undefined || isEmpty(params) ? {} : { params };
  if (typeof plan === "string") return { kind: "plan", file: plan, ...given };
  if (plan === undefined) return { kind: "plan", file: "", ...given };
  return { ...scope.inner(plan, [...path, "plan"], String(written.id ?? "plan")), ...given };
}

function toAgent(
  raw: JsonObject,
  written: WrittenStep,
  path: DocumentPath,
  context: SiteContext,
  scope: StepReadContext,
): Action {
  const { agent } = written;
  const { prompt, ...options }: WrittenAgent = typeof agent === "string" ? { prompt: agent } : (agent ?? {});
  checkName(raw, path, scope);
  if (scope.agents !== undefined)
    checkPermissions(scope.agents, options, defined({ step: path, agents: scope.agentsAt }), scope.issues);
  if (prompt !== undefined)
    addTemplates(prompt, typeof agent === "string" ? [...path, "agent"] : [...path, "agent", "prompt"], context, scope);
  const asked = prompt ?? promptFrom(written);
  const isToldElsewhere = raw["agent"] === undefined && meansElsewhere(raw, "action");
  if (asked === undefined && !isToldElsewhere && (raw["agent"] === undefined || agent !== undefined)) {
    scope.issues.add({
      code: raw["agent"] === undefined ? "MissingAction" : "MissingPrompt",
      message: raw["agent"] === undefined ? "this step has no action" : "this agent has no prompt",
      hint: "add `run:`, `agent:`, `call:`, `approve:`, `plan:`, `sleep:` or `signal:`, or a `description:` for an agent to carry out",
      path: raw["agent"] === undefined ? path : [...path, "agent"],
    });
  }
  return defined({ kind: "agent", prompt: asked ?? "", options: isEmpty(options) ? undefined : options });
}

/**
 * Checks the agent that the step names, also if something else of it is wrong. The default is checked where it is
 * written.
 */
function checkName(raw: JsonObject, path: DocumentPath, { agents, issues }: StepReadContext): void {
  const { use } = isJsonObject(raw["agent"]) ? raw["agent"] : {};
  if (agents === undefined || typeof use !== "string" || use.trim() === "") return;
  checkAgentName(use, agents, [...path, "agent", "use"], issues);
}

/** What an agent is asked where nobody wrote a prompt. */
function promptFrom(written: WrittenStep): string | undefined {
  const { description, acceptance } = written;
  const parts: string[] = [];
  if (description !== undefined && description.trim() !== "") parts.push(description);
  if (acceptance !== undefined && acceptance.length > 0) {
    parts.push(`Acceptance criteria:\n${acceptance.map((criterion) => `- ${criterion}`).join("\n")}`);
  }
  return parts.length === 0 ? undefined : parts.join("\n\n");
}
