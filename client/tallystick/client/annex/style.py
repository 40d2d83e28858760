"""How a result's page looks: on a wide screen, on a phone, on paper."""

from __future__ import annotations

from typing import Final

GROUPS: Final = (
    ".groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); gap: 12px 20px; }"
)
STYLE: Final = (
    GROUPS
    + """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #ffffff; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #767676; }
.lead { font-size: 1.1rem; margin: .25rem 0; overflow-wrap: anywhere; } .facts { color: #4d4d4d; margin: .25rem 0; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1rem 0; } .figures div { min-width: 9rem; }
.figures dt { color: #4d4d4d; } .figures dd { margin: 0; font-size: 2rem; font-weight: 600; line-height: 1.2; }
figure { margin: 1.25rem 0; } figcaption, caption { text-align: left; font-weight: 600; padding: .25rem 0; }
figure svg { width: 100%; height: auto; font-family: system-ui, sans-serif; } .narrow { display: none; }
.scroll { overflow-x: auto; margin: .75rem 0; } .scroll:focus-visible { outline: 2px solid #2b6198; outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #c8c8c8; }
.level, .words td, .words th { text-align: left; } td:last-child, th:last-child { padding-right: 0; }
.words td { overflow-wrap: anywhere; } .level { overflow-wrap: break-word; min-width: 4.5rem; } tbody th { font-weight: 500; }
.notes { padding-left: 1.2rem; margin: .5rem 0; } .method { overflow-wrap: anywhere; }
@media (max-width: 600px) { body { margin: 1rem auto; } h1 { font-size: 1.35rem; } .lead { font-size: 1rem; } th, td { font-size: .9rem; }
  .wide { display: none; } .narrow { display: block; } }
@page { margin: 16mm; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10.5pt; } .wide { display: block; } .narrow { display: none; }
  .scroll { overflow: visible; } svg, tr { break-inside: avoid; } h2, h3, caption, figcaption { break-after: avoid; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
)
