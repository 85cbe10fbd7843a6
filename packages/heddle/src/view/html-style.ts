/** Style sheet of the report page. */
export const HTML_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#667085;--line:#d8dee6;--card:#f5f7fa;
--succeeded:#2e9d5b;--cached:#2b7fd0;--failed:#d13438;--cancelled:#9b4dca;--skipped:#98a2b3;--running:#c98a00;--waiting:#c4ccd6;--interrupted:#c98a00}
@media (prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e6e9ee;--dim:#98a2b3;--line:#2d343e;--card:#1c2129;--waiting:#3b4452}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1200px;padding:24px;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:26px}h2{font-size:18px;margin:32px 0 8px}code{font-family:ui-monospace,monospace}
.status{padding:1px 8px;border-radius:9px;background:var(--waiting);color:#fff}
.status.succeeded{background:var(--succeeded)}.status.failed{background:var(--failed)}.status.cancelled{background:var(--cancelled)}
.status.running,.status.interrupted,.status.paused,.status.waiting{background:var(--running)}
.sums{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 8px}
.sums div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
dt{color:var(--dim);font-size:13px}dd{margin:0;font-size:20px;font-variant-numeric:tabular-nums}
.path{color:var(--dim);overflow-wrap:anywhere}.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card)}
svg{display:block;min-width:100%}svg text{font:12px system-ui,sans-serif;fill:var(--fg)}svg .dim{fill:var(--dim)}
svg .grid{stroke:var(--line);stroke-width:1}svg .edge{stroke:var(--dim);stroke-width:1.2;fill:none;opacity:.55}svg .soft{stroke-dasharray:4 3}
svg .box{fill:var(--bg);stroke-width:2}svg .bar{rx:3px}
svg .succeeded{--c:var(--succeeded)}svg .cached{--c:var(--cached)}svg .failed{--c:var(--failed)}svg .cancelled{--c:var(--cancelled)}
svg .skipped{--c:var(--skipped)}svg .running,svg .retrying{--c:var(--running)}svg .interrupted,svg .needs-approval,svg .needs-resolution{--c:var(--interrupted)}svg .waiting{--c:var(--waiting)}
svg .bar{fill:var(--c)}svg .box{stroke:var(--c)}
table{border-collapse:collapse;width:100%;background:var(--bg)}th,td{text-align:left;padding:6px 10px;border-top:1px solid var(--line);vertical-align:top}
th{border-top:0;color:var(--dim);font-weight:600;font-size:13px}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td small{display:block;color:var(--dim)}td{overflow-wrap:anywhere}
.symbol.succeeded{color:var(--succeeded)}.symbol.failed{color:var(--failed)}.symbol.cached{color:var(--cached)}.symbol.cancelled{color:var(--cancelled)}.symbol.skipped{color:var(--skipped)}
@media print{body{max-width:none}}
`;
