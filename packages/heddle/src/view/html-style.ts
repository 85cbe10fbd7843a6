/**
 * Style sheet of the report page. Colours are those of seven families, which stay apart for every kind of colour vision; text is in the
 * foreground colour. A test computes the contrasts, and the hash by which the page's policy allows this sheet alone.
 */
import { FAMILIES, FAMILY_OF } from "./glyphs.ts";

/** `--panel` is what glyphs, bars and boxes stand on. */
export const LIGHT: Readonly<Record<string, string>> = {
  bg: "#fbfbfc",
  panel: "#ffffff",
  fg: "#16181d",
  dim: "#5a6270",
  line: "#dfe2e8",
  edge: "#9aa1ad",
  focus: "#0170f6",
  idle: "#84878a",
  active: "#0170f6",
  good: "#0e6c53",
  attention: "#c38618",
  bad: "#9e0302",
  stopped: "#212123",
  human: "#881277",
  "soft-active": "#e6f0fe",
  "soft-attention": "#fbf1de",
  "soft-bad": "#fbe9e8",
  "soft-human": "#f8e8f5",
};

export const DARK: Readonly<Record<string, string>> = {
  bg: "#0e1014",
  panel: "#15181e",
  fg: "#e8eaee",
  dim: "#a0a8b5",
  line: "#2a2f38",
  edge: "#5d6675",
  focus: "#419aff",
  idle: "#9c9e9e",
  active: "#419aff",
  good: "#92f4ad",
  attention: "#f7ae14",
  bad: "#fa2c29",
  stopped: "#d9dde6",
  human: "#d34aac",
  "soft-active": "#10233c",
  "soft-attention": "#33260a",
  "soft-bad": "#35110f",
  "soft-human": "#331229",
};

function variables(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, value]) => `--${name}:${value}`)
    .join(";");
}

function familyRules(): string {
  return FAMILIES.map((family) => {
    const soft = `soft-${family}` in LIGHT ? `;--soft:var(--soft-${family})` : "";
    const statuses = Object.entries(FAMILY_OF).filter(([, of]) => of === family);
    return `${statuses.map(([status]) => `.${status}`).join(",")}{--c:var(--${family})${soft}}`;
  }).join("\n");
}

