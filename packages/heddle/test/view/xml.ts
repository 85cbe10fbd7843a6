/** Strict XML 1.0 reader for tests: what is not well formed throws. No doctype, comment or CDATA: reports have none. */

export interface Element {
  readonly name: string;
  readonly attributes: { readonly [name: string]: string };
  readonly children: readonly Element[];
  readonly text: string;
}

// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/u;
const NAMED: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

export function readXml(text: string): Element {
  if (!text.isWellFormed()) throw new Error("half a character");
  if (FORBIDDEN.test(text)) throw new Error("a character that XML does not have");
  const declaration = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/.exec(text);
  if (declaration === null) throw new Error("no declaration");
  let at = declaration[0].length;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const sticky = new RegExp(pattern.source, "uy");
    sticky.lastIndex = at;
    const found = sticky.exec(text) ?? undefined;
    if (found !== undefined) at = sticky.lastIndex;
    return found;
  };
  const element = (): Element => {
    const open = take(/<([A-Za-z][\w.-]*)((?:\s+[A-Za-z][\w.-]*="[^"<]*")*)\s*(\/?)>/);
    if (open === undefined) throw new Error(`no element at ${text.slice(at, at + 80)}`);
    const [, name = "", given = "", isEmpty] = open;
    const attributes: Record<string, string> = {};
    for (const [, key = "", value = ""] of given.matchAll(/([A-Za-z][\w.-]*)="([^"<]*)"/g)) {
      if (key in attributes) throw new Error(`attribute ${key} twice`);
      attributes[key] = unescaped(value);
    }
    if (isEmpty === "/") return { name, attributes, children: [], text: "" };
    const children: Element[] = [];
    let content = "";
    for (;;) {
      content += unescaped(take(/[^<]*/)?.[0] ?? "");
      const close = take(/<\/([A-Za-z][\w.-]*)>/);
      if (close === undefined) children.push(element());
      else if (close[1] === name) return { name, attributes, children, text: content };
      else throw new Error(`</${close[1]}> ends <${name}>`);
    }
  };
  const root = element();
  if (text.slice(at).trim() !== "") throw new Error("text behind the root");
  return root;
}

function unescaped(text: string): string {
  if (/&(?!(?:#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);)/iu.test(text)) throw new Error(`a bare & in ${text}`);
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/giu, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? "";
    const character = String.fromCodePoint(decimal === undefined ? parseInt(hex ?? "", 16) : Number(decimal));
    if (FORBIDDEN.test(character)) throw new Error("a reference to a character that XML does not have");
    return character;
  });
}
