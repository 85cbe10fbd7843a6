/** Builds the pages into a folder, and names the modules that are in them. */
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

export interface BuiltDashboard {
  /** Files whose content is in it. */
  readonly modules: readonly string[];
  /** Bytes after gzip of what a first visit loads, and of the chunks that are loaded later. */
  readonly sizes: {
    readonly script: number;
    readonly style: number;
    readonly fonts: number;
    readonly later: Readonly<Record<string, number>>;
  };
}

export async function buildDashboard(outDir: string): Promise<BuiltDashboard> {
  const built = await build({
    configFile: path.join(import.meta.dirname, "vite.config.ts"),
    logLevel: "warn",
    build: { outDir },
  });
  const { output } = built as Rolldown.RolldownOutput;
  let script = 0;
  let style = 0;
  let fonts = 0;
  const later: Record<string, number> = {};
  const modules: string[] = [];
  const chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])));
  const first = withImports(
    chunks,
    [...chunks.values()].filter((chunk) => chunk.isEntry).map(({ fileName }) => fileName),
  );
  // Styles of what the first page loads; those of parts come with them.
  const firstStyles = new Set([...first].flatMap((name) => [...(chunks.get(name)?.viteMetadata?.importedCss ?? [])]));
  for (const file of output) {
    if (file.type === "chunk") {
      modules.push(...file.moduleIds);
      const bytes = gzipSync(file.code).length;
      if (first.has(file.fileName)) script += bytes;
      else later[file.name] = (later[file.name] ?? 0) + bytes;
      continue;
    }
    // Of fonts, for their licences.
    modules.push(...file.originalFileNames.map((name) => path.resolve(import.meta.dirname, name)));
    const isFirst = firstStyles.has(file.fileName);
    if (file.fileName.endsWith(".css") && isFirst) style += gzipSync(file.source).length;
    else if (file.fileName.endsWith(".css")) later[path.basename(file.fileName)] = gzipSync(file.source).length;
    else if (file.fileName.endsWith(".woff2")) fonts += file.source.length;
    else if (file.fileName.endsWith(".js")) later[path.basename(file.fileName)] = gzipSync(file.source).length;
  }
  return { modules, sizes: { script, style, fonts, later } };
}

/** The chunks with those that they load before they run. */
function withImports(chunks: ReadonlyMap<string, Rolldown.OutputChunk>, names: readonly string[]): ReadonlySet<string> {
  const found = new Set(names);
  for (const name of found) for (const imported of chunks.get(name)?.imports ?? []) found.add(imported);
  return found;
}
