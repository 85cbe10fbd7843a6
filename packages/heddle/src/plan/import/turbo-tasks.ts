/**
 * Turborepo import: makes a step of each task of turbo.json in each package that has its script, in the order that
 * `dependsOn` gives: `^build`, `lint`, `web#build`, `//#format`.
 *
 * Invariant: a task without a script passes its dependencies on, as Turborepo does, so that no order is lost.
 */
import { plural } from "../../base/plural.ts";
import { shorten } from "../issues.ts";
import { findCircle } from "./circle.ts";
import { DraftPlan, DraftStep } from "./draft.ts";
import type { Findings } from "./findings.ts";
import { scriptCommand, scriptStepId, type PackageWorkspace, type WorkspacePackage } from "./packages.ts";
import type { ScriptsDraft } from "./package-scripts.ts";
import {
  isBlank,
  isTrue,
  itemsOf,
  memberOf,
  scalarText,
  type Source,
  type SourceEntry,
  type SourceNode,
} from "./source.ts";

/** The files of Turborepo: the root's, and those that packages have by name. */
export interface TurboConfig {
  readonly root: Source;
  readonly members: ReadonlyMap<string, Source>;
}

const ROOT = "//";

/** Tasks that others run to throw away what these make: beside them, in one plan, they would destroy it. */
const DESTRUCTIVE = /^(?:clean|reset|nuke)(?::|$)/;
/** Tasks that are seen outside of the repository: a person says when. */
const OUTWARD = /^(?:deploy|release|publish)(?::|$)/;

interface Work {
  readonly member: WorkspacePackage;
  readonly task: string;
}

interface Field {
  readonly node: SourceNode;
  readonly source: Source;
}

export function importTurbo(workspace: PackageWorkspace, config: TurboConfig, findings: Findings): ScriptsDraft {
  return new TurboImport(workspace, config, findings).run();
}

class TurboImport {
  readonly #workspace: PackageWorkspace;
  readonly #config: TurboConfig;
  readonly #findings: Findings;
  readonly #leftOut = new Map<
    string,
    { readonly place: { readonly offset: number }; readonly source: Source; count: number }
  >();

  constructor(workspace: PackageWorkspace, config: TurboConfig, findings: Findings) {
    this.#workspace = workspace;
    this.#config = config;
    this.#findings = findings;
  }

