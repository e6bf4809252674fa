"""Draw the charts of the documents from figures.toml: `make charts`.

Plain SVG, so that they are sharp at any size, need no library and follow the reader's dark mode.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
CHARTS = HERE.parent / "charts"

WIDTH = 720
LEFT = 250  # of the bars
RIGHT = 70
ROW = 26
TOP = 44
BOTTOM = 16

_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.group { font-weight: 600 }
.bar { fill: #00897b } .span { fill: #80cbc4 }
.one { stroke: #d1495b; stroke-width: 1.5; stroke-dasharray: 4 3 }
.note { font-size: 12px; fill: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9da7b1 }
  .bar { fill: #26a69a } .span { fill: #80cbc4 } .one { stroke: #ff8fa3 }
}"""


class Bar(NamedTuple):
    """One bar: from nothing to `low`, and paler on to `high` where runs differ."""

    label: str
    low: float
    high: float


def figures() -> dict[str, Any]:
    """Return the figures that are kept."""
    return tomllib.loads((HERE / "figures.toml").read_text(encoding="utf-8"))


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def speeds() -> list[Bar]:
    """Return times PyMongo's speed: what the README shows."""
    kept = figures()
    bars = []
    for action in ("encode", "decode"):
        mean = geometric_mean(kept["codec"][action]["CPython 3.11"])
        bars.append(Bar(f"{action} BSON, six documents", mean, mean))
    for name, case in kept["driver"].items():
        pymongo, ours, _ = case["us"]
        low, high = case.get("times", [pymongo / ours] * 2)
        bars.append(Bar(name.replace("`", "").removesuffix(", a document"), low, high))
    return bars


def codec(action: str) -> list[Bar]:
    """Return times PyMongo's speed for each document and interpreter."""
    kept = figures()["codec"]
    rows = []
    for number, document in enumerate(kept["documents"]):
        for interpreter, values in kept[action].items():
            label = f"{document}, {interpreter}"
            rows.append(Bar(label, values[number], values[number]))
    return rows


def chart(title: str, bars: list[Bar]) -> str:
    """Return an SVG with a bar for each figure, and a line at PyMongo's speed."""
    height = TOP + ROW * len(bars) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / max(bar.high for bar in bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        parts += _bar(bar, TOP + ROW * number, scale)
    one = LEFT + scale
    parts.append(
        f'<line class="one" x1="{one:.1f}" y1="{TOP - 6}" x2="{one:.1f}" y2="{height - 8}"/>'
    )
    parts.append(f'<text class="note" x="{one - 4:.1f}" y="{TOP - 9}">PyMongo = 1</text>')
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: Bar, top: int, scale: float) -> list[str]:
    middle = top + ROW / 2 + 4
    told = f"{bar.low:.1f}" if bar.low == bar.high else f"{bar.low:.1f} to {bar.high:.1f}"
    rest = (bar.high - bar.low) * scale
    place = f'y="{top + 4}" height="{ROW - 8}"'
    return [
        f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="bar" x="{LEFT}" {place} width="{bar.low * scale:.1f}"/>',
        f'<rect class="span" x="{LEFT + bar.low * scale:.1f}" {place} width="{rest:.1f}"/>',
        f'<text x="{LEFT + bar.high * scale + 6:.1f}" y="{middle}">{told}</text>',
    ]


def charts() -> dict[str, str]:
    """Return the charts by the names of their files."""
    return {
        "speed.svg": chart("Times PyMongo's speed (CPython 3.11)", speeds()),
        "encode.svg": chart("Encoding: times PyMongo's speed", codec("encode")),
        "decode.svg": chart("Decoding: times PyMongo's speed", codec("decode")),
    }


if __name__ == "__main__":
    for name, text in charts().items():
        (CHARTS / name).write_text(text, encoding="utf-8")
