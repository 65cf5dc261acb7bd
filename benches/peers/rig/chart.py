"""Bars in SVG that follow the reader's light or dark page."""

from __future__ import annotations

from html import escape
from statistics import median

from .run import Cost

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; } .value { fill: #59636e; }
  .bar { fill: #9aa7b4; } .ours { fill: #1a7f6b; } .limit { fill: none; stroke: #9aa7b4; stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .value { fill: #9198a1; }
    .bar { fill: #545d68; } .ours { fill: #3fb89c; } .limit { stroke: #768390; }
  }
"""
WIDTH, LABEL, ROW = 720, 150, 24


def chart(title: str, costs: dict[str, list[Cost]]) -> str:
    """Wall times of the programs, the quickest first."""
    bars = sorted((median(cost.wall for cost in runs), name) for name, runs in costs.items())
    longest = bars[-1][0]
    height = 40 + ROW * len(bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img"'
        f' viewBox="0 0 {WIDTH} {height}" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
    ]
    for row, (seconds, name) in enumerate(bars):
        top = 30 + ROW * row
        width = max(2.0, seconds / longest * (WIDTH - LABEL - 80))
        kind = "ours" if name == "popfetch" else "limit" if name.startswith("limit") else "bar"
        parts += [
            f'<text x="{LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LABEL}" y="{top + 2}" width="{width:.1f}" height="{ROW - 8}" rx="2"/>',
            f'<text class="value" x="{LABEL + width + 6:.1f}" y="{top + 14}">{seconds:.2f} s</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
