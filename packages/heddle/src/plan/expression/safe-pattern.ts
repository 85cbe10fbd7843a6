/**
 * Regular expression check: says whether a pattern takes at most polynomial time, and of which degree. The platform's
 * engine backtracks, so a repeat inside a repeated group can take exponential time. Such patterns are refused, and so
 * are those that cannot be judged simply.
 */

const LONGEST_PATTERN = 500;

export function isSafePattern(pattern: string): boolean {
  if (pattern.length > LONGEST_PATTERN || /\\[1-9k]|\(\?[^:]/.test(pattern)) return false;
  if (!isPattern(pattern)) return false;
  const groups: { hasChoice: boolean }[] = [];
  const tokens = tokensOf(pattern);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === "(") groups.push({ hasChoice: false });
    else if (token === "|" || isRepeat(token)) for (const group of groups) group.hasChoice = true;
    else if (token === ")") {
      const group = groups.pop();
      const next = tokens[i + 1];
      if (group?.hasChoice === true && isRepeat(next) && next !== "?") return false;
    }
  }
  return true;
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

/** How many repeats `pattern` has: the degree of the time that a backtracking engine may take. */
export function repeatsOf(pattern: string): number {
  return tokensOf(pattern).filter((token) => isRepeat(token) && token !== "?").length;
}

function isRepeat(token: string | undefined): boolean {
  return token !== undefined && (token === "*" || token === "+" || token === "?" || /^\{\d+,?\d*\}$/.test(token));
}

/** Characters and what belongs together: escapes, classes, counts. */
function tokensOf(pattern: string): readonly string[] {
  return (
    pattern
      .match(/\\.|\[(?:\\.|[^\]\\])*\]|\{\d+,?\d*\}|\(\?:|[\s\S]/g)
      ?.map((token) => (token === "(?:" ? "(" : token)) ?? []
  );
}
