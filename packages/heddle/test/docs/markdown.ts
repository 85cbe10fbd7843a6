/** What the tests of the documentation read out of Markdown: blocks of code with what stands behind their fence, headings, links. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

export const ROOT: string = path.resolve(import.meta.dirname, "../../../..");

export interface Block {
  readonly language: string;
  /** The other words behind the fence. */
  readonly words: readonly string[];
  readonly text: string;
  /** Of the fence, from 1. */
  readonly line: number;
}

/** Pages that people read, relative to the root. */
export const PAGES: readonly string[] = globSync(
  [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "examples/README.md",
    "packages/heddle/README.md",
    "docs/*.md",
    "docs/{guide,guide/agents,reference,adr}/*.md",
  ],
  { cwd: ROOT },
)
  .map((file) => file.replaceAll(path.sep, "/"))
  .sort();

export function readPage(page: string): string {
  return readFileSync(path.join(ROOT, page), "utf8");
}

export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open:
    | { readonly fence: string; readonly info: string; readonly line: number; readonly lines: string[] }
    | undefined;
  for (const [i, line] of readPage(page).split("\n").entries()) {
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { fence: fence[1] ?? "", info: fence[2] ?? "", line: i + 1, lines: [] };
    } else if (fence !== null && fence[2]?.trim() === "" && (fence[1] ?? "").startsWith(open.fence)) {
      const [language = "", ...words] = open.info.trim().split(/\s+/);
      blocks.push({ language, words, text: open.lines.map((each) => `${each}\n`).join(""), line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** The value of `name=value` behind the fence. */
export function valueOf(block: Block, name: string): string | undefined {
  return block.words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^ {0,3}(```+|~~~+)[\s\S]*?^ {0,3}\1\s*$/gm, "");
}

/** Targets of links and pictures, without those into the web. */
export function linksOf(page: string): readonly string[] {
  const text = withoutBlocks(readPage(page)).replaceAll(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)|<img[^>]*src="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? "")
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Headings as the names that links may use behind `#`. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const headings = withoutBlocks(readPage(page)).matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
