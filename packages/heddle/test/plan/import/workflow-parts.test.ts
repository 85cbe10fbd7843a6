/** The parts of workflow imports: expressions in CEL, combinations of a matrix, quotes of a shell, in tables. */
import { describe, expect, test } from "vitest";
import { compileExpression, type Scope } from "../../../src/plan/expression/cel.ts";
import { isExpandedAt } from "../../../src/plan/import/shell-text.ts";
import { readSource } from "../../../src/plan/import/source.ts";
import { celCondition, celValue, noReads, type WorkflowScope } from "../../../src/plan/import/workflow-cel.ts";
import { type Cel } from "../../../src/plan/import/workflow-value.ts";
import { matrixItems } from "../../../src/plan/import/workflow-matrix.ts";
import { commandText, envText } from "../../../src/plan/import/workflow-text.ts";

const INPUTS: { readonly [name: string]: Cel } = {
  level: { text: "params.level", type: "text" },
  count: { text: "params.count", type: "number" },
  dry: { text: "params.dry", type: "flag" },
};

const MATRIX: { readonly [name: string]: Cel } = {
  os: { text: "item.os", type: "text" },
  node: { text: "item.node", type: "text" },
  count: { text: "item.count", type: "text", written: "number" },
  beta: { text: "item.beta", type: "text", written: "flag" },
  any: { text: "item.any", type: "text", written: "mixed" },
};

const SCOPE: WorkflowScope = {
  input: (name) => INPUTS[name],
  matrix: ([name = ""]) => MATRIX[name],
  env: new Map([["MODE", '"fast"']]),
  output: (kind, id, name) => (kind === "steps" && id === "v" ? `deps.v.output.?${name}.orValue("")` : undefined),
  status: (kind, id) => (kind === "needs" && id === "build" ? "deps.build.status" : undefined),
  succeeded: 'deps.build.status == "succeeded"',
  failed: 'deps.build.status == "failed"',
};

const VALUES: Scope = {
  params: { level: "info", count: 3, dry: true },
  item: { os: "linux", node: "1.10", count: "20", beta: "false", any: "1" },
  env: { GITHUB_REF: "refs/heads/main", CI: "1", N: " 10.0 ", WORD: "true" },
  deps: { build: { status: "succeeded" }, v: { status: "succeeded", output: { version: "3.2" } } },
};

