/** Template finder: finds `${{ }}` in text. Knows no expression language: it is used before one is loaded. */

export interface TemplateSpan {
  /** The expression's text, without the marks around it. */
  readonly expression: string;
  /** Offset of `${{`, and of what follows `}}`. */
  readonly start: number;
  readonly end: number;
}

export function hasTemplate(text: string): boolean {
  return text.includes("${{");
}

/**
 * The templates of `text` in order, or the offset of a `${{` that is never closed. Quoted strings and map literals inside an
 * expression may hold braces. In every string `\\` keeps the next character, in raw ones (`r'...'`) too: so the language reads them.
 */
export function findTemplates(
  text: string,
): { readonly spans: readonly TemplateSpan[] } | { readonly unclosedAt: number } {
  const spans: TemplateSpan[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf("${{", from);
    if (start < 0) return { spans };
    const close = closingOf(text, start + 3);
    if (close < 0) return { unclosedAt: start };
    spans.push({ expression: text.slice(start + 3, close), start, end: close + 2 });
    from = close + 2;
  }
}

function closingOf(text: string, from: number): number {
  let quote = "";
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const character = text.charAt(i);
    if (quote !== "") {
      if (character === "\\") i++;
      else if (text.startsWith(quote, i)) {
        i += quote.length - 1;
        quote = "";
      }
    } else if (character === '"' || character === "'") {
      const three = character.repeat(3);
      quote = text.startsWith(three, i) ? three : character;
      i += quote.length - 1;
    } else if (character === "{") depth++;
    else if (character === "}" && depth > 0) depth--;
    else if (character === "}" && text.charAt(i + 1) === "}") return i;
  }
  return -1;
}

/** `${{ x }}` as the whole of `text` gives `x`; anything else is itself an expression. */
export function unwrapped(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith("${{")) return text;
  const found = findTemplates(trimmed);
  const only = "spans" in found ? found.spans[0] : undefined;
  return only !== undefined && only.start === 0 && only.end === trimmed.length ? only.expression.trim() : text;
}
