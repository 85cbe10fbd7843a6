/**
 * Failure lines: which lines of a log say that something went wrong, by what common tools print. The server finds lines that may;
 * here is decided which do. Knows no log.
 */

/** For the server: few, short and without repeats, so that a log of gigabytes is searched in seconds. */
export const MAYBE_FAILURE =
  "err!|error|fail|fatal|panic|exception|traceback|assert|not ok|not found|no such file|denied|segmentation|core dumped|killed|out of memory|timed out|unhandled|undefined reference|[✗✖✘❌]";

/** Taken away before the line is judged: that nothing went wrong, names of files and options. */
const HARMLESS = [
  // "errors: 0", "failed=0"; "0 errors", "no failures", "without errors".
  /\b(?:errors?|fail(?:ed|ures?|s)?|exceptions?|fatals?)\s*[:=]\s*(?:0|none|no|false|null)\b/giu,
  /\b(?:0|no|zero|without)\s+(?:[\w-]+\s+){0,2}(?:errors?|fail(?:ed|ures?|s|ing)?|exceptions?|panics?|fatals?|assertions?)\b/giu,
  /\bfail(?:ed|ures?)?\s+0\b/giu,
  // Files, modules, options, variables and calls: "src/error.ts", "error-handler", "--fail-fast", "on_error", "errorHandler(".
  /[\w@.-]*\/[\w@./-]*/gu,
  /--?[\w-]*(?:error|fail|assert)[\w-]*/giu,
  /\b[\w-]+[-_.](?:errors?|fail(?:ed|ures?)?|exceptions?|assert|panic|fatal)\b(?!:)/giu,
  /\b(?:errors?|fail|exceptions?|assert|panic|fatal)(?:[-_.][\w-]+|\w*\()/giu,
  /\b(?:if|on|ignor\w+|handl\w+|catch\w*|retr\w+)\s+(?:any\s+|an?\s+|the\s+)?(?:errors?|failures?|exceptions?)\b/giu,
] as const;

const FAILURES = [
  // "error:", "ERROR in", "error TS2322", "error[E0308]", "fatal:", "1 error", "2 tests failed", "FAIL test/x".
  /(?:^|[^\w])(?:errors?|err!|fatal|panic(?:ked)?|fail(?:ed|ures?|s)?)(?=$|[^\w])/iu,
  // "TypeError:", "java.lang.IllegalStateException", "AssertionError".
  /\b\w*(?:Error|Exception|Failure)\b(?=$|[\s:([])/u,
  /\btraceback \(most recent call/iu,
  /\bassertion\b.*\bfail|\bE\s{2,}assert\b/iu,
  /(?:^|\s)not ok\b/iu,
  /\bcommand not found\b|\bno such file or directory\b|\bpermission denied\b|\bundefined reference\b|\bmodule not found\b|\bcannot find\b/iu,
  /\bsegmentation fault\b|\bcore dumped\b|\bout of memory\b|\btimed out\b|\bunhandled|^killed$|\bOOM\b/iu,
  /[✗✖✘❌]/u,
] as const;

/** Whether a line, as it is shown, says so. Looks at its beginning alone: an excerpt is as long. */
export function isFailure(text: string): boolean {
  const line = text.slice(0, 500);
  // File names first: "FAIL test/x.test.ts" stays a failure without them.
  const rest = HARMLESS.reduce((left, pattern) => left.replaceAll(pattern, " "), line);
  return FAILURES.some((pattern) => pattern.test(rest));
}
