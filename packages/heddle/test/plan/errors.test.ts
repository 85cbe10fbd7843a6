/** Every error of a plan: its code, its place, its help; all at once. */
import { expect, test } from "vitest";
import { formatDiagnostics } from "../../src/plan/render.ts";
import { STEP_KEYS } from "../../src/plan/step-keys.ts";
import { diagnosticsOf, errorsOf } from "./helpers.ts";

/** Each text has its one error where `^` points, on the line above. */
const CASES: readonly (readonly [code: string, text: string, hint?: string])[] = [
  [
    "InvalidYaml",
    '- id: a\n  run: echo "x: y"; echo z\n              ^',
    "put the whole value in quotes, or after `|` on lines of its own",
  ],
  ["UnknownKey", "nam: x\n^\nsteps: [{id: a, run: x}]", 'did you mean "name"?'],
  ["UnknownKey", "steps:\n- id: a\n  rum: x\n  ^\n  run: y", 'did you mean "run"?'],
  ["UnknownKey", "steps:\n- id: a\n  run: y\n  retry: {atempts: 3}\n          ^", 'did you mean "attempts"?'],
  ["UnknownKey", "defaults: {timeot: 3}\n           ^\nsteps: [{id: a, run: x}]", 'did you mean "timeout"?'],
  ["UnknownKey", "steps:\n- id: a\n  run: y\n  constructor: 1\n  ^"],
  ["MissingId", "- run: x\n  ^"],
  ["InvalidId", "- id: a b\n      ^\n  run: x"],
  ["InvalidId", '- id: ""\n      ^\n  run: x'],
  ["InvalidId", "- id: [a]\n      ^\n  run: x"],
  ["InvalidValue", "- id: a\n  run: [x]\n       ^"],
  ["InvalidValue", "- id: a\n  run: ''\n       ^"],
  ["InvalidValue", '- id: a\n  run: "a\\0b"\n       ^'],
  ["InvalidValue", "- id: a\n  run: x\n  cache: maybe\n         ^"],
  ["InvalidValue", "maxConcurrency: 0\n                ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "- id: a\n  run: x\n  retry: {attempts: 1, on: [exit, nope]}\n                                  ^"],
  ["InvalidValue", "- hello\n  ^", "write `- id: name` and an action such as `run:`"],
  ["InvalidValue", "steps: 3\n       ^"],
  ["InvalidPlan", "hello\n^"],
  ["InvalidName", "- id: a\n  run: x\n  env: {a-b: x}\n        ^"],
  ["InvalidName", "- id: a\n  run: x\n  env: {HEDDLE_TAG: x}\n        ^"],
  ["ForbiddenKey", "- id: a\n  run: x\n  env: {__proto__: x}\n        ^"],
  ["InvalidDuration", "- id: a\n  run: x\n  timeout: 5 minutes\n           ^"],
  ["InvalidDuration", "- id: a\n  run: x\n  timeout: 999999d\n           ^"],
  ["InvalidDuration", "- id: a\n  run: x\n  timeout: -1\n           ^"],
  ["MissingAction", "- id: a\n  ^"],
  ["MissingPrompt", "- id: a\n  agent: {model: x}\n         ^"],
  ["SeveralActions", "- id: a\n  run: x\n  call: y\n  ^"],
  ["MisplacedKey", "- id: a\n  run: x\n  isolate: true\n  ^", '"isolate" goes with "call"'],
  ["MisplacedKey", "- id: a\n  run: x\n  with: {}\n  ^"],
  ["MisplacedKey", "- id: a\n  plan: ./b.yaml\n  retry: 2\n  ^", "set it on the steps of that plan"],
  ["MisplacedKey", "- id: a\n  approve: Well?\n  verify: test x\n  ^"],
  ["MisplacedKey", "- id: a\n  run: x\n  maxConcurrency: 2\n  ^"],
  ["MisplacedKey", "- id: a\n  approve: Well?\n  runsOn: gpu\n  ^", "set it on the step that does the work"],
  ["MisplacedKey", "- id: a\n  plan: ./b.yaml\n  runs-on: [gpu]\n  ^", "set it on the steps of that plan"],
  ["InvalidValue", "- id: a\n  run: x\n  runsOn: [gpu, 'two words']\n                ^"],
  ["InvalidValue", "- id: a\n  run: x\n  runsOn: 'gpu,mac'\n          ^"],
  [
    "MisplacedKey",
    "- id: a\n  call: ./m.ts#f\n  env: { A: b }\n  ^",
    'a function has the environment of its process: pass values by "with"',
  ],
  ["MisplacedKey", "- id: a\n  call: ./m.ts#f\n  envMode: strict\n  ^"],
  [
    "MisplacedKey",
    "- id: a\n  call: ./m.ts#f\n  cwd: sub\n  ^",
    'a function runs in the folder of its process: pass the folder by "with"',
  ],
  ["MisplacedKey", "- id: a\n  call: ./m.ts#f\n  shell: bash\n  ^"],
  [
    "MisplacedKey",
    "- id: a\n  call: ./m.ts#f\n  limits: { maxMemoryMb: 50 }\n  ^",
    "add `isolate: true`: the memory of a function is bounded only in a thread of its own",
  ],
  ["MisplacedKey", "- id: a\n  function: {source: x}\n  ^\n  run: x"],
  ["ConflictingKeys", "- id: a\n  run: x\n- id: b\n  run: x\n  deps: [a]\n  needs: [a]\n  ^", 'keep "deps" alone'],
  ["ConflictingKeys", "steps: [{id: a, run: x}]\nphases: [{id: a, run: x}]\n^"],
  [
    "UnknownKey",
    "agents: {mergeQueue: {bacth: 3}}\n                      ^\nsteps: [{id: a, run: x}]",
    'did you mean "batch"?',
  ],
  [
    "UnknownKey",
    "agents: {permissions: {rules: [{allow: all, comand: x}]}}\n                                            ^\nsteps: [{id: a, run: x}]",
    'did you mean "command"?',
  ],
  [
    "UnknownKey",
    "agents: {permissions: {rules: [{allow: all, zzzz: 1}]}}\n                                            ^\nsteps: [{id: a, run: x}]",
    'allowed in "rules": allow, deny, ask, path, command, tool',
  ],
  [
    "UnknownKey",
    "agents: {permissions: {zzzz: []}}\n                       ^\nsteps: [{id: a, run: x}]",
    'allowed in "permissions": rules, preset',
  ],
  [
    "UnknownKey",
    "agents: {limits: {zzzz: 1m}}\n                  ^\nsteps: [{id: a, run: x}]",
    'allowed in "limits": start, idle, toolIdle, ask, wait, verify',
  ],
  [
    "UnknownKey",
    "agents: {use: {mine: {comand: x}}}\n                      ^\nsteps: [{id: a, run: x}]",
    'did you mean "command"?',
  ],
  [
    "UnknownKey",
    "agents: {use: {mine: {limits: {idl: 1m}}}}\n                               ^\nsteps: [{id: a, run: x}]",
    'did you mean "idle"?',
  ],
  [
    "UnknownKey",
    "agents: {land: {branch: x, brunch: x}}\n                           ^\nsteps: [{id: a, run: x}]",
    'did you mean "branch"?',
  ],
  ["UnknownAgent", "agents: {default: claud}\n                  ^\nsteps: [{id: a, run: x}]", 'did you mean "claude"?'],
  [
    "UnknownAgent",
    "agents: {default: nobody}\n                  ^\nsteps: [{id: a, run: x}]",
    "known are claude, codex, gemini, opencode, scripted; declare another: agents: {use: {nobody: {command: ...}}}",
  ],
  [
    "UnknownAgent",
    "agents: {use: {mine: {command: x}}}\nsteps:\n- id: a\n  agent: {prompt: x, use: mime}\n                          ^",
    'did you mean "mine"?',
  ],
  [
    "UnknownAgent",
    "- id: a\n  plan: {steps: [{id: b, agent: {prompt: x, use: mine}}]}\n                                                 ^",
  ],
  // What holds for a whole run cannot be set for a part of it.
  [
    "MisplacedKey",
    "- id: a\n  plan:\n    agents: {use: {mine: {command: x}}}\n                   ^\n    steps: [{id: b, run: x}]",
    "declare it in the outermost plan: its agents are those of the whole run",
  ],
  [
    "MisplacedKey",
    "- id: a\n  plan:\n    agents: {verify: [test]}\n             ^\n    steps: [{id: b, run: x}]",
    "set it in the outermost plan, where it holds for the whole run",
  ],
  ["MisplacedKey", "- id: a\n  plan:\n    rollback: all\n    ^\n    steps: [{id: b, run: x}]"],
  [
    "MisplacedKey",
    "- id: a\n  plan:\n    schedule: layers\n    ^\n    steps: [{id: b, run: x}]",
    "inside another plan a step starts when its own dependencies have ended: order the steps with `after`",
  ],
  ["MisplacedKey", "- id: a\n  plan:\n    limits: {maxMemoryMb: 5}\n    ^\n    steps: [{id: b, run: x}]"],
  ["MisplacedKey", "- id: a\n  plan:\n    notify: {url: https://a.test/}\n    ^\n    steps: [{id: b, run: x}]"],
  ["InvalidValue", "notify: https://a.test/\n        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "notify: {secret: S}\n        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "notify: {url: https://a.test/, urlFrom: U}\n        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "notify: [{urlFrom: U}, {url: nowhere}]\n                             ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "notify: {url: ftp://a.test/}\n              ^\nsteps: [{id: a, run: x}]"],
  [
    "InvalidValue",
    "notify: {url: http://a.test/}\n              ^\nsteps: [{id: a, run: x}]",
    "use https://, or set `allowPrivate: true`",
  ],
  [
    "InvalidValue",
    "notify: {url: https://me:word@a.test/}\n              ^\nsteps: [{id: a, run: x}]",
    "use `secret` or `urlFrom`",
  ],
  [
    "InvalidValue",
    "notify: {url: https://a.test/, secret: $S}\n                                       ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "notify: {url: https://a.test/, on: [ended]}\n                                    ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "notify: {url: https://a.test/, on: []}\n                                   ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "UnknownKey",
    "notify: {url: https://a.test/, secrets: S}\n                               ^\nsteps: [{id: a, run: x}]",
  ],
  ["MisplacedKey", "- id: a\n  plan:\n    budget: {usd: 5}\n    ^\n    steps: [{id: b, run: x}]"],
  [
    "UnknownPreset",
    "agents: {use: {mine: {preset: claud}}}\n                              ^\nsteps: [{id: a, run: x}]",
    'did you mean "claude"?',
  ],
  ["MissingCommand", "agents: {use: {mine: {model: x}}}\n               ^\nsteps: [{id: a, run: x}]"],
  ["MissingCommand", "agents: {use: {mine: {protocol: acp}}}\n               ^\nsteps: [{id: a, run: x}]"],
  ["MissingCommand", "agents: {use: {claude: {protocol: exec}}}\n               ^\nsteps: [{id: a, run: x}]"],
  ["MissingScript", "agents: {default: scripted}\n                  ^\nsteps: [{id: a, run: x}]"],
  ["MissingScript", "agents: {use: {mine: {preset: scripted}}}\n               ^\nsteps: [{id: a, run: x}]"],
  ["MissingScript", "- id: a\n  agent: {prompt: x, use: scripted}\n                          ^"],
  [
    "UnknownProtocol",
    "agents: {use: {gemini: {protocol: native}}}\n                                  ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "UnknownProtocol",
    "agents: {use: {mine: {command: x, protocol: native}}}\n                                            ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "UnknownProtocol",
    "agents: {use: {scripted: {script: x, protocol: exec}}}\n                                               ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "RuleNotEnforceable",
    "- id: a\n  agent:\n    prompt: x\n    use: codex\n    permissions: {rules: [{ask: execute}]}\n                          ^",
  ],
  ["InvalidName", "agents: {use: {a b: {command: x}}}\n               ^\nsteps: [{id: a, run: x}]"],
  ["InvalidName", "agents: {land: {branch: 'a b'}}\n                        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidName", "agents: {land: {branch: heddle/x}}\n                        ^\nsteps: [{id: a, run: x}]"],
  [
    "InvalidName",
    "agents: {use: {mine: {command: x, env: {a-b: x}}}}\n                                        ^\nsteps: [{id: a, run: x}]",
  ],
  ["InvalidValue", "agents: 3\n        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {use: [mine]}\n              ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {use: {mine: x}}\n                     ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {use: {mine: {command: []}}}\n                               ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {passEnv: [a-b]}\n                   ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {permissions: all}\n                      ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {permissions: {preset: all}}\n                               ^\nsteps: [{id: a, run: x}]"],
  [
    "InvalidValue",
    "agents: {permissions: {rules: [{path: x}]}}\n                               ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "agents: {permissions: {rules: [{allow: edit, deny: edit}]}}\n                               ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "agents: {permissions: {rules: [{allow: fly}]}}\n                                       ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "agents: {permissions: {rules: [{allow: []}]}}\n                                       ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidValue",
    "- id: a\n  agent: {prompt: x, permissions: {rules: [{deny: edit, path: ''}]}}\n                                                              ^",
  ],
  ["InvalidDuration", "agents: {limits: {idle: soon}}\n                        ^\nsteps: [{id: a, run: x}]"],
  ["InvalidDuration", "agents: {limits: {idle: 0}}\n                        ^\nsteps: [{id: a, run: x}]"],
  [
    "InvalidDuration",
    "- id: a\n  agent: {prompt: x, limits: {toolIdle: -1m}}\n                                        ^",
  ],
  [
    "UnknownKey",
    "limits: {zzzz: 1}\n         ^\nsteps: [{id: a, run: x}]",
    'allowed in "limits": maxMemoryMb, maxCpuPercent',
  ],
  [
    "UnknownKey",
    "params: {p: {type: string, typ: x}}\n                           ^\nsteps: [{id: a, run: x}]",
    'did you mean "type"?',
  ],
  [
    "UnknownKey",
    "- id: a\n  agent: {prompt: x, expect: {files: [b], zzzz: 1}}\n                                          ^",
    'allowed in "expect": files',
  ],
  ["InvalidValue", "agents: {mergeQueue: {batch: 0}}\n                             ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {mergeQueue: {ahead: 17}}\n                             ^\nsteps: [{id: a, run: x}]"],
  ["InvalidValue", "agents: {mergeQueue: 3}\n                     ^\nsteps: [{id: a, run: x}]"],
  [
    "UnknownResource",
    "- id: a\n  run: x\n  resources: {gpu: 1}\n              ^",
    "declare it at the top of the plan: resources: {gpu: 1}",
  ],
  ["ResourceTooLarge", "resources: {gpu: 1}\nsteps:\n- id: a\n  run: x\n  resources: {gpu: 2}\n                   ^"],
  ["ExpressionInCommand", "- id: a\n  run: echo ${{ run.id }}\n       ^"],
  ["ExpressionInCommand", "- id: a\n  run: x\n  undo: echo ${{ run.id }}\n        ^"],
  ["ExpressionInCommand", "- id: a\n  run: x\n  verify: [a, 'echo ${{ run.id }}']\n              ^"],
  ["InvalidExpression", "- id: a\n  run: x\n  if: 1 +\n      ^"],
  ["InvalidExpression", "- id: a\n  run: x\n  env: {X: '${{ 1'}\n           ^"],
  ["InvalidExpression", "- id: a\n  run: x\n  if: nope == 1\n      ^"],
  [
    "UnknownName",
    "- id: abc\n  run: x\n- id: b\n  run: x\n  deps: [abc]\n  if: deps.abd.status == 'failed'\n      ^",
    'did you mean "abc"?',
  ],
  [
    "UnknownName",
    "- id: abc\n  run: x\n- id: b\n  run: x\n  if: deps.abc.output\n      ^",
    "add it to the step's deps: deps: [abc]",
  ],
  [
    "UnknownName",
    "params: {env: {type: string, default: x}}\nsteps:\n- id: a\n  run: x\n  if: params.emv == 'x'\n      ^",
    'did you mean "env"?',
  ],
  ["UnknownName", "- id: a\n  run: x\n  env: {X: '${{ env.TOKEN }}'}\n           ^", "add it: passEnv: [TOKEN]"],
  ["UnknownName", "- id: a\n  run: x\n  if: item == 1\n      ^"],
  // Such a condition would be false, or true, for ever: the words of other tools, and misspelt ones.
  ...[
    "deps.a.status == 'success'",
    "'failure' != deps.a.status",
    "deps['a']['status'] == 'Succeeded'",
    "deps.a.status in ['succeeded', 'ok']",
    "!(deps.a['status'] in ['done'])",
    "[1].exists(x, deps.a.status == 'error')",
  ].map(
    (condition) =>
      [
        "UnknownName",
        `- {id: a, run: x}\n- id: b\n  run: x\n  deps: [a]\n  if: "${condition}"\n      ^`,
        'a step before this one is "succeeded", "failed", "cancelled" or "skipped"',
      ] as const,
  ),
  // `deps.my-step` is a subtraction, `deps.a.b` a field, `deps.x/y` a division.
  ...["my-step", "a.b", "x/y", "1.10", "2fa"].map(
    (id) =>
      [
        "InvalidExpression",
        `- {id: a, run: x}\n- id: ${id}\n  run: x\n- id: b\n  run: x\n  deps: [${id}]\n  if: deps.${id}.output == 'x'\n      ^`,
        `an id that is not a name is written in brackets: deps["${id}"]`,
      ] as const,
  ),
  [
    "InvalidExpression",
    "- id: b\n  run: x\n  env: {X: '${{ deps.my-other-step.output }}'}\n           ^",
    'an id that is not a name is written in brackets: deps["my-other-step"]',
  ],
  ["UnknownName", "- id: a\n  run: x\n  if: run.name == 'x'\n      ^"],
  ["InvalidOutputSchema", "- id: a\n  run: x\n  output: {type: strng}\n          ^"],
  ["InvalidOutputSchema", "- id: a\n  run: x\n  output: {$ref: '#/$defs/none'}\n          ^"],
  ["MissingParam", "params:\n  env: {type: string}\n  ^\nsteps: [{id: a, run: x}]", "set it: --param env=VALUE"],
  [
    "InvalidParam",
    "params:\n  env: {type: number, default: x}\n                               ^\nsteps: [{id: a, run: x}]",
  ],
  [
    "InvalidParam",
    "params:\n  env: {type: string, enum: [a], default: b}\n                                          ^\nsteps: [{id: a, run: x}]",
  ],
  ["EmptyPlan", "name: x\n^"],
  ["EmptyPlan", "steps: []\n       ^"],
  ["EmptyPlan", "# nothing\n^"],
  ["DuplicateStep", "- id: a\n  run: x\n- id: a\n      ^\n  run: x"],
  [
    "UnknownDependency",
    "- id: abc\n  run: x\n- id: b\n  run: x\n  needs: [abc, abd]\n               ^",
    'did you mean "abc"?',
  ],
  ["UnknownDependency", "- id: a\n  run: x\n  after: zzz\n         ^"],
  ["SelfDependency", "- id: a\n  run: x\n  deps: [a]\n         ^"],
  ["InvalidYaml", "steps: [{id: a\n              ^"],
  ["DuplicateKey", "name: a\nname: b\n^"],
  ["DuplicateKey", "- id: a\n  run: x\n  'id': b\n  ^"],
  [
    "NumberTooLarge",
    "- id: a\n  run: x\n  priority: 12345678901234567890\n            ^",
    "write it in quotes, as text",
  ],
  ["InvalidYaml", "name: *x\n      ^"],
  ["InvalidYaml", "name: a\n---\n^\nname: b"],
];

test.each(CASES)("%s: %j", async (code, marked = "", hint) => {
  const { text, place } = unmarked(marked);
  const diagnostics = await diagnosticsOf(text);
  expect(diagnostics.map((each) => `${each.code} ${each.line}:${each.column}`)).toStrictEqual([`${code} ${place}`]);
  expect(diagnostics[0]).toMatchObject({
    severity: "error",
    file: "plan.yaml",
    ...(hint === undefined ? {} : { hint }),
  });
  const [, shown = "", caret = ""] = formatDiagnostics(diagnostics, text)
    .split("\n")
    .filter((line) => /^ +(\d+ )?\|/.test(line) || line.includes("plan.yaml"));
  if (shown !== "") expect(caret.indexOf("^")).toBe(shown.indexOf("|") + 1 + Number(place.split(":")[1]));
});

/** Takes the line with the mark out: it stands under the place that it marks. */
function unmarked(marked: string): { readonly text: string; readonly place: string } {
  const lines = marked.split("\n");
  const at = lines.findIndex((line) => /^ *\^$/.test(line));
  return { text: lines.filter((_, i) => i !== at).join("\n"), place: `${at}:${(lines[at]?.indexOf("^") ?? 0) + 1}` };
}

test.each([
  ["retry: true", "expected a number of retries or a mapping such as {attempts: 3, delay: 1s}"],
  ["timeout: [1]", "expected a duration"],
  ["forEach: 3.5", "expected an expression or a list"],
  ["verify: 3", "expected a command or a list of commands"],
  ["locks: 3", "expected {read: [...], write: [...]}"],
])("a value of the wrong kind is told what is wanted: %s", async (written, wanted) => {
  const told = await diagnosticsOf(`- id: a\n  run: x\n  ${written}`);
  expect(told.map(({ message }) => message)).toEqual([expect.stringContaining(wanted)]);
});

test("given parameters are checked", async () => {
  const text =
    "params:\n  env: {type: string, enum: [a, b], default: a}\n  n: {type: number, default: 1}\nsteps: [{id: a, run: x}]";
  expect(await errorsOf(text, { params: { env: "c", n: "many", emv: "a" } })).toStrictEqual([
    "UnknownParam 1:1",
    "InvalidParam 2:3",
    "InvalidParam 3:3",
  ]);
});

test("JSON errors have their places as well", async () => {
  expect(await errorsOf('{"steps": [\n  {"id": "a", "run": 3}\n]}', { file: "p.json" })).toStrictEqual([
    "InvalidValue 2:22",
  ]);
  expect(await errorsOf('{"steps": [\n  {"id": "a" "run": 3}\n]}', { file: "p.json" })).toStrictEqual([
    "InvalidJson 2:14",
  ]);
  expect(await errorsOf('{"steps": [', { file: "p.json" })).toStrictEqual(["InvalidJson 1:12"]);
});

test("all errors come at once, in the order of the text", async () => {
  const text =
    "nam: x\nsteps:\n- {id: a, rum: x}\n- {id: b, run: x, deps: [c], timeout: soon}\n- {id: b, run: x, if: '1 +'}\n- {id: d, run: x, deps: [e]}\n- {id: e, run: x, deps: [d]}\n";
  expect((await errorsOf(text)).map((error) => error.split(":")[0])).toStrictEqual([
    "UnknownKey 1",
    "MissingAction 3",
    "UnknownKey 3",
    "UnknownDependency 4",
    "InvalidDuration 4",
    "DuplicateStep 5",
    "InvalidExpression 5",
    "CycleDetected 7",
  ]);
});

test("what is wrong with agents comes at once, names and shapes alike", async () => {
  const text = `agents:
  default: nobody
  limits: {idle: soon}
  use:
    mine: {model: x}
    odd: {comand: x}
    fast: {preset: claud}
  land: {branch: a..b}
steps:
- {id: a, agent: {prompt: x, use: odd}}
- {id: b, agent: {prompt: x, use: none, tries: -1}}
`;
  expect(await errorsOf(text)).toStrictEqual([
    "UnknownAgent 2:12",
    "InvalidDuration 3:18",
    "MissingCommand 5:5",
    "UnknownKey 6:11",
    "UnknownPreset 7:20",
    "InvalidName 8:18",
    "UnknownAgent 11:35",
    "InvalidValue 11:48",
  ]);
});

test("a cycle is told edge by edge", async () => {
  const text =
    "phases:\n  - id: phase-a\n    run: x\n    deps: [phase-c]\n  - id: phase-b\n    run: x\n    deps: [phase-a]\n  - id: phase-c\n    run: x\n    deps: [phase-b]\n";
  const [diagnostic] = await diagnosticsOf(text, { file: "feature.yaml" });
  expect(diagnostic).toStrictEqual({
    code: "CycleDetected",
    severity: "error",
    file: "feature.yaml",
    line: 7,
    column: 12,
    message: `Circular dependency detected: phase-a -> phase-b -> phase-c -> phase-a

Steps involved in the cycle:
  1. phase-b depends on phase-a   (feature.yaml:7:12)
  2. phase-c depends on phase-b   (feature.yaml:10:12)
  3. phase-a depends on phase-c   (feature.yaml:4:12)

Fix: remove one dependency to break the cycle.`,
  });
});

test("a thousand errors are enough", async () => {
  const text = Array.from({ length: 3000 }, (_, i) => `- {id: s${i}, rum: x, run: y}`).join("\n");
  const diagnostics = await diagnosticsOf(text);
  expect(diagnostics).toHaveLength(1001);
  expect(diagnostics.at(-1)).toMatchObject({ code: "TooManyErrors", message: "2000 more errors" });
});

test("places inside anchors and merges are the written ones", async () => {
  const text = "x: 1\nsteps:\n- &b {id: a, run: x, timeout: soon}\n- {<<: *b, id: c}\n";
  expect(await errorsOf(text)).toStrictEqual(["UnknownKey 1:1", "InvalidDuration 3:31", "InvalidDuration 3:31"]);
});

test.each([
  ["name: a\nsteps: []\nname: b\n", "plan.yaml", "1:1", "3:1"],
  ["- {id: a, run: x, env: {K: 1, L: {K: 2}, 'K': 3}}", "plan.yaml", "1:25", "1:42"],
  ['{"steps":[{"id":"a",\n"run":"x","run":"y"}]}', "plan.json", "2:1", "2:11"],
  ['{"steps":[1],\n "a":{"steps":2},"st\\u0065ps":[]}', "plan.json", "1:2", "2:18"],
])("a key that is used twice is told with both places: %j", async (text, file, first, second) => {
  const [found] = await diagnosticsOf(text, { file });
  expect(found).toMatchObject({
    code: "DuplicateKey",
    message: expect.stringContaining(`its first use is at ${first}`),
  });
  expect(`${found?.line}:${found?.column}`).toBe(second);
});

/** Of every kind, nested too; what fits somewhere is no error there. */
const VALUES = ["3", "-1", "''", "soon", "true", "null", "[3]", "[[]]", "{a: 3}", "{a: {b: [3]}}", "{rules: [3]}"];

test("a value that fits nowhere is told what is wanted there", async () => {
  const said = new Set<string>();
  for (const value of VALUES) {
    const plans = [
      ...Object.keys(STEP_KEYS).map((key) => `steps: [{id: a, ${key}: ${value}, description: x}]`),
      ...["permissions", "sandbox", "limits", "expect", "retry"].map(
        (key) => `steps: [{id: a, agent: {prompt: x, ${key}: ${value}}}]`,
      ),
      ...[
        "params",
        "timeout",
        "resources",
        "agents",
        "notify",
        "defaults",
        "budget",
        "limits",
        "failure",
        "maxConcurrency",
      ].map((key) => `${key}: ${value}\nsteps: [{id: a, run: x}]`),
      ...["default", "permissions", "sandbox", "limits", "use", "worktrees", "land", "verify", "setup"].map(
        (key) => `agents: {${key}: ${value}}\nsteps: [{id: a, run: x}]`,
      ),
    ];
    for (const plan of plans) for (const { message } of await diagnosticsOf(plan)) said.add(message);
  }
  expect([...said].filter((message) => /invalid input/i.test(message))).toEqual([]);
});

test.each([
  "deps.a.status == 'skipped' || 'failed' == deps.a.status",
  "deps.a.status in ['succeeded', 'cached', 'cancelled']",
  "deps.a.output.status == 'success'",
  "params.m[deps.a.status] == 'success'",
  "deps.a.status + '!' == 'success'",
  "deps.?a.?status.orValue('') != ''",
  "deps.a.status != ''",
  "{'status': 'ok'}.status == 'ok'",
])("a status is compared with a status: %s", async (condition) => {
  const text = `params: {m: {type: json, default: {}}}\nsteps:\n- {id: a, run: x}\n- {id: b, run: x, deps: [a], if: "${condition}"}\n`;
  expect(await errorsOf(text)).toEqual([]);
});
