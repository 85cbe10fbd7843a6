/**
 * Package import: reads a repository's packages: the root package.json, those of its workspaces, and which of them depend
 * on which. Makes no steps: their order is in turbo.json, or nowhere (`turbo-tasks.ts`, `package-scripts.ts`).
 */
import { ok, type Result } from "../../base/result.ts";
import { shellWord } from "../../base/shell-word.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { shorten } from "../issues.ts";
import type { Findings } from "./findings.ts";
import { isBlank, itemsOf, memberOf, readSource, scalarText, type Source, type SourceNode } from "./source.ts";

/** The files beside the imported one; paths are relative to its folder, with forward slashes. */
export interface WorkspaceFiles {
  /** The text of a file; absent: there is none. */
  read(path: string): Promise<string | undefined>;
  has(path: string): Promise<boolean>;
  /** Folders that the patterns of a workspace name and that hold a package.json, in order of their names. */
  folders(patterns: readonly string[]): Promise<readonly string[]>;
}

export interface PackageScript {
  readonly name: string;
  readonly command: string;
  readonly place: { readonly offset: number };
}

export interface WorkspacePackage {
  /** As dependencies name it. */
  readonly name: string;
  /** What its steps are called: without the scope, where that is enough. Empty: the root. */
  readonly label: string;
  /** Relative to the root; empty: the root. */
  readonly folder: string;
  readonly source: Source;
  readonly scripts: ReadonlyMap<string, PackageScript>;
  /** Names of packages of the workspace that it depends on, with their places. */
  readonly deps: ReadonlyMap<string, { readonly offset: number }>;
}

export interface PackageWorkspace {
  readonly root: WorkspacePackage;
  /** Without the root. */
  readonly members: readonly WorkspacePackage[];
  readonly byName: ReadonlyMap<string, WorkspacePackage>;
  /** `npm`, `pnpm`, `yarn` or `bun`. */
  readonly manager: string;
}

export async function readWorkspace(
  root: Source,
  files: WorkspaceFiles,
  findings: Findings,
): Promise<Result<PackageWorkspace, readonly Diagnostic[]>> {
  const patterns = await patternsOf(root, files);
  if (!patterns.ok) return patterns;
  const { texts, place } = patterns.value;
  const folders = texts.length === 0 ? [] : await files.folders(texts);
  if (texts.length > 0 && folders.length === 0) {
    const listed = texts.map((text) => shorten(text)).join(", ");
    findings.in(place.source).note(place.node, `no package found in the folders of the workspace: ${listed}`);
  }
  const sources: { readonly folder: string; readonly source: Source }[] = [];
  for (const folder of folders) {
    const path = `${folder}/package.json`;
    const text = await files.read(path);
    if (text === undefined) continue;
    const read = await readSource({ text, file: besideRoot(root, path) });
    if (!read.ok) return read;
    sources.push({ folder, source: read.value });
  }
  const names = sources.map(({ folder, source }) => scalarText(memberOf(source.root, "name")) ?? folder);
  const members = sources.map(({ folder, source }, at) =>
    packageOf({ name: names[at] ?? folder, label: labelOf(names, at), folder, source }, new Set(names)),
  );
  for (const member of members) notePeers(member, new Set(names), findings.in(member.source));
  const rootName = scalarText(memberOf(root.root, "name")) ?? "";
  const own = packageOf({ name: rootName, label: "", folder: "", source: root }, new Set(names));
  const byName = new Map<string, WorkspacePackage>();
  for (const member of members) {
    const first = byName.get(member.name);
    if (first === undefined) byName.set(member.name, member);
    else {
      const place = memberOf(member.source.root, "name") ?? member.source.root;
      const message = `${first.source.file} already has the name "${shorten(member.name)}"`;
      findings
        .in(member.source)
        .error(place, { code: "DuplicateStep", message, hint: "give each package its own name" });
    }
  }
  return ok({ root: own, members, byName, manager: await managerOf(root, files) });
}

/** `path` as messages name it: beside the imported file. */
export function besideRoot(root: Source, path: string): string {
  return `${root.file.slice(0, root.file.lastIndexOf("/") + 1)}${path}`;
}

/** The command that runs a script in the package's folder. */
export function scriptCommand(manager: string, script: string): string {
  return `${manager} run ${shellWord(script)}`;
}

