/**
 * Draws docs/demo.svg: runs a command in a terminal of tmux, looks at it twice a second, and makes an animated picture of what
 * stood there. Text stays text, so that the picture is sharp, small and readable to programs.
 *
 * `node scripts/picture.ts [OUT [COMMAND]]`; needs tmux.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const root = path.resolve(import.meta.dirname, "..");
const out = process.argv[2] ?? path.join(root, "docs/demo.svg");
const command = process.argv[3] ?? "npx heddle run examples/full-stack/heddle.yaml";

const COLUMNS = 88;
const ROWS = 20;
const FRAME_MS = 500;
/** A command that takes longer is cut off. */
const MOST_FRAMES = 60;
/** How long the last frame stays. */
const LAST_MS = 5000;

const CHARACTER_PX = 8.43;
const LINE_PX = 19;
const MARGIN_PX = 16;
const BAR_PX = 30;

const COLOURS = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4"];
const BRIGHT = ["#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"];

interface Style {
  readonly colour?: string;
  readonly bold?: true;
  readonly dim?: true;
}

interface Span {
  readonly text: string;
  readonly style: Style;
}

function tmux(session: string, ...args: readonly string[]): string {
  return execFileSync("tmux", ["-L", session, "-f", "/dev/null", ...args], { encoding: "utf8", cwd: root });
}

/** What stood in the terminal, twice a second, from the command's start to its end. */
async function record(): Promise<readonly string[]> {
  const session = `picture-${process.pid}`;
  const size = ["-x", String(COLUMNS), "-y", String(ROWS)];
  // `remain-on-exit` keeps the last picture; the loop ends when the pane is dead.
  tmux(
    session,
    "new-session",
    "-d",
    ...size,
    "sh",
    "-c",
    `printf '$ %s\\n' '${command}'; ${command}`,
    ";",
    "set",
    "remain-on-exit",
    "on",
  );
  const frames: string[] = [];
  try {
    for (let frame = 0; frame < MOST_FRAMES; frame++) {
      await wait(FRAME_MS);
      const isDead = tmux(session, "display-message", "-p", "#{pane_dead}").trim() === "1";
      frames.push(
        tmux(session, "capture-pane", "-e", "-p")
          .replace(/^.*Pane is dead.*$/m, "")
          .trimEnd(),
      );
      if (isDead) break;
    }
  } finally {
    tmux(session, "kill-server");
  }
  return frames;
}

/** A line with colours as pieces of one style each. */
function spansOf(line: string, start: Style): { readonly spans: readonly Span[]; readonly end: Style } {
  const spans: Span[] = [];
  let style = start;
  let at = 0;
  // oxlint-disable-next-line no-control-regex -- this is what colours are made of
  for (const match of line.matchAll(/\u001b\[([\d;]*)m|\u001b[()][A-Z0-9]|\u000f/g)) {
    if (match.index > at) spans.push({ text: line.slice(at, match.index), style });
    if (match[1] !== undefined) style = styled(style, match[1]);
    at = match.index + match[0].length;
  }
  if (at < line.length) spans.push({ text: line.slice(at), style });
  return { spans, end: style };
}

function styled(style: Style, codes: string): Style {
  let now = style;
  for (const code of codes.split(";").map(Number)) {
    const { colour, ...rest } = now;
    if (code === 0) now = {};
    else if (code === 1) now = { ...now, bold: true };
    else if (code === 2) now = { ...now, dim: true };
    else if (code === 22) now = colour === undefined ? {} : { colour };
    else if (code === 39) now = rest;
    else if (code >= 30 && code <= 37) now = withColour(rest, COLOURS[code - 30]);
    else if (code >= 90 && code <= 97) now = withColour(rest, BRIGHT[code - 90]);
  }
  return now;
}

function withColour(style: Style, colour: string | undefined): Style {
  return colour === undefined ? style : { ...style, colour };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function spanSvg({ text, style }: Span): string {
  const attributes = [
    style.colour === undefined ? "" : ` fill="${style.colour}"`,
    style.bold === true ? ' font-weight="bold"' : "",
    style.dim === true ? ' opacity="0.6"' : "",
  ].join("");
  return attributes === "" ? escaped(text) : `<tspan${attributes}>${escaped(text)}</tspan>`;
}

function frameSvg(frame: string): string {
  let style: Style = {};
  return frame
    .split("\n")
    .map((line, row) => {
      const { spans, end } = spansOf(line, style);
      style = end;
      const text = spans.map(spanSvg).join("");
      return text.trim() === "" ? "" : `<text x="${MARGIN_PX}" y="${BAR_PX + LINE_PX * (row + 1)}">${text}</text>`;
    })
    .join("");
}

/** Each frame is seen from its time to the next one's; without animation the last one is. */
function animation(starts: readonly number[], total: number): string {
  const percent = (ms: number): string => `${((100 * ms) / total).toFixed(2)}%`;
  const rules = starts.map((start, i) => {
    const end = starts[i + 1] ?? total;
    const before = start === 0 ? "" : "0%{visibility:hidden}";
    const after = end === total ? "" : `${percent(end)}{visibility:hidden}`;
    return `@keyframes k${i}{${before}${percent(start)}{visibility:visible}${after}}#f${i}{animation:k${i} ${total}ms step-end infinite}`;
  });
  const last = starts.length - 1;
  return `.f{visibility:hidden}#f${last}{visibility:visible}@media (prefers-reduced-motion:no-preference){${rules.join("")}}`;
}

function svg(frames: readonly string[]): string {
  const kept: string[] = [];
  const starts: number[] = [];
  for (const [i, frame] of frames.entries()) {
    if (frame === kept.at(-1) || (frame.trim() === "" && kept.length === 0)) continue;
    kept.push(frame);
    starts.push(i * FRAME_MS);
  }
  const first = starts[0] ?? 0;
  const total = (starts.at(-1) ?? 0) - first + LAST_MS;
  const rows = Math.max(...kept.map((frame) => frame.split("\n").length));
  const width = Math.ceil(COLUMNS * CHARACTER_PX + 2 * MARGIN_PX);
  const height = BAR_PX + LINE_PX * rows + 2 * MARGIN_PX;
  const dots = ["#ff5f56", "#ffbd2e", "#27c93f"].map(
    (colour, i) => `<circle cx="${18 + 20 * i}" cy="16" r="6" fill="${colour}"/>`,
  );
  const groups = kept.map((frame, i) => `<g class="f" id="f${i}">${frameSvg(frame)}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" xml:space="preserve">
<title>heddle runs a plan: independent steps run at the same time</title>
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}${animation(
    starts.map((start) => start - first),
    total,
  )}</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>${dots.join("")}
${groups.join("\n")}
</svg>
`;
}

const frames = await record();
writeFileSync(out, svg(frames));
console.log(`${path.relative(process.cwd(), out)}: ${frames.length} frames`);
