/**
 * Graph drawing: Mermaid, Graphviz DOT, and a tree of lines. Names are data: whatever they contain, they stay inside
 * their label. Lines are generated one by one, without line breaks, so that a large graph needs no large string.
 */
import { safeLine } from "../base/safe-text.ts";
import { targetsOf, type Graph } from "./graph.ts";

export interface DrawOptions {
  /** Text of a step; absent: its id. */
  readonly labelOf?: (step: number) => string;
  /** A word (letters only) by which steps are styled in Mermaid, a status for example. */
  readonly classOf?: (step: number) => string | undefined;
  /** Style of each class, in CSS as Mermaid takes it: `fill:#d4f4dd,stroke:#2e7d32`. */
  readonly styles?: { readonly [className: string]: string };
}

/** A Mermaid flowchart: deps as arrows, `after` dotted. */
export function* mermaid(graph: Graph, options: DrawOptions = {}): Generator<string, void, undefined> {
  yield "flowchart TD";
  for (let step = 0; step < graph.size; step++) {
    const className = options.classOf?.(step);
    const styled = className !== undefined && WORD.test(className) ? `:::${className}` : "";
    yield `  s${step}["${mermaidText(labelOf(graph, step, options))}"]${styled}`;
  }
  for (let step = 0; step < graph.size; step++) {
    for (const dep of targetsOf(graph.deps, step)) yield `  s${dep} --> s${step}`;
    for (const dep of targetsOf(graph.after, step)) yield `  s${dep} -.-> s${step}`;
  }
  for (const [className, style] of Object.entries(options.styles ?? {})) {
    if (WORD.test(className)) yield `  classDef ${className} ${style}`;
  }
}

/** A Graphviz digraph: deps as arrows, `after` dashed. */
export function* dot(
  graph: Graph,
  options: DrawOptions & { readonly name?: string } = {},
): Generator<string, void, undefined> {
  yield `digraph ${dotText(options.name ?? "plan")} {`;
  yield "  rankdir=TB;";
  yield '  node [shape=box, style=rounded, fontname="sans-serif"];';
  for (let step = 0; step < graph.size; step++) {
    yield `  s${step} [label=${dotText(labelOf(graph, step, options))}];`;
  }
  for (let step = 0; step < graph.size; step++) {
    for (const dep of targetsOf(graph.deps, step)) yield `  s${dep} -> s${step};`;
    for (const dep of targetsOf(graph.after, step)) yield `  s${dep} -> s${step} [style=dashed];`;
  }
  yield "}";
}

/** Past so many lines, a step that was printed in full is cut short where it comes again. */
const FULL_LINES = 1000;

/** Deeper steps are cut short and printed in full further down, at the margin: indentation would outgrow the text. */
const DEEPEST = 40;

/**
 * Steps below their dependencies, from the roots; a step with two parents is below each. What is cut short ends in
 * `…`. Linear in steps and edges beyond the first {@link FULL_LINES} lines.
 */
export function* tree(graph: Graph, options: Pick<DrawOptions, "labelOf"> = {}): Generator<string, void, undefined> {
  const inFull = new Uint8Array(graph.size);
  const tops: number[] = [];
  for (let step = 0; step < graph.size; step++) if (graph.layerOf[step] === 0) tops.push(step);
  let lines = 0;

  /** One level on the way down: its steps, and how lines below it begin. */
  interface Level {
    readonly steps: readonly number[];
    readonly prefix: string;
    next: number;
  }

  // `tops` grows while it is walked: by the steps that were cut for depth.
  for (let top = 0; top < tops.length; top++) {
    const first = tops[top] ?? 0;
    if (top > 0 && inFull[first] === 1) continue;
    const levels: Level[] = [{ steps: [first], prefix: "", next: 0 }];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const step = level.steps[level.next];
      if (step === undefined) {
        levels.pop();
        continue;
      }
      level.next++;
      const atMargin = levels.length === 1;
      const last = level.next === level.steps.length;
      const below = successorsOf(graph, step);
      const shown = below.length > 0 && inFull[step] === 1 && lines >= FULL_LINES;
      const deep = below.length > 0 && !shown && levels.length > DEEPEST;
      const branch = atMargin ? "" : last ? "└─ " : "├─ ";
      yield `${level.prefix}${branch}${labelOf(graph, step, options)}${shown || deep ? " …" : ""}`;
      lines++;
      if (deep && inFull[step] === 0) tops.push(step);
      if (shown || deep || below.length === 0) continue;
      inFull[step] = 1;
      levels.push({ steps: below, prefix: level.prefix + (atMargin ? "" : last ? "   " : "│  "), next: 0 });
    }
  }
}

function successorsOf(graph: Graph, step: number): readonly number[] {
  const hard = targetsOf(graph.dependents, step);
  const soft = targetsOf(graph.followers, step);
  return soft.length === 0 ? [...hard] : [...hard, ...soft].sort((a, b) => a - b);
}

function labelOf(graph: Graph, step: number, options: Pick<DrawOptions, "labelOf">): string {
  return options.labelOf?.(step) ?? graph.ids[step] ?? "";
}

const WORD = /^[A-Za-z]+$/;

/** Mermaid reads `#NN;` as a character: all that could end or change a label is written so, line breaks as spaces. */
function mermaidText(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .replace(/[^\p{L}\p{N} ._/,:()-]/gu, (character) => `#${character.codePointAt(0) ?? 32};`);
}

/** A quoted DOT string. Backslash, quote and ampersand are all that has a meaning in one. */
function dotText(text: string): string {
  const plain = safeLine(text.replace(/\p{Cc}+/gu, " ")).replaceAll("&", "&amp;");
  return `"${plain.replace(/["\\]/g, (character) => `\\${character}`)}"`;
}
