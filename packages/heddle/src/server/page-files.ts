/**
 * Page files: what the build made of the pages, read from its folder once, by name. A name that is not listed there is not served: no part of
 * an address becomes a path.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);

/** What browsers are told of a file. */
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Fonts are compressed already. */
const COMPRESSED = /^(?:text\/|image\/svg)/;

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Absent: it would not be smaller. */
  readonly gzipped?: Uint8Array<ArrayBuffer>;
}

/** Where the package has the pages that it was built with. */
export function builtPages(): string {
  return fileURLToPath(
    new URL(import.meta.url.endsWith(".ts") ? "../../dist/dashboard" : "./dashboard", import.meta.url),
  );
}

export class PageFiles {
  readonly #folder: string;
  #names: Promise<ReadonlySet<string>> | undefined;
  readonly #files = new Map<string, Promise<PageFile>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The one document of all page addresses; `undefined`: there is no build. */
  index(): Promise<PageFile | undefined> {
    return this.#file("index.html");
  }

  /** A file of the build by its name, which has a hash of its content. */
  asset(name: string): Promise<PageFile | undefined> {
    return this.#file(`assets/${name}`);
  }

  async #file(name: string): Promise<PageFile | undefined> {
    this.#names ??= namesIn(this.#folder);
    const names = await this.#names;
    // Pages that are built while the server runs are found then.
    if (names.size === 0) this.#names = undefined;
    if (!names.has(name)) return undefined;
    let file = this.#files.get(name);
    if (file === undefined) {
      file = read(path.join(this.#folder, name));
      // A disk that fails now may answer later.
      file.catch(() => this.#files.delete(name));
      this.#files.set(name, file);
    }
    return file;
  }
}

/** Those whose type is known; empty: there is no build. */
async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    const [pages, assets] = await Promise.all([readdir(folder), readdir(path.join(folder, "assets"))]);
    const names = [...pages.filter((name) => name === "index.html"), ...assets.map((name) => `assets/${name}`)];
    return new Set(names.filter((name) => path.extname(name) in TYPES));
  } catch {
    return new Set();
  }
}

async function read(file: string): Promise<PageFile> {
  const type = TYPES[path.extname(file)] ?? "application/octet-stream";
  const bytes = new Uint8Array(await readFile(file));
  return COMPRESSED.test(type) ? { type, bytes, gzipped: new Uint8Array(await compress(bytes)) } : { type, bytes };
}
