/**
 * Generator of task files: one tree of tasks with its edges, written in every form that tools write: around the list, with ids
 * and dependencies of each kind. The edges that a plan must have are computed from the tree, not from the file.
 */

export interface TaskNode {
  /** Within its task. */
  readonly local: string;
  readonly id: string;
  readonly parent?: TaskNode;
  readonly parts: TaskNode[];
}

export type Wrapping = "list" | "tasks" | "master" | "only tag" | "tag of several" | "phases";
export const WRAPPINGS: readonly Wrapping[] = ["list", "tasks", "master", "only tag", "tag of several", "phases"];

/** How ids of tasks and subtasks are written. */
export type IdStyle = "local number" | "local text" | "full text" | "full number";
export const ID_STYLES: readonly IdStyle[] = ["local number", "local text", "full text", "full number"];

/** How dependencies are written. */
export type DepStyle = "numbers" | "texts" | "one text" | "full ids" | "objects";
export const DEP_STYLES: readonly DepStyle[] = ["numbers", "texts", "one text", "full ids", "objects"];

export interface Shape {
  readonly wrapping: Wrapping;
  readonly depth: 0 | 1 | 2;
  readonly ids: IdStyle;
  readonly deps: DepStyle;
}

export function shapes(): readonly Shape[] {
  return WRAPPINGS.flatMap((wrapping) =>
    ([0, 1, 2] as const).flatMap((depth) =>
      ID_STYLES.flatMap((ids) => DEP_STYLES.map((deps): Shape => ({ wrapping, depth, ids, deps }))),
    ),
  );
}

/** `1.1` and `1.10` are two tasks, and one number. */
const LOCALS = ["1", "2", "10"];
/** No subtask has this id: in a subtask it can only mean the task. */
const TASK = "5";

export function tree(depth: number, parent?: TaskNode): readonly TaskNode[] {
  return [...(parent === undefined ? [TASK] : []), ...LOCALS].map((local) => {
    const id = parent === undefined ? local : `${parent.id}.${local}`;
    const node: TaskNode = parent === undefined ? { local, id, parts: [] } : { local, id, parent, parts: [] };
    if (depth > 0) node.parts.push(...tree(depth - 1, node));
    return node;
  });
}

export function leavesOf(node: TaskNode): readonly TaskNode[] {
  return node.parts.length === 0 ? [node] : node.parts.flatMap(leavesOf);
}

export interface TaskEdge {
  readonly from: TaskNode;
  readonly to: TaskNode;
}

/** Edges of every kind: between tasks, siblings, subtasks of different tasks, a subtask and a task. */
export function edgesIn(roots: readonly TaskNode[]): readonly TaskEdge[] {
  const [task, first, second, third] = roots as [TaskNode, TaskNode, TaskNode, TaskNode];
  const [early, late] = [leavesOf(first), leavesOf(third)];
  const edges: TaskEdge[] = [{ from: second, to: first }];
  const add = (from: TaskNode | undefined, to: TaskNode | undefined): void => {
    if (from !== undefined && to !== undefined) edges.push({ from, to });
  };
  add(late[0], early.at(-1));
  add(late.at(-1), task);
  if (third.parts.length > 0) {
    add(third.parts[1], third.parts[0]);
    add(third.parts[2], third.parts[1]);
    add(first.parts[2], first.parts[0]);
  }
  return edges;
}

/** What the steps of a plan have to depend on. */
export function stepEdges(edges: readonly TaskEdge[]): readonly string[] {
  const all = edges.flatMap(({ from, to }) =>
    leavesOf(from).flatMap((leaf) => leavesOf(to).map((target) => `${leaf.id} -> ${target.id}`)),
  );
  return [...new Set(all)].toSorted();
}

export interface Written {
  readonly text: string;
  readonly file: string;
  readonly tag?: string;
}

/** What the order is called, and whether it stands at the task that waits, or at the one that is waited for. */
export interface OrderKey {
  readonly key: string;
  readonly isInverse: boolean;
}

/** Further members of a node's mapping, as JSON texts by key; the key `dependencies` replaces those of the tree. */
export type Extra = (node: TaskNode) => Readonly<Record<string, string>>;

export function write(
  shape: Shape,
  roots: readonly TaskNode[],
  edges: readonly TaskEdge[],
  extra?: Extra,
  { key, isInverse }: OrderKey = { key: "dependencies", isInverse: false },
): Written {
  const nodeText = (node: TaskNode, indent: string): string => {
    const targets = isInverse
      ? edges.filter(({ to }) => to === node).map(({ from }) => from)
      : edges.filter(({ from }) => from === node).map(({ to }) => to);
    const members: Record<string, string> = {
      id: idText(node, shape.ids),
      title: JSON.stringify(`Title of ${node.id}`),
      description: JSON.stringify(`Description of ${node.id}`),
      [key]: depsText(node, targets, shape),
      ...extra?.(node),
    };
    if (node.parts.length > 0) members["subtasks"] = listText(node.parts, `${indent}  `);
    return `{ ${Object.entries(members)
      .map(([key, value]) => `"${key}": ${value}`)
      .join(", ")} }`;
  };
  const listText = (nodes: readonly TaskNode[], indent: string): string =>
    `[\n${nodes.map((node) => `${indent}${nodeText(node, indent)}`).join(",\n")}\n${indent}]`;
  const list = listText(roots, "    ");
  const other = '{ "tasks": [{ "id": 77, "title": "Elsewhere", "status": "pending" }] }';
  switch (shape.wrapping) {
    case "list":
      return { text: list, file: "tasks.json" };
    case "tasks":
      return { text: `{ "tasks": ${list}, "meta": { "version": 1 } }`, file: "tasks.json" };
    case "master":
      return { text: `{ "other": ${other}, "master": { "tasks": ${list} } }`, file: "tasks.json" };
    case "only tag":
      return { text: `{ "feature": { "tasks": ${list}, "metadata": { "created": "x" } } }`, file: "tasks.json" };
    case "tag of several":
      return { text: `{ "master": ${other}, "feature": { "tasks": ${list} } }`, file: "tasks.json", tag: "feature" };
    case "phases":
      return { text: `project: x\nphases:\n  ${list}\n`, file: "phase_plan.yaml" };
  }
}

function idText({ id, local, parent }: TaskNode, style: IdStyle): string {
  if (style === "local number") return local;
  if (style === "local text") return JSON.stringify(local);
  // A number has one point at most.
  return style === "full number" && (parent === undefined || parent.parent === undefined) ? id : JSON.stringify(id);
}

function depsText(from: TaskNode, targets: readonly TaskNode[], { ids, deps: style }: Shape): string {
  if (targets.length === 0) return style === "one text" ? '""' : style === "numbers" ? "null" : "[]";
  const isLocal = style !== "full ids" && ids.startsWith("local");
  const names = targets.map((to) => (isLocal && to.parent === from.parent ? to.local : to.id));
  switch (style) {
    case "numbers":
      return `[${names.map((name) => (name.split(".").length > 2 ? JSON.stringify(name) : name)).join(", ")}]`;
    case "one text":
      return JSON.stringify(names.join(","));
    case "objects":
      return `[${names.map((name) => `{ "id": ${JSON.stringify(name)} }`).join(", ")}]`;
    default:
      return `[${names.map((name) => JSON.stringify(name)).join(", ")}]`;
  }
}