  run(): ScriptsDraft {
    const plan = new DraftPlan().set("name", this.#workspace.root.name || undefined);
    const works = this.#sayCircle() ? [] : this.#works();
    const wanted = new Set(works.flatMap((work) => this.#depsOf(work).map(({ id }) => id)));
    const approvals = new Map<string, DraftStep>();
    for (const work of works) {
      const place = this.#placeOf(work);
      const id = scriptStepId(work.member, work.task);
      if (DESTRUCTIVE.test(work.task) && !wanted.has(id)) {
        this.#findings.note(
          place,
          `not imported: "${shorten(work.task)}", which nothing depends on, removes what others make`,
        );
        continue;
      }
      const step = this.#step(work, id, place);
      if (OUTWARD.test(work.task)) this.#ask(work, step, approvals);
      plan.add(step);
    }
    for (const approval of approvals.values()) plan.add(approval);
    this.#noteRest();
    if (plan.steps.length === 0 && this.#findings.errors.length === 0) {
      const hint = "run import in the folder that holds the packages";
      const message = "no package has a script for any task";
      this.#findings.error(this.#config.root.root, { code: "NothingToImport", message, hint });
    }
    const packages = this.#workspace.members.length + 1;
    return {
      plan,
      summary: `${plural(this.#names().length, "task")}, ${plural(packages, "package")}: ${plural(plan.steps.length, "step")}`,
    };
  }

  /** A circle goes through tasks with and without a script: it is looked for among all of them. */
  #sayCircle(): boolean {
    const { root, members } = this.#workspace;
    const all = [...members, root].flatMap((member) => this.#names().map((task) => ({ member, task })));
    const next = (work: Work): readonly Work[] => this.#next(work).map(({ target }) => target);
    const circle = findCircle(
      all.filter((work) => this.#isDefined(work)),
      next,
      key,
    );
    const [first] = circle ?? [];
    const last = circle?.at(-1);
    if (circle === undefined || first === undefined || last === undefined) return false;
    const names = [...circle, first].map(({ member, task }) => shorten(`${member.name}#${task}`)).join(" -> ");
    const edge = this.#next(last).find(({ target }) => key(target) === key(first));
    const message = `tasks depend on each other: ${names}`;
    const { node, source } = edge?.field ?? { node: this.#config.root.root, source: this.#config.root };
    this.#findings.in(source).error(node, { code: "CycleDetected", message, hint: "remove one of these dependencies" });
    return true;
  }

  /** What the items of `dependsOn` mean, one by one. */
  #next(work: Work): readonly { readonly target: Work; readonly field: Field }[] {
    return this.#list(work, "dependsOn").flatMap((field) => {
      const text = scalarText(field.node) ?? "";
      if (text.startsWith("$")) return [];
      return this.#targets(text, work, field).map((target) => ({ target, field }));
    });
  }

  /** Has a step wait for a person, who is asked when all that it waits for is done. */
  #ask(work: Work, step: DraftStep, approvals: Map<string, DraftStep>): void {
    const { task } = work;
    const place = this.#placeOf(work);
    const id = `approve-${task}`.replace(/[^A-Za-z0-9._/-]+/g, "-");
    const approval = approvals.get(task) ?? new DraftStep(id, place).set("approve", `Run ${task}?`);
    approvals.set(task, approval);
    const own = new Set(this.#works().flatMap((each) => (each.task === task ? scriptStepId(each.member, task) : [])));
    for (const dep of this.#depsOf(work)) if (!own.has(dep.id)) approval.addTo("deps", dep.id, dep.place);
    step.addTo("deps", id, place);
    const what = `"${shorten(task)}" acts outside of the repository: its steps wait for the approval "${id}"`;
    this.#findings.note(place, what);
  }

  /** Every task of every package that has a script for it and ends by itself. */
  #works(): readonly Work[] {
    const { root, members } = this.#workspace;
    const inMembers = members.flatMap((member) => this.#names().map((task) => ({ member, task })));
    const inRoot = this.#names().map((task) => ({ member: root, task }));
    return [...inMembers, ...inRoot].filter((work) => this.#isStep(work));
  }

  #isStep(work: Work): boolean {
    return this.#isDefined(work) && work.member.scripts.has(work.task) && !this.#isPersistent(work);
  }

  #isDefined(work: Work): boolean {
    return this.#entries(work).length > 0;
  }

  #isPersistent(work: Work): boolean {
    return isTrue(this.#field(work, "persistent")?.node);
  }

  /** Names of tasks, in the order of the files. */
  #names(): readonly string[] {
    const sources = [this.#config.root, ...this.#config.members.values()];
    const names = sources.flatMap((source) => [...tasksOf(source).keys()]);
    return [...new Set(names.map((key) => key.slice(key.indexOf("#") + 1)))];
  }

  /** What is written about a task of a package, the nearest first. */
  #entries({ member, task }: Work): readonly (SourceEntry & { readonly source: Source })[] {
    const { root } = this.#config;
    const isRoot = member === this.#workspace.root;
    const tasks = tasksOf(root);
    // A task of the root is one only where it is named as such.
    const general = isRoot ? tasks.get(`${ROOT}#${task}`) : (tasks.get(`${member.name}#${task}`) ?? tasks.get(task));
    const own = this.#config.members.get(member.name);
    const nearer = own === undefined || isRoot ? undefined : tasksOf(own).get(task);
    return [
      ...(nearer === undefined || own === undefined ? [] : [{ ...nearer, source: own }]),
      ...(general === undefined ? [] : [{ ...general, source: root }]),
    ];
  }

