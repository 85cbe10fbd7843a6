/** Packages: tasks of turbo.json and scripts of package.json as steps, with the order that the files give. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plan } from "../../../src/plan/plan.ts";
import { edgesOf, filesOf, imported, type Imported, importedPlan, placeIn, readBack } from "./helpers.ts";

const ROOT = { name: "acme", packageManager: "pnpm@9.1.0", workspaces: ["packages/*", "apps/*"] };

const TURBO = `{
  // comments are kept out
  "tasks": {
    "build": { "dependsOn": ["^build"], "inputs": ["$TURBO_DEFAULT$", "$TURBO_ROOT$/a.json"], "outputs": ["dist/**"], "env": ["API_URL", "NEXT_*"] },
    "test": { "dependsOn": ["build"], "outputLogs": "new-only", },
    "lint": { "dependsOn": ["^lint"], "cache": false },
    "//#format": {}, /* of the root */
    "web#e2e": { "dependsOn": ["build", "//#format", "docs#build", "$CI"] },
    "dev": { "persistent": true },
  },
}
`;

const MEMBERS = {
  "packages/ui/package.json": {
    name: "@acme/ui",
    scripts: { build: "tsc", lint: "eslint" },
    dependencies: { "@acme/utils": "workspace:*" },
  },
  "packages/utils/package.json": { name: "@acme/utils", scripts: { lint: "eslint", test: "vitest" } },
  "packages/core/package.json": { name: "@acme/core", scripts: { build: "tsc" } },
  "apps/web/package.json": {
    name: "web",
    scripts: { build: "next build", test: "vitest", e2e: "playwright", dev: "next dev", start: "next start" },
    dependencies: { "@acme/ui": "workspace:*", react: "19" },
  },
  "apps/docs/package.json": {
    name: "docs",
    scripts: { build: "next build" },
    devDependencies: { "@acme/ui": "*", "@acme/core": "npm:core@1" },
  },
};

function withRoot(scripts: object, turbo: unknown = TURBO): Record<string, unknown> {
  return { ...MEMBERS, "package.json": { ...ROOT, scripts }, "turbo.json": turbo };
}

async function importedFrom(files: Record<string, unknown>, file = "turbo.json", lenient = false): Promise<Imported> {
  const content = files[file];
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return imported(text, file, { beside: filesOf(files), lenient });
}

function commandsOf(plan: Plan | undefined): readonly string[] {
  return (plan?.steps ?? []).map(({ id, action, cwd }) => {
    const what = action.kind === "run" ? action.command : action.kind;
    return `${id}: ${what}${cwd === undefined ? "" : ` in ${cwd}`}`;
  });
}

test.each(["turbo.json", "package.json"])(
  "a peer dependency gives no order, as in turbo, and is said: %s",
  async (file) => {
    const files = (extra: object): Record<string, unknown> => ({
      "package.json": { name: "root", workspaces: ["packages/*"] },
      ...(file === "turbo.json" ? { "turbo.json": { tasks: { build: { dependsOn: ["^build"] } } } } : {}),
      "packages/core/package.json": { name: "core", scripts: { build: "x" }, peerDependencies: { plugin: "*" } },
      "packages/plugin/package.json": { name: "plugin", scripts: { build: "x" }, ...extra },
    });
    const peer = await importedFrom(files({ peerDependencies: { core: "*", react: "19" } }), file);
    expect([peer.errors, edgesOf(peer.plan as Plan)]).toEqual([[], []]);
    expect(peer.notes.filter((note) => note.includes("peer dependency"))).toEqual([
      expect.stringContaining('"plugin" is a peer dependency of "core"'),
      expect.stringContaining('"core" is a peer dependency of "plugin"'),
    ]);
    for (const key of ["dependencies", "devDependencies", "optionalDependencies"]) {
      const both = await importedFrom(files({ peerDependencies: { core: "*" }, [key]: { core: "*" } }), file);
      expect(edgesOf(both.plan as Plan)).toEqual(["plugin/build -> core/build"]);
      expect(both.notes.filter((note) => note.includes("peer dependency"))).toHaveLength(1);
    }
  },
);

describe("turbo.json", () => {
  test("a step for each task of each package that has its script, in turbo's order", async () => {
    const files = withRoot({ format: "prettier .", build: "turbo run build" });
    const { plan, notes } = await importedFrom(files);
    expect(plan?.name).toBe("acme");
    expect(commandsOf(plan)).toEqual([
      "ui/build: pnpm run build in packages/ui",
      "ui/lint: pnpm run lint in packages/ui",
      "utils/test: pnpm run test in packages/utils",
      "utils/lint: pnpm run lint in packages/utils",
      "core/build: pnpm run build in packages/core",
      "web/build: pnpm run build in apps/web",
      "web/test: pnpm run test in apps/web",
      "web/e2e: pnpm run e2e in apps/web",
      "docs/build: pnpm run build in apps/docs",
      "format: pnpm run format",
    ]);
    // utils has no build: what waits for it waits for what is behind it, here nothing.
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual([
      "ui/lint -> utils/lint",
      "web/build -> ui/build",
      "web/test -> web/build",
      "web/e2e -> web/build",
      "web/e2e -> format",
      "web/e2e -> docs/build",
      "docs/build -> ui/build",
    ]);
    expect(plan?.steps.find(({ id }) => id === "web/build")).toMatchObject({
      inputs: ["default", "//a.json"],
      outputs: ["dist/**"],
      passEnv: ["API_URL"],
    });
    expect(plan?.steps.find(({ id }) => id === "web/e2e")).toMatchObject({ passEnv: ["CI"] });
    expect(plan?.steps.find(({ id }) => id === "ui/lint")).toMatchObject({ cache: false });
    expect(notes).toEqual([
      "1:1 not imported, since turbo.json does not name them: web/start, build",
      `${placeIn(TURBO, '"NEXT_*"')} not imported: the pattern "NEXT_*" of environment variables`,
      `${placeIn(TURBO, '"outputLogs"')} not imported: "outputLogs" of tasks`,
      `${placeIn(TURBO, '"dev"')} not imported, since they do not end (persistent): web/dev`,
    ]);
    if (plan !== undefined) expect(await readBack(plan)).toEqual(plan);
  });

  test("is found from package.json, and in its older form", async () => {
    const files = withRoot({ format: "prettier ." });
    expect((await importedFrom(files, "package.json")).plan).toEqual((await importedFrom(files)).plan);
    const older = withRoot({}, '{ "pipeline": { "build": { "dependsOn": ["^build", "$TOKEN"] } } }');
    const { plan } = await importedFrom(older);
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual(["web/build -> ui/build", "docs/build -> ui/build"]);
    expect(plan?.steps[0]).toMatchObject({ passEnv: ["TOKEN"] });
  });

  test("of a package goes before that of the root", async () => {
    const files = {
      ...withRoot({}, { tasks: { build: { dependsOn: ["^build"], outputs: ["dist/**"] }, gen: {} } }),
      "apps/web/turbo.json": {
        extends: ["//"],
        tasks: { build: { outputs: ["$TURBO_EXTENDS$", ".next/**"], dependsOn: ["docs#build"] }, start: {} },
      },
    };
    const { plan } = await importedFrom(files);
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual(["web/build -> docs/build", "docs/build -> ui/build"]);
    expect(plan?.steps.find(({ id }) => id === "web/build")?.outputs).toEqual(["dist/**", ".next/**"]);
    expect(commandsOf(plan)).toContain("web/start: pnpm run start in apps/web");
  });

  test("what it names and is not there is refused in its place, lenient a note", async () => {
    const turbo = '{ "tasks": { "build": { "dependsOn": ["biuld", "shop#build"] }, "test": {} } }';
    const files = withRoot({}, turbo);
    expect(await importedFrom(files)).toMatchObject({
      errors: [`UnknownDependency ${placeIn(turbo, '"biuld"')}`, `UnknownDependency ${placeIn(turbo, '"shop#build"')}`],
      diagnostics: [
        { message: '"build" depends on "biuld", and turbo.json has no such task' },
        { message: '"build" depends on "shop#build", and no package has this name' },
      ],
    });
    const lenient = await importedFrom(files, "turbo.json", true);
    expect(lenient.errors).toEqual([]);
    expect(lenient.notes).toContain(
      `${placeIn(turbo, '"biuld"')} "build" depends on "biuld", and turbo.json has no such task; imported without this dependency`,
    );
  });

  test.each([
    ["//#format", "//#format"],
    ["docs#gen", "docs#gen"],
    ["gen", "web#gen"],
    ["^gen", "ui#gen"],
  ])("a script that turbo.json does not name for its package is refused as an order: %s", async (written, meant) => {
    const turbo = `{ "tasks": { "build": { "dependsOn": ["${written}"] }, "format": {}, "lone#gen": {} } }`;
    const files = {
      "package.json": { name: "root", workspaces: ["web", "ui", "docs", "lone"], scripts: { format: "f" } },
      "web/package.json": { name: "web", scripts: { build: "b", gen: "g" }, dependencies: { ui: "*" } },
      "ui/package.json": { name: "ui", scripts: { gen: "g" } },
      "docs/package.json": { name: "docs", scripts: { gen: "g" } },
      "lone/package.json": { name: "lone", scripts: { gen: "g" } },
      "turbo.json": turbo,
    };
    const place = placeIn(turbo, `"${written}"]`);
    const message = `"build" depends on "${written}", and turbo.json has no task "${meant}"`;
    const { errors, diagnostics } = await importedFrom(files);
    expect(new Set(errors)).toEqual(new Set([`UnknownDependency ${place}`]));
    expect(diagnostics).toContainEqual(expect.objectContaining({ message }));
    const lenient = await importedFrom(files, "turbo.json", true);
    expect(lenient.notes).toContain(`${place} ${message}; imported without this dependency`);
  });

  test("a task that does not extend the root's is said: it is imported as one that does", async () => {
    const own = '{ "extends": ["//"], "tasks": { "build": { "extends": false } } }';
    const { notes } = await importedFrom({ ...withRoot({}), "apps/web/turbo.json": own });
    expect(notes).toContainEqual(expect.stringContaining('not imported: "extends" of tasks'));
  });

  test.each(["turbo.json", "package.json"])("folders without a package are said: %s", async (file) => {
    const root = '{ "workspaces": ["packges/*"], "scripts": { "build": "b" } }';
    const turbo = file === "turbo.json" ? { "turbo.json": { tasks: { "//#build": {} } } } : {};
    const { notes } = await importedFrom({ "package.json": root, ...turbo }, file);
    expect(notes).toContainEqual(
      expect.stringContaining("no package found in the folders of the workspace: packges/*"),
    );
  });

  test("a circle is refused where it stands, a task that does not end is waited for by nobody", async () => {
    const circle = '{ "tasks": { "build": { "dependsOn": ["test"] }, "test": { "dependsOn": ["build"] } } }';
    expect((await importedFrom(withRoot({}, circle))).errors).toEqual([`CycleDetected ${placeIn(circle, '"build"]')}`]);
    const endless = '{ "tasks": { "e2e": { "dependsOn": ["dev"] }, "dev": { "persistent": true } } }';
    expect((await importedFrom(withRoot({}, endless))).errors).toEqual([
      `DependsOnLeftOut ${placeIn(endless, '"dev": {')}`,
    ]);
  });

  test("what acts outside waits for a person, what destroys is left out unless its order is given", async () => {
    const turbo = '{ "tasks": { "build": {}, "deploy": { "dependsOn": ["build"] }, "clean": {} } }';
    const scripts = { build: "b", deploy: "d", clean: "rm -rf dist" };
    const files = {
      "package.json": { workspaces: ["a"] },
      "a/package.json": { name: "a", scripts },
      "turbo.json": turbo,
    };
    const { plan, notes } = await importedFrom(files);
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual([
      "a/deploy -> a/build",
      "a/deploy -> approve-deploy",
      "approve-deploy -> a/build",
    ]);
    expect(notes).toEqual([
      `${placeIn(turbo, '"deploy"')} "deploy" acts outside of the repository: its steps wait for the approval "approve-deploy"`,
      `${placeIn(turbo, '"clean"')} not imported: "clean", which nothing depends on, removes what others make`,
    ]);
    const ordered = { ...files, "turbo.json": turbo.replace('"build": {}', '"build": { "dependsOn": ["clean"] }') };
    expect((await importedFrom(ordered)).plan?.steps.map(({ id }) => id)).toContain("a/clean");
  });

  test("every order between two steps is that of turbo's graph, whatever scripts there are", async () => {
    const packages = ["p0", "p1", "p2", "p3"];
    const tasks = ["build", "test", "lint"];
    // Tasks and packages depend on earlier ones: no circles.
    const deps = fc.record({
      packages: fc.tuple(...packages.map((_name, at) => fc.subarray(packages.slice(0, at)))),
      tasks: fc.tuple(
        ...tasks.map((task, at) =>
          fc.subarray([`^${task}`, ...tasks.slice(0, at), ...tasks.slice(0, at).map((name) => `^${name}`)]),
        ),
      ),
      scripts: fc.tuple(...packages.map(() => fc.subarray(tasks))),
    });
    await fc.assert(
      fc.asyncProperty(deps, async (drawn) => {
        const list = packages.map((name, at) => ({
          name,
          deps: drawn.packages[at] ?? [],
          scripts: drawn.scripts[at] ?? [],
        }));
        const files: Record<string, unknown> = {
          "package.json": { workspaces: ["*"] },
          "turbo.json": {
            tasks: Object.fromEntries(tasks.map((task, at) => [task, { dependsOn: drawn.tasks[at] ?? [] }])),
          },
        };
        for (const { name, deps: own, scripts } of list) {
          files[`${name}/package.json`] = {
            name,
            scripts: Object.fromEntries(scripts.map((script) => [script, "x"])),
            dependencies: Object.fromEntries(own.map((dep) => [dep, "*"])),
          };
        }
        // Turbo's graph has a node for each task of each package, with a script or without.
        const direct = new Map<string, readonly string[]>();
        for (const { name, deps: own } of list) {
          for (const [at, task] of tasks.entries()) {
            const targets = (drawn.tasks[at] ?? []).flatMap((dep) =>
              dep.startsWith("^") ? own.map((other) => `${other}/${dep.slice(1)}`) : [`${name}/${dep}`],
            );
            direct.set(`${name}/${task}`, targets);
          }
        }
        const isStep = new Set(list.flatMap(({ name, scripts }) => scripts.map((script) => `${name}/${script}`)));
        const wanted = closureOf(direct).filter((pair) => pair.split(" -> ").every((node) => isStep.has(node)));
        const result = await importedFrom(files);
        if (isStep.size === 0) {
          expect(result.errors).toEqual(["NothingToImport 1:1"]);
          return;
        }
        const plan = result.plan;
        if (plan === undefined) throw new Error(result.errors.join());
        expect(new Set(plan.steps.map(({ id }) => id))).toEqual(isStep);
        expect(closureOf(new Map(plan.steps.map(({ id, deps: own = [] }) => [id, own])))).toEqual(wanted);
      }),
      { numRuns: 150 },
    );
  });
});

function closureOf(direct: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const pairs: string[] = [];
  for (const from of direct.keys()) {
    const seen = new Set<string>();
    const open = [...(direct.get(from) ?? [])];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      pairs.push(`${from} -> ${node}`);
      open.push(...(direct.get(node) ?? []));
    }
  }
  return pairs.toSorted();
}

describe("package.json without turbo.json", () => {
  const scripts = { build: "turbo", release: "publish" };

  test("of a workspace: scripts that build and check, each behind the builds that it needs", async () => {
    const files = { ...MEMBERS, "package.json": { ...ROOT, scripts } };
    const { plan, notes } = await importedFrom(files, "package.json");
    expect(commandsOf(plan)).toEqual([
      "ui/build: pnpm run build in packages/ui",
      "ui/lint: pnpm run lint in packages/ui",
      "utils/lint: pnpm run lint in packages/utils",
      "utils/test: pnpm run test in packages/utils",
      "core/build: pnpm run build in packages/core",
      "web/build: pnpm run build in apps/web",
      "web/test: pnpm run test in apps/web",
      "docs/build: pnpm run build in apps/docs",
    ]);
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual([
      "web/build -> ui/build",
      "web/test -> ui/build",
      "docs/build -> ui/build",
    ]);
    expect(notes.map((note) => note.replace(/^\S+ /, ""))).toEqual([
      "not imported: e2e, dev, start",
      "no file says the order of the scripts: each waits for the build of the packages of the workspace that its own depends on",
      "not imported, since scripts of the root run those of the packages: build, release",
    ]);
  });

  test("of one package, with the package manager of its lock file", async () => {
    const text = JSON.stringify({ name: "one", scripts: { build: "tsc", test: "vitest", deploy: "x" } });
    for (const [lock, manager] of [
      ["package-lock.json", "npm"],
      ["pnpm-lock.yaml", "pnpm"],
      ["yarn.lock", "yarn"],
      ["bun.lock", "bun"],
    ] as const) {
      const plan = await importedPlan(text, "package.json", { beside: filesOf({ [lock]: "" }) });
      expect(commandsOf(plan)).toEqual([`build: ${manager} run build`, `test: ${manager} run test`]);
    }
    expect((await imported(text, "package.json")).notes).toEqual([`${placeIn(text, '{"build"')} not imported: deploy`]);
  });

  test("workspaces of pnpm, and names that differ in their scope alone", async () => {
    const files = {
      "package.json": { name: "acme" },
      "pnpm-workspace.yaml": "packages:\n  - a/*\n",
      "a/x/package.json": { name: "@one/x", scripts: { build: "b" } },
      "a/y/package.json": { name: "@two/x", scripts: { build: "b" }, dependencies: { "@one/x": "*" } },
    };
    const { plan } = await importedFrom(files, "package.json");
    expect(commandsOf(plan)).toEqual(["one/x/build: pnpm run build in a/x", "two/x/build: pnpm run build in a/y"]);
    expect(plan === undefined ? [] : edgesOf(plan)).toEqual(["two/x/build -> one/x/build"]);
  });

  test("packages that depend on each other, or have one name, are refused in their files", async () => {
    const a = '{ "name": "a", "scripts": { "build": "x" }, "dependencies": { "b": "*" } }';
    const b = '{ "name": "b", "scripts": { "build": "x" }, "dependencies": { "a": "*" } }';
    const files = { "package.json": { workspaces: ["*"] }, "a/package.json": a, "b/package.json": b };
    expect((await importedFrom(files, "package.json")).diagnostics).toMatchObject([
      {
        code: "CycleDetected",
        file: "b/package.json",
        column: 63,
        message: "packages depend on each other: a -> b -> a",
      },
    ]);
    const twice = { ...files, "b/package.json": a };
    expect((await importedFrom(twice, "package.json")).diagnostics).toMatchObject([
      { code: "DuplicateStep", file: "b/package.json", message: 'a/package.json already has the name "a"' },
    ]);
  });

  test("without scripts that are taken, or with a package that is no JSON, is refused", async () => {
    const nothing = '{ "name": "a", "scripts": { "dev": "x" } }';
    expect((await imported(nothing, "package.json")).errors).toEqual([
      `NothingToImport ${placeIn(nothing, '{ "dev"')}`,
    ]);
    const files = { "package.json": { workspaces: ["*"] }, "a/package.json": "{" };
    expect((await importedFrom(files, "package.json")).diagnostics).toMatchObject([
      { code: "InvalidJson", file: "a/package.json" },
    ]);
    expect((await imported('{ "tasks": { "build": {} } }', "turbo.json")).diagnostics).toMatchObject([
      { code: "UnknownForm", message: "there is no package.json: it names the packages and the scripts" },
    ]);
  });
});
