/** Shell text: tells where in a command a variable would be replaced by its value. Knows sh and bash, and runs nothing. */

/** Whether `$NAME` at `offset` of a command is expanded: not between single quotes, not in a quoted here-document. */
export function isExpandedAt(command: string, offset: number): boolean {
  const before = command.slice(0, offset);
  // The body of such a document cannot be told from what follows it without reading the shell's grammar: all of it is.
  if (/<<-?\s*['"\\]/.test(before)) return false;
  return contextAt(before) !== "single";
}

type Quote = "none" | "single" | "double";

/** The quotes that are open at the end of `text`; a command in `$( )` has quotes of its own. */
function contextAt(text: string): Quote {
  const stack: Quote[] = [];
  let open: Quote = "none";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (open === "single") {
      if (character === "'") open = "none";
    } else if (character === "\\") at++;
    else if (text.startsWith("$(", at)) {
      stack.push(open);
      open = "none";
      at++;
    } else if (character === '"') open = open === "double" ? "none" : "double";
    else if (open === "double") continue;
    else if (character === "'") open = "single";
    else if (character === ")" && stack.length > 0) open = stack.pop() ?? "none";
    else if (character === "#" && /(?:^|[\s;])$/.test(text.slice(0, at))) {
      const end = text.indexOf("\n", at);
      if (end < 0) return "none";
      at = end;
    }
  }
  return open;
}