/** A step's id: the package and the script, in the characters of ids. */
export function scriptStepId({ label }: WorkspacePackage, script: string): string {
  return `${label === "" ? "" : `${label}/`}${script}`.replace(/[^A-Za-z0-9._/-]+/g, "-").slice(0, 100);
}

interface Patterns {
  readonly texts: readonly string[];
  /** Where they are written. */
  readonly place: { readonly source: Source; readonly node: SourceNode };
}

async function patternsOf(root: Source, files: WorkspaceFiles): Promise<Result<Patterns, readonly Diagnostic[]>> {
  const workspaces = memberOf(root.root, "workspaces");
  const listed = workspaces?.kind === "mapping" ? memberOf(workspaces, "packages") : workspaces;
  if (listed !== undefined) return ok({ texts: textsOf(listed), place: { source: root, node: listed } });
  const file = "pnpm-workspace.yaml";
  const text = await files.read(file);
  if (text === undefined) return ok({ texts: [], place: { source: root, node: root.root } });
  const read = await readSource({ text, file: besideRoot(root, file) });
  if (!read.ok) return read;
  const node = memberOf(read.value.root, "packages");
  return ok({ texts: textsOf(node), place: { source: read.value, node: node ?? read.value.root } });
}

function textsOf(node: SourceNode | undefined): readonly string[] {
  return itemsOf(node).flatMap((item) => scalarText(item) ?? []);
}

/** The name without its scope, if no other package has the same one without. */
function labelOf(names: readonly string[], at: number): string {
  const bare = (name: string): string => name.replace(/^@[^/]*\//, "");
  const own = bare(names[at] ?? "");
  const isAlone = names.filter((name) => bare(name) === own).length === 1;
  return isAlone ? own : (names[at] ?? "").replace(/^@/, "");
}

/** In all of these a package of the workspace is one that has to be there first. */
const DEPENDENCIES = ["dependencies", "devDependencies", "optionalDependencies"];

type Identity = Pick<WorkspacePackage, "name" | "label" | "folder" | "source">;

function packageOf(identity: Identity, internal: ReadonlySet<string>): WorkspacePackage {
  const { root } = identity.source;
  const scripts = new Map<string, PackageScript>();
  const written = memberOf(root, "scripts");
  for (const [name, { offset, value }] of written?.kind === "mapping" ? written.entries : []) {
    const command = scalarText(value);
    if (command !== undefined && !isBlank(value)) scripts.set(name, { name, command, place: { offset } });
  }
  const deps = new Map<string, { readonly offset: number }>();
  for (const key of DEPENDENCIES) {
    const list = memberOf(root, key);
    for (const [name, { offset, value }] of list?.kind === "mapping" ? list.entries : []) {
      // An alias or an address leads out of the workspace.
      const isOutside = /^(?:npm:|https?:|git|github:)/.test(scalarText(value) ?? "");
      if (internal.has(name) && name !== identity.name && !isOutside && !deps.has(name)) deps.set(name, { offset });
    }
  }
  return { ...identity, scripts, deps };
}

/** Turbo, too, takes no order from peers, which may depend on each other. */
function notePeers({ name, deps, source }: WorkspacePackage, internal: ReadonlySet<string>, findings: Findings): void {
  const peers = memberOf(source.root, "peerDependencies");
  for (const [peer, { offset }] of peers?.kind === "mapping" ? peers.entries : []) {
    if (!internal.has(peer) || peer === name || deps.has(peer)) continue;
    const way = "list it in devDependencies too, if its build has to come first";
    findings.note(
      { offset },
      `no order: "${shorten(peer)}" is a peer dependency of "${shorten(name)}" (as in turbo); ${way}`,
    );
  }
}

const LOCK_FILES: readonly (readonly [file: string, manager: string])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["pnpm-workspace.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
];

async function managerOf({ root }: Source, files: WorkspaceFiles): Promise<string> {
  const named = /^(npm|pnpm|yarn|bun)\b/.exec(scalarText(memberOf(root, "packageManager")) ?? "")?.[1];
  if (named !== undefined) return named;
  for (const [file, manager] of LOCK_FILES) if (await files.has(file)) return manager;
  return "npm";
}