export const HTML_STYLE: string = `
:root{color-scheme:light dark;--shade:1;${variables(LIGHT)}}
@media(prefers-color-scheme:dark){:root{--shade:.6;${variables(DARK)}}}
${familyRules()}
*{box-sizing:border-box}html{scroll-padding-top:16px}
body{margin:0 auto;max-width:1240px;padding:24px 20px 64px;background:var(--bg);color:var(--fg);font:14px/21px Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{margin:0;font-size:20px;line-height:28px;overflow-wrap:anywhere}h2{margin:0 0 10px;font-size:16px;line-height:24px}h3{margin:0;font-size:14px;line-height:21px;overflow-wrap:anywhere}
p{margin:0}a{color:inherit;text-underline-offset:2px}a:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:3px}
code,pre{font:12px/18px "JetBrains Mono",ui-monospace,monospace}
.dim,dt,th{color:var(--dim)}.shapes{position:absolute;width:0;height:0}
.f{fill:var(--c)}.o{fill:none;stroke:var(--c);stroke-width:1.6}.o.b{stroke-width:2.2;stroke-linecap:round}.o.t{stroke-width:2.4;stroke-opacity:.35}.o.d{stroke-dasharray:2.6 2}
.w{fill:none;stroke:var(--panel);stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.glyph{width:16px;height:16px;flex:none;vertical-align:-3px}
.title{display:flex;flex-wrap:wrap;align-items:center;gap:6px 12px}.pill{display:inline-flex;align-items:center;gap:6px;padding:1px 10px 1px 7px;border:1px solid var(--line);border-radius:12px;background:var(--panel);font-weight:500}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:12px 20px;margin:18px 0 14px}dt{font-size:12px;line-height:16px}dd{margin:0;font-size:16px;line-height:22px;font-weight:600}
.share{display:block;width:100%;height:8px;border-radius:4px}.share rect,.bar{fill:var(--c)}.share .cached,.bar.cached{fill:url(#hatch)}.hatch{stroke:var(--good);stroke-width:2.5}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;padding:0;list-style:none;font-size:12.5px;color:var(--dim)}.legend li{display:inline-flex;align-items:center;gap:6px}
.legend svg.key{width:28px;height:10px}nav{margin:16px 0 0}nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0;padding:0;list-style:none}
section{margin-top:32px}.panel{background:var(--panel);border:1px solid var(--line);border-radius:8px}.scroll{overflow:auto;max-height:80vh}
.card{padding:12px 14px;border-left:3px solid var(--c);background:var(--soft,var(--panel))}.card+.card{border-top:1px solid var(--line)}.cards{overflow:hidden}
.card h3{display:flex;gap:8px;align-items:center}.card h3 .glyph{margin-top:1px}.card p{margin-top:4px;overflow-wrap:anywhere;white-space:pre-wrap}
pre{margin:10px 0 0;padding:10px 12px;max-height:340px;overflow:auto;background:var(--panel);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
.graph{display:block}.graph text{font-size:13px;fill:var(--fg)}.graph .id{font-weight:600}.graph .dim{font-size:11.5px;fill:var(--dim)}
.edge{fill:none;stroke:var(--edge);stroke-width:1.2}.edge.after{stroke-dasharray:5 4}.edge.path{stroke:var(--fg);stroke-width:2.6}
.box{fill:var(--panel);stroke:var(--c);stroke-width:1.3}.failed>.box,.running>.box,.retrying>.box,.interrupted>.box,.needs-approval>.box,.needs-resolution>.box{fill:var(--soft);stroke-width:1.8}
.waiting>.box,.skipped>.box{stroke:var(--edge)}.waiting>.box{stroke-dasharray:4 3}.succeeded>.box,.cached>.box{stroke:var(--edge)}.onpath>.box{stroke:var(--fg);stroke-width:2.6}
.graph a{text-decoration:none}.graph a:focus-visible{outline:none}.graph a:focus-visible .box{stroke:var(--focus);stroke-width:3.5;stroke-dasharray:none}
.rows{margin:0;padding:8px 14px;list-style:none;min-width:0}.rows li{display:grid;grid-template-columns:minmax(120px,22%) 1fr 96px;gap:12px;align-items:center;height:26px}
.rows .name{display:flex;gap:7px;align-items:center;min-width:0;text-decoration:none}.rows .name span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.rows .name:hover span{text-decoration:underline}
.onpath .name{font-weight:600}.track{display:block;width:100%;height:22px;overflow:visible}.grid{stroke:var(--line)}.bar{stroke:var(--c);stroke-width:1.5;fill-opacity:var(--shade)}.bar.running{fill-opacity:calc(var(--shade)*.75)}
.under{stroke:var(--fg);stroke-width:2}.axis text{font-size:11.5px;fill:var(--dim)}.axis .end{text-anchor:end}.axis .mid{text-anchor:middle}.took{text-align:right;color:var(--dim);white-space:nowrap;overflow:hidden}
table{border-collapse:collapse;width:100%}th{padding:8px 12px;text-align:left;font-size:12px;font-weight:500;position:sticky;top:0;background:var(--panel)}td{padding:7px 12px;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;white-space:nowrap}td:first-child{min-width:150px}.who{display:flex;gap:8px}.who .glyph{margin-top:3px}.who b{font-weight:600}tr:target td{background:var(--soft-active)}
.inside .who{padding-left:22px}td .dim{display:block;font-size:12.5px;line-height:18px}.state{white-space:nowrap}
@media(max-width:700px){body{padding:16px 12px 48px}.rows li{grid-template-columns:1fr auto;height:auto;padding:6px 0 10px;gap:3px 12px}.rows li.axis{padding:0}.rows .track{grid-column:1/-1;grid-row:2}.took{width:auto}.axis .name,.axis .took{display:none}
thead{display:none}tr{display:grid;grid-template-columns:1fr auto;padding:9px 12px;border-top:1px solid var(--line)}td{border:0;padding:0}td.layer,td.tries{display:none}td.state{grid-row:2;color:var(--dim);padding-left:24px}td.time{grid-row:1;grid-column:2}td.note{grid-column:1/-1;padding-left:24px}td.note:empty{display:none}.inside td.state,.inside td.note{padding-left:46px}.scroll.free{max-height:none}}
@media print{body{max-width:none}.scroll,pre{max-height:none;overflow:visible}nav{display:none}}
`;

/** Of the sheet's text, for the page's Content-Security-Policy. */
export const HTML_STYLE_HASH = "sha256-LXNFdaeR1XCabRJhXjMp6ivCi7fZcNrRJco0w5hOEvI=";
