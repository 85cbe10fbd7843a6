/**
 * Brace expansion: expands `{a,b}` in a glob to a bounded number of globs without braces. Knows nothing else of globs.
 */

/** Forms that the braces of one glob may have; beyond, everything from the first brace on counts as possible. */
const MOST_FORMS = 32;
/** Characters of all forms together; beyond, likewise. */
const MOST_CHARS = 4096;
/** Longer globs count for the text before their first wildcard. */
const LONGEST = 1024;
/** The globs without braces that a glob with braces means. */
export function bracesExpanded(text: string): readonly string[] {
  if (text.length > LONGEST) return [anyAfter(text, text.search(/[*?[{\\!+@]/))];
  const open = [text];
  const forms: string[] = [];
  for (let form = open.pop(); form !== undefined; form = open.pop()) {
    const found = firstBraces(form);
    if (found === undefined) forms.push(form);
    else {
      const before = form.slice(0, found.from);
      const after = form.slice(found.to + 1);
      for (const choice of found.choices) open.push(before + choice + after);
    }
    const count = forms.length + open.length;
    if (count > MOST_FORMS || (count > 1 && count * form.length > MOST_CHARS))
      return [anyAfter(text, firstBraces(text)?.from ?? 0)];
  }
  return forms;
}

/**
 * Everything in the folder that `text` names before `end` (-1: its end), or deeper; everything if the path leads
 * upwards.
 */
function anyAfter(text: string, end: number): string {
  if (text.includes("..")) return "**";
  const before = text.slice(0, Math.min(end === -1 ? text.length : end, LONGEST));
  return `${before.slice(0, before.lastIndexOf("/") + 1)}**`;
}

interface Braces {
  readonly from: number;
  readonly to: number;
  readonly choices: readonly string[];
}

function firstBraces(text: string): Braces | undefined {
  const opened: { readonly at: number; readonly commas: number[] }[] = [];
  let found: Braces | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "{") opened.push({ at, commas: [] });
    else if (char === ",") opened.at(-1)?.commas.push(at);
    else if (char === "}") {
      const last = opened.pop();
      // An outer pair closes later and begins before: the outermost of the first group is what counts.
      if (last !== undefined && (found === undefined || last.at < found.from)) found = bracesOf(text, last, at);
      if (opened.length === 0 && found !== undefined) return found;
    }
  }
  return found;
}

function bracesOf(
  text: string,
  { at, commas }: { readonly at: number; readonly commas: readonly number[] },
  to: number,
): Braces {
  const inside = text.slice(at + 1, to);
  if (commas.length === 0) {
    // A range such as {1..9}; anything else alone in braces is read with them by some matchers and without them by others.
    const choices = inside.includes("..") ? ["*"] : [`\\{${inside}\\}`, inside];
    return { from: at, to, choices };
  }
  const ends = [...commas, to];
  const choices = ends.map((end, i) => text.slice((i === 0 ? at : (ends[i - 1] ?? at)) + 1, end));
  return { from: at, to, choices };
}
