/**
 * Reader of type declarations for the test of the public types' documentation: which members the interfaces and object types
 * have that the package exports, also through the types that they name, and what is said of each. Knows as much of the
 * language as the sources of this package use.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

export interface Member {
  /** `Interface.member.member`. */
  readonly name: string;
  readonly isOptional: boolean;
  /** The text of its type. */
  readonly type: string;
  /** What is said of it; empty: nothing. */
  readonly doc: string;
  /** What is said of the declaration around it. */
  readonly about: string;
}

export interface Declaration {
  readonly name: string;
  /** Relative to the folder of the sources. */
  readonly file: string;
  readonly members: readonly Member[];
}

/** The types that `entry` exports, and those that they name, as long as they are declared in `folder`. */
export function publicDeclarations(folder: string, entry: string): readonly Declaration[] {
  const found = new Map<string, Declaration>();
  const waiting = exportedTypes(readFileSync(path.join(folder, entry), "utf8")).map(([name, from]) => ({
    name,
    file: path.join(path.dirname(entry), from),
  }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { name, file } = next;
    const key = `${file}#${name}`;
    if (found.has(key)) continue;
    const text = readFileSync(path.join(folder, file), "utf8");
    const declared = declarationIn(text, name);
    if (declared === undefined) continue;
    const { tokens, about } = declared;
    found.set(key, { name, file, members: membersOf(tokens, name, about) });
    const imports = importedNames(text);
    for (const { kind, value } of tokens) {
      if (kind !== "word" || value === name) continue;
      const from = imports.get(value);
      const other = from === undefined ? file : path.join(path.dirname(file), from);
      if (existsSync(path.join(folder, other))) waiting.push({ name: value, file: other });
    }
  }
  return [...found.values()].toSorted((a, b) => (`${a.file}#${a.name}` < `${b.file}#${b.name}` ? -1 : 1));
}

function exportedTypes(text: string): readonly (readonly [name: string, from: string])[] {
  return [...text.matchAll(/export type \{([^}]*)\} from "([^"]+)"/g)].flatMap(([, names = "", from = ""]) =>
    (names.match(/\w+/g) ?? []).map((name) => [name, from] as const),
  );
}

function importedNames(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [, list = "", from = ""] of text.matchAll(/import (?:type )?\{([^}]*)\} from "(\.[^"]+)"/g))
    for (const name of list.match(/\w+/g) ?? []) names.set(name, from);
  return names;
}

interface Token {
  readonly kind: "doc" | "word" | "text" | "mark";
  readonly value: string;
}

interface Declared {
  readonly tokens: readonly Token[];
  readonly about: string;
}

/** The tokens of a declaration from behind its name to its end. Constants and functions are none. */
function declarationIn(text: string, name: string): Declared | undefined {
  const start = new RegExp(`^(?:export )?(interface|type|class) ${name}\\b`, "m").exec(text);
  if (start === null || start[1] === "class") return undefined;
  const about = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(text.slice(0, start.index))?.[1] ?? "";
  const tokens: Token[] = [];
  let depth = 0;
  for (const token of lexed(text.slice(start.index + start[0].length))) {
    if (token.kind === "mark" && "{([<".includes(token.value)) depth++;
    if (token.kind === "mark" && "})]>".includes(token.value)) depth--;
    if (depth === 0 && token.value === ";") break;
    tokens.push(token);
    if (start[1] === "interface" && depth === 0 && token.value === "}") break;
  }
  return { tokens, about };
}

function* lexed(text: string): Generator<Token> {
  const token =
    /\/\*\*([^]*?)\*\/|\/\*[^]*?\*\/|\/\/[^\n]*|(=>)|("[^"]*"|'[^']*'|`[^`]*`)|([A-Za-z_$][\w$]*)|(\d+)|(\S)/g;
  for (const [, doc, arrow, quoted, word, number, mark] of text.matchAll(token)) {
    if (doc !== undefined) yield { kind: "doc", value: doc };
    else if (word !== undefined) yield { kind: "word", value: word };
    else if (arrow ?? quoted ?? number) yield { kind: "text", value: arrow ?? quoted ?? number ?? "" };
    else if (mark !== undefined) yield { kind: "mark", value: mark };
  }
}

/** Members of every object type in the tokens, those inside of members named after them. */
function membersOf(tokens: readonly Token[], name: string, about: string): readonly Member[] {
  const members: Member[] = [];
  let at = 0;
  const walk = (owner: string): void => {
    // Between `{` and its `}`.
    let doc = "";
    while (at < tokens.length && tokens[at]?.value !== "}") {
      const token = tokens[at] as Token;
      if (token.kind === "doc") {
        doc = token.value;
        at++;
        continue;
      }
      const member = head();
      const from = at;
      type(`${owner}.${member.name}`);
      const text = tokens.slice(from, at).map(({ value }) => value);
      if (member.name !== "") {
        const said = doc.replaceAll(/\s*\n\s*\*\s?/g, " ").trim();
        members.push({
          name: `${owner}.${member.name}`,
          isOptional: member.isOptional,
          type: text.join(" "),
          doc: said,
          about,
        });
      }
      doc = "";
      if (tokens[at]?.value === ";" || tokens[at]?.value === ",") at++;
    }
    at++;
  };
  /** `readonly name?`; without a name for what has none of its own: `[key: string]`, `[K in T]`. */
  const head = (): { readonly name: string; readonly isOptional: boolean } => {
    if (tokens[at]?.value === "readonly" && tokens[at + 1]?.value !== ":") at++;
    const first = tokens[at] as Token;
    if (first.value === "[" || first.value === "(" || first.value === "-" || first.value === "+")
      return { name: "", isOptional: false };
    at++;
    const isOptional = tokens[at]?.value === "?";
    return { name: first.value, isOptional };
  };
  /** To the end of a member's type: a `;`, a `,` or a `}` that is not inside of it. */
  const type = (owner: string): void => {
    let depth = 0;
    for (; at < tokens.length; at++) {
      const { kind, value } = tokens[at] as Token;
      if (kind === "doc") continue;
      if (value === "{") {
        at++;
        walk(owner);
        at--;
        continue;
      }
      if (kind === "mark" && "([<".includes(value)) depth++;
      else if (kind === "mark" && ")]>".includes(value)) depth--;
      else if (depth === 0 && (value === "}" || value === ";")) return;
    }
  };
  type(name);
  return members;
}
