/** Build of the pages: one script, one style sheet, two fonts, and chunks, with their styles, for what few visits need. Nothing inline: the policy forbids it. */
import path from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const heddle = path.resolve(import.meta.dirname, "../../packages/heddle");

const ENTRY = path.join(import.meta.dirname, "src/main.tsx");

/** Whether the entry loads the module before it runs: by imports that are no `import()`. */
function isFirst(module: string, infoOf: (id: string) => { readonly importers: readonly string[] } | null): boolean {
  const seen = new Set([module]);
  for (const id of seen) for (const importer of infoOf(id)?.importers ?? []) seen.add(importer);
  return seen.has(ENTRY);
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: {
    alias: {
      "heddle/view": path.join(heddle, "src/view/index.ts"),
      "heddle/client": path.join(heddle, "src/client/index.ts"),
    },
  },
  build: {
    target: "es2023",
    outDir: path.join(heddle, "dist/dashboard"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
    // What the first visit shares with later parts is one file beside the first one, and not a dozen small ones.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: (module, context) => (isFirst(module, (id) => context.getModuleInfo(id)) ? "shared" : null),
              debugName: "shared",
              minShareCount: 2,
            },
          ],
        },
      },
      // Parsers of languages: what imports them uses other parts, and they do not say that they do nothing by themselves.
      treeshake: { moduleSideEffects: [{ test: /node_modules\/@lezer\//, sideEffects: false }] },
    },
  },
  // For work on the pages: `heddle serve` beside it, at its usual port.
  server: { proxy: { "/api": { target: "http://127.0.0.1:4747", ws: true, changeOrigin: true } } },
});
