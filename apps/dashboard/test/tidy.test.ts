/** Holds the shape of the pages: what they import, what they never do, and that their addresses are those that the server answers. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { PAGE_ROUTES } from "../../../packages/heddle/src/server/routes/page-routes.ts";

const SRC = path.resolve(import.meta.dirname, "../src");

/** Beside their own files: the read models and the client of heddle, and what the pages are made with. */
const PACKAGES =
  /^(?:heddle\/(?:view|client)|react(?:-dom\/client|-dom)?|@base-ui\/react\/[\w-]+|@tanstack\/react-(?:query|router|virtual)|@codemirror\/\w+)$/;

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{][^"';()]*?\bfrom\s*)?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/g;

const sources = globSync("**/*.{ts,tsx,css}", { cwd: SRC })
  .toSorted()
  .map((file) => {
    const text = readFileSync(path.join(SRC, file), "utf8");
    const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
    const imports = file.endsWith(".css") ? [] : [...code.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
    return { file, text, code, imports };
  });
const modules = sources.filter(({ file }) => !file.endsWith(".css"));

test("pages import the read models, the client, and what they are made with, nothing else", () => {
  expect(modules.length).toBeGreaterThan(20);
  const wrong = modules.flatMap(({ file, imports }) =>
    imports.filter((name) => !name.startsWith(".") && !PACKAGES.test(name)).map((name) => `${file} -> ${name}`),
  );
  expect(wrong).toEqual([]);
  const files = new Set(sources.map(({ file }) => file));
  const lost = modules.flatMap(({ file, imports }) =>
    imports
      .filter((name) => name.startsWith("."))
      .map((name) => path.posix.join(path.posix.dirname(file), name))
      .filter((target) => !files.has(target))
      .map((target) => `${file} -> ${target}`),
  );
  expect(lost).toEqual([]);
});

test("imports form no cycle", () => {
  const open = new Map(
    modules.map(({ file, imports }) => [
      file,
      new Set(
        imports
          .filter((name) => /^\..*tsx?$/.test(name))
          .map((name) => path.posix.join(path.posix.dirname(file), name)),
      ),
    ]),
  );
  // What imports nothing more is taken away until nothing is left; what stays is on a cycle, or leads to one.
  for (let before = -1; open.size !== before;) {
    before = open.size;
    for (const [file, targets] of open) if (![...targets].some((target) => open.has(target))) open.delete(file);
  }
  expect([...open.keys()]).toEqual([]);
});

test("every style sheet is loaded, and every file says what it is for", () => {
  const loaded = new Set(
    modules.flatMap(({ file, imports }) => imports.map((name) => path.posix.join(path.posix.dirname(file), name))),
  );
  expect(sources.map(({ file }) => file).filter((file) => file.endsWith(".css") && !loaded.has(file))).toEqual([]);
  expect(modules.filter(({ text }) => !text.startsWith("/**")).map(({ file }) => file)).toEqual([]);
});

test("no text becomes markup or code, nothing comes from elsewhere, and only the client asks the server", () => {
  const forbidden: readonly (readonly [RegExp, RegExp?])[] = [
    [
      /dangerouslySetInnerHTML|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:/,
    ],
    [/https?:\/\/(?!127\.0\.0\.1|localhost|www\.w3\.org)/],
    [/\bdocument\.cookie\b/],
    // The login has no token yet.
    [/\bfetch\(|new WebSocket|new EventSource|XMLHttpRequest|sendBeacon/, /^app\/session\.ts$/],
  ];
  const found = sources.flatMap(({ file, code }) =>
    forbidden
      .filter(([pattern, owner]) => pattern.test(code) && owner?.test(file) !== true)
      .map(([pattern]) => `${file}: ${pattern.source}`),
  );
  expect(found).toEqual([]);
});

test("an exported name exists once", () => {
  const owners = new Map<string, string[]>();
  for (const { file, code } of modules)
    for (const [, name = ""] of code.matchAll(
      /^export (?:async )?(?:function|const|let|class|interface|type(?! \{)) ([\w$]+)/gm,
    ))
      owners.set(name, [...(owners.get(name) ?? []), file]);
  expect(owners.size).toBeGreaterThan(50);
  expect([...owners].filter(([, files]) => files.length > 1)).toEqual([]);
});

test("T25: the router has the addresses that the server answers with the page", () => {
  const router = modules.find(({ file }) => file === "app/router.tsx")?.code ?? "";
  const known = [...router.matchAll(/\bpath: "([^"]+)"/g)].map(([, address = ""]) => address.replaceAll("$", ":"));
  const served = PAGE_ROUTES.filter(({ kind }) => kind === "page").map((route) => route.path);
  expect(known.toSorted()).toEqual(served.toSorted());
});

test("a class has its style where it is used: in its folder, or in what is loaded with it", () => {
  const styled = new Map<string, string[]>();
  for (const { file, code } of sources.filter((one) => one.file.endsWith(".css")))
    for (const [, name = ""] of code.matchAll(/\.([a-z][\w-]*)/g))
      styled.set(name, [...(styled.get(name) ?? []), file]);
  const needs = new Map(
    modules.map(({ file, code }) => [
      file,
      [...code.matchAll(/(?:\bfrom |^import )"(\.[^"]+)"/gm)].map(([, name = ""]) =>
        path.posix.join(path.posix.dirname(file), name),
      ),
    ]),
  );
  const loadedWith = (file: string): ReadonlySet<string> => {
    const found = new Set([file]);
    for (const one of found) for (const other of needs.get(one) ?? []) found.add(other);
    return found;
  };
  const first = loadedWith("main.tsx");
  expect(first.has("ui/base.css")).toBe(true);
  const wrong = modules.flatMap(({ file, code }) => {
    const loaded = loadedWith(file);
    const names = [...code.matchAll(/className=(?:"([^"]*)"|\{`([^`]*)`\})/g)].flatMap(([, plain = "", made = ""]) =>
      // What stands in a template is a name only with a hyphen in it.
      [...`${plain} ${made.replaceAll(/\$\{[^}]*\}/g, " ")}`.matchAll(/[a-z]+(?:-\w+)+/g)].map(([name]) => name),
    );
    return names
      .filter((name) => {
        const places = styled.get(name) ?? [];
        const isLoaded = (place: string): boolean =>
          first.has(place) || loaded.has(place) || path.posix.dirname(place) === path.posix.dirname(file);
        return places.length > 0 && !places.some(isLoaded);
      })
      .map((name) => `${file}: ${name}`);
  });
  expect(wrong).toEqual([]);
});
