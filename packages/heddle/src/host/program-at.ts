/** Program finder: where a program of ours lies that is started by its path. */

/** A program of ours: `PATH.ts` among the sources, from here; in the bundle, where all files lie side by side, `NAME.js`. */
export function programAt(path: string): URL {
  const inBundle = `./${path.slice(path.lastIndexOf("/") + 1)}.js`;
  return new URL(import.meta.url.endsWith(".ts") ? `${path}.ts` : inBundle, import.meta.url);
}