describe("expressions", () => {
  test.each([
    ["github.ref == 'refs/heads/main'", true],
    ["github.ref == 'refs/heads/main' && !inputs.dry", false],
    ["github.ref != 'x' || inputs.dry", true],
    ["startsWith(github.ref, 'refs/heads/')", true],
    ["endsWith(github['ref'], 'tags')", false],
    ["contains(github.ref, 'heads')", true],
    ['contains(fromJSON(\'["linux", "mac"]\'), matrix.os)', true],
    ["contains(fromJSON('[1, 2]'), inputs.count)", false],
    ["inputs.level == 'info' && inputs.count >= 3", true],
    ["inputs.count == '3'", true],
    ["github.event.inputs.dry == 'true'", true],
    // As GitHub compares: texts without case, other types as numbers.
    ["github.ref == 'REFS/heads/Main'", true],
    ["github.ref != 'REFS/heads/Main'", false],
    ["github.ref == env.REF", false],
    ["startsWith(github.ref, 'REFS/')", true],
    ["contains('Refs/Heads', 'heads')", true],
    ['contains(fromJSON(\'["Linux", "mac"]\'), matrix.os)', true],
    ["inputs.dry == 1", true],
    ["inputs.dry == 0 || inputs.dry == ''", false],
    ["inputs.dry == null", false],
    ["inputs.dry != '1'", false],
    ["inputs.count == ''", false],
    ["inputs.count == ' 3.0 '", true],
    ["inputs.count == null", false],
    ["github.event.inputs.dry == 'TRUE'", true],
    ["github.event.inputs.count == 3", true],
    ["env.N == 10", true],
    ["env.N != 10", false],
    ["env.WORD == 0", false],
    ["env.NOT_SET == 0", true],
    ["env.NOT_SET == null", true],
    ["env.CI == null", false],
    ["matrix.node == 1.1", true],
    ["matrix.count == 20", true],
    ["matrix.count == '20.0'", true],
    ["matrix.count != 20", false],
    ["matrix.beta", false],
    ["!matrix.beta", true],
    ["matrix.beta == false", true],
    ["matrix.beta != inputs.dry", true],
    ["matrix.node == '1.10'", true],
    ["env.MODE == 'fast' && env.CI", true],
    ["env.NOT_SET", false],
    ["vars.NOT_SET == ''", true],
    ["secrets.TOKEN != ''", false],
    ["runner.os == 'Linux'", false],
    ["success()", true],
    ["always()", true],
    ["!cancelled()", true],
    ["failure() || cancelled()", false],
    ["always() && needs.build.result == 'success'", true],
    ["needs.build.result != 'skipped'", true],
    ["steps.v.outputs.version == '3.2'", true],
    ["steps.v.outputs.missing == ''", true],
    ["(inputs.level == 'it''s' || true) && !(false)", true],
    ["inputs.dry == true && inputs.count", true],
    ["(inputs.dry && 'a' || 'b') == 'a'", true],
  ])("%s is %s", (source, wanted) => {
    const reads = noReads();
    const said = celCondition(source, SCOPE, reads);
    if (!said.ok) throw new Error(said.error);
    const compiled = compileExpression(said.value);
    if (!compiled.ok) throw new Error(`${said.value}: ${compiled.error.message}`);
    expect([said.value, compiled.value.evaluate(VALUES)]).toEqual([said.value, { ok: true, value: wanted }]);
    const names = compiled.value.names.flatMap(({ root, name }) => (root === "env" ? (name ?? "") : []));
    expect([...reads.variables].toSorted()).toEqual([...new Set(names)].toSorted());
  });

  test.each([
    ["inputs.dry && 'a' || 'b'", "a"],
    ["inputs.missing || 'x'", "inputs.missing has no meaning in a plan"],
    ["github.head_ref || github.ref", "refs/heads/main"],
    ["matrix.os", "linux"],
    ["inputs.count", 3],
    ["format('{0}', 1)", "format() has no meaning in a plan"],
    ["hashFiles('**')", "hashFiles() has no meaning in a plan"],
    ["github.event.pull_request.title", "github.event.pull_request.title has no meaning in a plan"],
    ["matrix.other", "matrix.other has no meaning in a plan"],
    ["needs.build.outputs.x", "needs.build.outputs.x has no meaning in a plan"],
    ["toJSON(github)", "toJSON() has no meaning in a plan"],
    ["github.ref < 'x'", '"<" between texts has no meaning in a plan'],
    [
      "inputs.dry == 'true'",
      'true and false are never equal to "true": compare with true or false. This comparison has no meaning in a plan',
    ],
    [
      "inputs.dry != 'false'",
      'true and false are never equal to "false": compare with true or false. This comparison has no meaning in a plan',
    ],
    [
      "matrix.beta == 'true'",
      'true and false are never equal to "true": compare with true or false. This comparison has no meaning in a plan',
    ],
    [
      "inputs.dry == env.WORD",
      "true and false are never equal to such a value: compare with true or false. This comparison has no meaning in a plan",
    ],
    [
      "inputs.dry == 2",
      "true and false are never equal to 2: compare with true or false. This comparison has no meaning in a plan",
    ],
    ["inputs.count == 'three'", 'a number is never equal to "three"; this comparison has no meaning in a plan'],
    ["matrix.any == 1", "a comparison with a value of several types has no meaning in a plan"],
    ["!matrix.any", "a number or mixed value of a matrix as a condition has no meaning in a plan"],
    ["contains(fromJSON('[1]'), env.N)", "contains() with a list of another type has no meaning in a plan"],
    ["a ==", "cannot read this expression"],
    ["github.*", "github.* has no meaning in a plan"],
    ["'open", 'cannot read "\'open"'],
    [`${"(".repeat(60)}true${")".repeat(60)}`, "cannot read this expression"],
  ])("the value of %s is %s", (source, wanted) => {
    const said = celValue(source, SCOPE, noReads());
    if (!said.ok) return expect(said.error).toBe(wanted);
    const compiled = compileExpression(said.value.text);
    return expect(compiled.ok ? compiled.value.evaluate(VALUES) : compiled).toEqual({ ok: true, value: wanted });
  });

  test("say which variables they take from outside, which of them are secrets, and that they ask for a status", () => {
    const reads = noReads();
    celCondition("always() && secrets.KEY != '' && github.sha == env.HERE && env.MODE == ''", SCOPE, reads);
    expect(reads).toEqual({
      variables: new Set(["KEY", "GITHUB_SHA", "HERE"]),
      secrets: new Set(["KEY"]),
      asksStatus: true,
    });
    const token = noReads();
    celValue("github.token", SCOPE, token);
    expect(token).toEqual({
      variables: new Set(["GITHUB_TOKEN"]),
      secrets: new Set(["GITHUB_TOKEN"]),
      asksStatus: false,
    });
    const others = noReads();
    celCondition("needs.build.result == 'failure'", SCOPE, others);
    expect(others.asksStatus).toBe(false);
  });
});

