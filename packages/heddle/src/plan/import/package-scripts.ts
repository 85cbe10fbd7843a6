/**
 * Script import: makes steps of the scripts of a repository without turbo.json. A package.json says which scripts there
 * are and not when they may run, so only scripts are taken that build and check, by their usual names.
 */
import { plural } from "../../base/plural.ts";
import { shorten } from "../issues.ts";
import { findCircle } from "./circle.ts";
import { DraftPlan, DraftStep } from "./draft.ts";
import type { Findings } from "./findings.ts";
import { scriptCommand, scriptStepId, type PackageWorkspace, type WorkspacePackage } from "./packages.ts";
import { memberOf } from "./source.ts";

/** Scripts on whose result other packages work. */
const BUILDS = ["build", "compile"];
/** Scripts that look at the package and change nothing that others need. */
const CHECKS = ["typecheck", "type-check", "types", "tsc", "check", "lint", "format:check", "test"];

export interface ScriptsDraft {
  readonly plan: DraftPlan;
  readonly summary: string;
}

export function importScripts(workspace: PackageWorkspace, findings: Findings): ScriptsDraft {
  const { root, members, manager } = workspace;
  const plan = new DraftPlan().set("name", root.name || undefined);
  const packages = members.length === 0 ? [root] : members;
  sayCircle(workspace, findings);
  for (const member of packages) {
    for (const script of member.scripts.values()) {
      if (!isTaken(script.name)) continue;
      const step = new DraftStep(scriptStepId(member, script.name), placeIn(workspace, member, script.place));
      step.set("run", scriptCommand(manager, script.name));
      if (member.folder !== "") step.set("cwd", member.folder);
      for (const id of buildsOf(workspace, member)) step.addTo("deps", id, placeIn(workspace, member, script.place));
      plan.add(step);
    }
  }
  noteOthers(workspace, packages, findings);
  const place = memberOf(root.source.root, "scripts") ?? root.source.root;
  if (members.length > 0 && plan.steps.length > 0) {
    const order = "each waits for the build of the packages of the workspace that its own depends on";
    findings.note(memberOf(root.source.root, "workspaces") ?? place, `no file says the order of the scripts: ${order}`);
  }
  if (plan.steps.length === 0) {
    const hint = `import takes ${[...BUILDS, ...CHECKS].join(", ")}`;
    findings.error(place, { code: "NothingToImport", message: "no script builds or checks anything", hint });
  }
  const scripts = packages.reduce((sum, member) => sum + member.scripts.size, 0);
  return {
    plan,
    summary: `${plural(packages.length, "package")}, ${plural(scripts, "script")}: ${plural(plan.steps.length, "step")}`,
  };
}

function isTaken(script: string): boolean {
  return BUILDS.includes(script) || CHECKS.includes(script);
}

/** The positions of a plan are those of the imported file. */
function placeIn(
  { root }: PackageWorkspace,
  member: WorkspacePackage,
  place: { readonly offset: number },
): { readonly offset: number } {
  return member === root ? place : (memberOf(root.source.root, "workspaces") ?? root.source.root);
}

/** The builds of the packages that `member` depends on; of one without a build, those behind it. */
function buildsOf({ byName }: PackageWorkspace, member: WorkspacePackage): readonly string[] {
  const seen = new Set<WorkspacePackage>([member]);
  const builds: string[] = [];
  const visit = (from: WorkspacePackage): void => {
    for (const name of from.deps.keys()) {
      const dep = byName.get(name);
      if (dep === undefined || seen.has(dep)) continue;
      seen.add(dep);
      const build = BUILDS.find((script) => dep.scripts.has(script));
      if (build === undefined) visit(dep);
      else builds.push(scriptStepId(dep, build));
    }
  };
  visit(member);
  return builds;
}

function sayCircle({ members, byName }: PackageWorkspace, findings: Findings): void {
  const depsOf = (member: WorkspacePackage): readonly WorkspacePackage[] =>
    [...member.deps.keys()].flatMap((name) => byName.get(name) ?? []);
  const circle = findCircle(members, depsOf, (member) => member);
  const [first] = circle ?? [];
  const last = circle?.at(-1);
  if (circle === undefined || first === undefined || last === undefined) return;
  const message = `packages depend on each other: ${[...circle, first].map(({ name }) => shorten(name)).join(" -> ")}`;
  const place = last.deps.get(first.name) ?? last.source.root;
  findings.in(last.source).error(place, { code: "CycleDetected", message, hint: "remove one of these dependencies" });
}

/** One note for each package whose scripts are not all taken. */
function noteOthers(
  { root, members }: PackageWorkspace,
  packages: readonly WorkspacePackage[],
  findings: Findings,
): void {
  for (const member of packages) {
    const others = [...member.scripts.keys()].filter((name) => !isTaken(name));
    const place = memberOf(member.source.root, "scripts") ?? member.source.root;
    if (others.length > 0)
      findings.in(member.source).note(place, `not imported: ${others.map((name) => shorten(name)).join(", ")}`);
  }
  if (members.length === 0 || root.scripts.size === 0) return;
  const names = [...root.scripts.keys()].map((name) => shorten(name)).join(", ");
  const place = memberOf(root.source.root, "scripts") ?? root.source.root;
  findings.note(place, `not imported, since scripts of the root run those of the packages: ${names}`);
}