  #field(work: Work, key: string): Field | undefined {
    for (const { value, source } of this.#entries(work)) {
      const node = memberOf(value, key);
      if (node !== undefined) return { node, source };
    }
    return undefined;
  }

  /** The items of a list, with those that `$TURBO_EXTENDS$` stands for. */
  #list(work: Work, key: string): readonly Field[] {
    const [nearest, general] = this.#entries(work).flatMap(({ value, source }) => {
      const node = memberOf(value, key);
      return node === undefined ? [] : [{ node, source }];
    });
    const items = itemsOf(nearest?.node).map((node) => ({ node, source: nearest?.source as Source }));
    if (!items.some(({ node }) => scalarText(node) === "$TURBO_EXTENDS$")) return items;
    const extended = itemsOf(general?.node).map((node) => ({ node, source: general?.source as Source }));
    return [...extended, ...items.filter(({ node }) => scalarText(node) !== "$TURBO_EXTENDS$")];
  }

  #placeOf(work: Work): { readonly offset: number } {
    const { root } = this.#config;
    const entry = this.#entries(work).find(({ source }) => source === root);
    return entry ?? root.root;
  }

  #step(work: Work, id: string, place: { readonly offset: number }): DraftStep {
    const { member, task } = work;
    const step = new DraftStep(id, place);
    step.set("description", scalarText(this.#field(work, "description")?.node));
    step.set("run", scriptCommand(this.#workspace.manager, task));
    if (member.folder !== "") step.set("cwd", member.folder);
    for (const dep of this.#depsOf(work)) step.addTo("deps", dep.id, dep.place);
    for (const key of ["inputs", "outputs"]) {
      const globs = this.#list(work, key).flatMap(({ node }) => scalarText(node) ?? []);
      step.set(key, globs.length === 0 ? undefined : globs.map(globOf));
    }
    const cache = this.#field(work, "cache")?.node;
    if (cache !== undefined && !isTrue(cache)) step.set("cache", false);
    const names = this.#variables(work);
    step.set("passEnv", names.length === 0 ? undefined : names);
    this.#count(work);
    return step;
  }

  #variables(work: Work): readonly string[] {
    const written = ["env", "passThroughEnv"].flatMap((key) => this.#list(work, key));
    const inDeps = this.#list(work, "dependsOn").filter(({ node }) => scalarText(node)?.startsWith("$") === true);
    const names = [...written, ...inDeps].flatMap(({ node, source }) => {
      const name = (scalarText(node) ?? "").replace(/^\$/, "");
      if (/^[A-Za-z_]\w*$/.test(name)) return [name];
      this.#findings.in(source).note(node, `not imported: the pattern "${shorten(name)}" of environment variables`);
      return [];
    });
    return [...new Set(names)];
  }

  #depsOf(work: Work): readonly { readonly id: string; readonly place: { readonly offset: number } }[] {
    const seen = new Set<string>([key(work)]);
    return this.#next(work).flatMap(({ target, field: { node, source } }) => {
      const place = source === this.#config.root ? node : this.#placeOf(work);
      return this.#ends(target, seen).map((id) => ({ id, place }));
    });
  }

  /** The tasks that one item of `dependsOn` means. */
  #targets(text: string, { member, task }: Work, { node, source }: Field): readonly Work[] {
    const { byName, root } = this.#workspace;
    const refuse = (what: string): readonly Work[] => {
      this.#findings.in(source).loss(node, {
        code: "UnknownDependency",
        message: `"${shorten(task)}" depends on "${shorten(text)}", and ${what}`,
        otherwise: "imported without this dependency",
      });
      return [];
    };
    const name = text.replace(/^\^/, "").slice(text.replace(/^\^/, "").indexOf("#") + 1);
    if (!this.#names().includes(name)) return refuse("turbo.json has no such task");
    // A script that turbo.json says nothing of for this package is no step: who waits for it would not wait.
    const known = (found: WorkspacePackage): readonly Work[] => {
      const target = { member: found, task: name };
      if (this.#isDefined(target) || !found.scripts.has(name)) return [target];
      const of = found === root ? ROOT : found.name;
      return refuse(`turbo.json has no task "${shorten(`${of}#${name}`)}"`);
    };
    if (text.startsWith("^")) {
      return [...member.deps.keys()].flatMap((dep) => {
        const found = byName.get(dep);
        return found === undefined ? [] : known(found);
      });
    }
    if (!text.includes("#")) return known(member);
    const owner = text.slice(0, text.indexOf("#"));
    const found = owner === ROOT ? root : byName.get(owner);
    return found === undefined ? refuse("no package has this name") : known(found);
  }

  /** The steps that have to succeed for a task: its own, or those behind it where it has no script. */
  #ends(work: Work, seen: Set<string>): readonly string[] {
    if (this.#isStep(work)) return [scriptStepId(work.member, work.task)];
    if (seen.has(key(work))) return [];
    seen.add(key(work));
    if (this.#isDefined(work) && work.member.scripts.has(work.task)) {
      this.#findings.loss(this.#placeOf(work), {
        code: "DependsOnLeftOut",
        message: `other tasks depend on "${shorten(work.task)}", which does not end (persistent)`,
        otherwise: "they do not wait for it",
      });
      return [];
    }
    return this.#next(work).flatMap(({ target }) => this.#ends(target, seen));
  }

  #count(work: Work): void {
    for (const { value, source } of this.#entries(work)) {
      for (const [name, entry] of value.kind === "mapping" ? value.entries : []) {
        if (KNOWN.has(name) || isBlank(entry.value)) continue;
        const counted = this.#leftOut.get(name);
        if (counted === undefined) this.#leftOut.set(name, { place: entry, source, count: 1 });
        else counted.count++;
      }
    }
  }

  #noteRest(): void {
    const { root } = this.#config;
    for (const [name, { place, source }] of this.#leftOut) {
      this.#findings.in(source).note(place, `not imported: "${shorten(name)}" of tasks`);
    }
    for (const [name, entry] of root.root.kind === "mapping" ? root.root.entries : []) {
      if (!["$schema", "tasks", "pipeline", "extends"].includes(name) && !isBlank(entry.value)) {
        this.#findings.note(entry, `not imported: "${shorten(name)}"`);
      }
    }
    const { root: own, members } = this.#workspace;
    const persistent = new Map<string, { readonly offset: number }>();
    const unnamed = new Set<string>();
    for (const member of [...members, own]) {
      for (const task of member.scripts.keys()) {
        const work = { member, task };
        if (!this.#isDefined(work)) unnamed.add(scriptStepId(member, task));
        else if (this.#isPersistent(work)) persistent.set(scriptStepId(member, task), this.#placeOf(work));
      }
    }
    const [first] = persistent.values();
    if (first !== undefined) {
      this.#findings.note(
        first,
        `not imported, since they do not end (persistent): ${[...persistent.keys()].join(", ")}`,
      );
    }
    if (unnamed.size > 0) {
      this.#findings.note(root.root, `not imported, since turbo.json does not name them: ${[...unnamed].join(", ")}`);
    }
  }
}

/** Keys of tasks that are read. */
const KNOWN = new Set([
  "dependsOn",
  "inputs",
  "outputs",
  "cache",
  "env",
  "passThroughEnv",
  "persistent",
  "description",
]);

function key({ member, task }: Work): string {
  return `${member.folder}\u0000${task}`;
}

function tasksOf({ root }: Source): ReadonlyMap<string, SourceEntry> {
  const tasks = memberOf(root, "tasks") ?? memberOf(root, "pipeline");
  return tasks?.kind === "mapping" ? tasks.entries : new Map<string, SourceEntry>();
}

/** A glob of a task in the words of plans. */
function globOf(glob: string): string {
  return glob === "$TURBO_DEFAULT$" ? "default" : glob.replace(/\$TURBO_ROOT\$\//, "//");
}
