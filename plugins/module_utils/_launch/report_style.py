# Private to awsome.training: its API may change without notice.
"""The style sheet of the report: light, dark and paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1a1f29;--soft:#5b6472;--rule:#dfe3e8;
--good:#15803d;--bad:#b91c1c;--one:#2563eb;--two:#c2410c;--share0:#94a3b8;--share1:#2563eb;--share2:#7c3aed;
--share3:#0d9488;--share4:#d4d9e0}
@media (prefers-color-scheme:dark){:root{--paper:#12151b;--card:#1b2029;--ink:#e8ebf0;--soft:#9aa4b2;
--rule:#2d3440;--good:#4ade80;--bad:#f87171;--one:#60a5fa;--two:#fb923c;--share0:#64748b;--share1:#60a5fa;
--share2:#a78bfa;--share3:#2dd4bf;--share4:#3a4250}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:860px;margin:0 auto;padding:32px 20px 64px}
header{border-left:6px solid var(--good);padding-left:18px;margin-bottom:24px}
header.bad{border-color:var(--bad)}
header p{margin:0;overflow-wrap:anywhere}
.what{color:var(--soft)}
h1{margin:0 0 4px;font-size:30px;line-height:1.2;color:var(--good)}
.bad h1{color:var(--bad)}
h2{font-size:17px;margin:0 0 10px}
section{margin:28px 0 0;break-inside:avoid}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(180px,1fr));gap:10px;margin:0}
.tiles div{background:var(--card);border-radius:8px;padding:10px 14px}
dt{color:var(--soft);font-size:13px}
dd{margin:0;font-size:20px;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;font-size:12px}
svg text{fill:var(--soft)}
.grid{stroke:var(--rule)}
.end{text-anchor:end}
.middle{text-anchor:middle}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line.one{stroke:var(--one)}
.line.two{stroke:var(--two)}
.dot.one,svg text.one{fill:var(--one)}
.dot.two,svg text.two{fill:var(--two)}
.label{font-weight:600}
.bar{display:flex;height:26px;border-radius:6px;overflow:hidden;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.share{display:block}
.share0{background:var(--share0)}
.share1{background:var(--share1)}
.share2{background:var(--share2)}
.share3{background:var(--share3)}
.share4{background:var(--share4)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 22px;padding:0;margin:10px 0 0;font-size:14px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;
print-color-adjust:exact;-webkit-print-color-adjust:exact}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:0 32px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid var(--rule);
overflow-wrap:anywhere}
th{font-weight:400;color:var(--soft);width:34%}
.nodes{margin:0;padding-left:28px;font-size:14px;columns:14em}
pre{background:var(--card);border-left:4px solid var(--bad);padding:12px 14px;margin:0;font-size:13px;line-height:1.45;
white-space:pre-wrap;overflow-wrap:anywhere}
@media print{:root{color-scheme:light;--paper:#fff;--card:#f2f3f5;--ink:#000;--soft:#444;--rule:#ccc;
--good:#15803d;--bad:#b91c1c;--one:#2563eb;--two:#c2410c;--share0:#94a3b8;--share1:#2563eb;--share2:#7c3aed;
--share3:#0d9488;--share4:#d4d9e0}
main{padding:0;max-width:none}}
""".strip()
