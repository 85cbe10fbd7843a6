/** Lines that tell of a failure, as common tools print them, and lines that only look so. */
import { expect, test } from "vitest";
import { isFailure, MAYBE_FAILURE } from "../../src/logs/failure-lines.ts";

test.each([
  "error: cannot find symbol",
  "src/app.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.",
  "error[E0308]: mismatched types",
  "ERROR in ./src/index.js",
  "npm ERR! code ELIFECYCLE",
  "npm error code 1",
  "TypeError: x is not a function",
  "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal",
  'Exception in thread "main" java.lang.IllegalStateException: closed',
  "Traceback (most recent call last):",
  "E       assert 1 == 2",
  "FAIL  test/run.test.ts > a run > ends",
  "--- FAIL: TestParse (0.00s)",
  "FAILED tests/test_x.py::test_y - assert 1 == 2",
  "not ok 3 - it works",
  "  ✗ parses dates",
  "  ✖ 2 problems (2 errors, 0 warnings)",
  "Tests  2 failed | 14 passed (16)",
  "== 3 failed, 0 errors in 0.12s ==",
  "make: *** [Makefile:12: all] Error 2",
  "make[1]: *** [build] Error 1",
  "thread 'main' panicked at src/main.rs:4:5:",
  "panic: runtime error: index out of range",
  "fatal: not a git repository (or any of the parent directories): .git",
  "Segmentation fault (core dumped)",
  "bash: foo: command not found",
  "cat: /tmp/x: No such file or directory",
  "sh: ./run: Permission denied",
  "main.o: undefined reference to `foo'",
  "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
  "##[error]Process completed with exit code 1.",
  "Error: Process completed with exit code 1.",
  "BUILD FAILED in 3s",
  "ValueError: invalid literal for int() with base 10: 'x'",
  "Killed",
  "UnhandledPromiseRejection: boom",
  "Unhandled rejection",
  "curl: (28) Operation timed out after 5000 milliseconds",
  "[error] 12#12: bind() to 0.0.0.0:80 failed",
  'level=error msg="could not connect"',
  '{"level":"error","msg":"no"}',
])("a failure: %s", (line) => {
  expect(isFailure(line)).toBe(true);
  // Or the server would not find it.
  expect(line).toMatch(new RegExp(MAYBE_FAILURE, "iu"));
});

test.each([
  "compile src/error.ts",
  "  ✓ error handling (3 tests)".replace("error handling", "handles errors"),
  "0 errors, 0 warnings",
  "Found no errors.",
  "Tests  16 passed, 0 failed",
  "failures: 0",
  "errors=0 failed=0",
  "running with --fail-fast",
  "test result: ok. 12 passed; 0 failed; 0 ignored",
  "copying error-handler.js",
  "set on_error to ignore",
  "fail 0",
  "installing @scope/error-utils",
  "done without errors",
  "no such thing happened",
  "1 warning",
  "GET /errors/fail 200",
  "passed",
  "",
])("none: %s", (line) => expect(isFailure(line)).toBe(false));

test("a long line costs little", () => {
  // Each would take minutes if all of it were looked through again and again.
  const parts = ["no ", "error-", "a-", "/a", "without a ", "fail:"];
  expect(parts.map((part) => isFailure(part.repeat(100_000)))).toHaveLength(parts.length);
});