describe("texts", () => {
  test("of variables keep what is no expression", () => {
    const said = envText("a ${{ inputs.level }} $X ${{ matrix.node }}", SCOPE, noReads());
    expect(said).toEqual({
      ok: true,
      value: {
        template: "a ${{ params.level }} $X ${{ item.node }}",
        cel: '"a " + (params.level) + " $X " + (item.node)',
      },
    });
    expect(envText("${{ inputs.level", SCOPE, noReads())).toEqual({ ok: false, error: "an expression is not closed" });
  });

  test.each([
    ["echo ${{ matrix.os }}", "echo ${MATRIX_OS}", { MATRIX_OS: "${{ item.os }}" }],
    [
      'echo "${{ inputs.level }}" ${{ inputs.level }}',
      'echo "${INPUTS_LEVEL}" ${INPUTS_LEVEL}',
      { INPUTS_LEVEL: "${{ params.level }}" },
    ],
    ["echo ${{ secrets.TOKEN }} ${{ env.MODE }}", "echo ${TOKEN} ${MODE}", {}],
    ["echo ${{ github.sha }}", "echo ${GITHUB_SHA}", {}],
    ["echo '${{ '{{x}}' }}'", "echo '{{x}}'", {}],
    ["echo x >> $GITHUB_OUTPUT", 'export GITHUB_OUTPUT="$HEDDLE_OUTPUT"\necho x >> $GITHUB_OUTPUT', {}],
    ["echo x >> $GITHUB_STEP_SUMMARY", "export GITHUB_STEP_SUMMARY=/dev/null\necho x >> $GITHUB_STEP_SUMMARY", {}],
    [
      "echo ${{ matrix.os == 'a' }} ${{ matrix['os'] }}",
      "echo ${MATRIX_OS_A} ${MATRIX_OS}",
      { MATRIX_OS_A: '${{ item.os.lowerAscii() == "a" }}', MATRIX_OS: "${{ item.os }}" },
    ],
  ])("of the command %s", (text, command, env) => {
    const made = commandText(text, { scope: SCOPE, reads: noReads(), isShell: true });
    expect(made.ok ? { command: made.value.command, env: Object.fromEntries(made.value.env) } : made).toEqual({
      command,
      env,
    });
  });

  test.each([
    ["echo '${{ matrix.os }}'", true, "an expression between single quotes, where no variable is replaced"],
    ["print('${{ matrix.os }}')", false, "an expression in a command that is not for sh or bash"],
    ["echo A=1 >> $GITHUB_ENV", true, "GITHUB_ENV sets what later steps see, which a step of a plan cannot"],
    ["echo ${{ matrix.os", true, "an expression is not closed"],
    ["echo ${{ hashFiles('a') }}", true, "hashFiles() has no meaning in a plan"],
  ])("of the command %s are refused", (text, isShell, error) => {
    expect(commandText(text, { scope: SCOPE, reads: noReads(), isShell })).toEqual({ ok: false, error });
  });

  test.each([
    ["echo @", true],
    ['echo "@"', true],
    ["echo '@'", false],
    ["echo 'a' @ 'b'", true],
    ['echo "it\'s @"', true],
    ["echo \\' @", true],
    ["echo \"$(echo '@')\"", false],
    ["echo \"$(echo 'a')\" '@'", false],
    ["echo \"$(echo 'a') @\"", true],
    ["# don't\necho @", true],
    ["echo a#'@'", false],
    ["cat <<'EOF'\n@\nEOF", false],
    ["cat <<EOF\n@\nEOF", true],
    ['echo "\\"" \'@\'', false],
  ])("in %j a variable is replaced: %s", (command, wanted) => {
    expect(isExpandedAt(command, command.indexOf("@"))).toBe(wanted);
  });
});

describe("a matrix", () => {
  const itemsOf = async (text: string): Promise<unknown> => {
    const read = await readSource({ text, file: "matrix.yml" });
    if (!read.ok || read.value.root.kind !== "mapping") throw new Error("no matrix");
    const items = matrixItems(read.value.root);
    return items.ok ? items.value.map((item) => Object.values(item).join(" ").trimEnd()) : items.error.message;
  };

  test.each([
    ["a: [1, 2]\nb: [x, y]", ["1 x", "1 y", "2 x", "2 y"]],
    ["node: [1.1, 1.10]", ["1.1", "1.10"]],
    ["a: [1, 2]\nb: [x, y]\nexclude: [{a: 1, b: y}, {a: 2}]", ["1 x"]],
    [
      "fruit: [apple, pear]\nanimal: [cat, dog]\ninclude:\n- color: green\n- {color: pink, animal: cat}\n- {fruit: apple, shape: circle}\n- fruit: banana\n- {fruit: banana, animal: cat}",
      ["apple cat pink circle", "apple dog green circle", "pear cat pink", "pear dog green", "banana", "banana cat"],
    ],
    ["include: [{a: 1}, {a: 2, b: x}]", ["1", "2 x"]],
    ["a: []", '"a" has no values, which GitHub refuses too'],
    ["a: []\ninclude: [{a: 1}]", '"a" has no values, which GitHub refuses too'],
    ["a: ${{ fromJSON(x) }}", 'the values of "a" are not a list'],
    ["a: ['${{ x }}']", 'the values of "a" are computed'],
    ["a: [1]\ninclude: ${{ x }}", "`include` is not a list"],
    [`a: [${Array.from({ length: 257 }, (_, at) => at).join(", ")}]`, "it has more than 256 combinations"],
  ])("%s", async (text, wanted) => {
    expect(await itemsOf(text)).toEqual(wanted);
  });
});
