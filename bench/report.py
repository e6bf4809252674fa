"""Turns timings into JSON, a Markdown report and a plot."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from interleaved import Case, Timing, cpu_ratio, ratio, ratio_above


def row(case: Case, timings: dict[str, Timing]) -> dict[str, Any]:
    """One case's figures: microseconds per operation, and how many times PyMongo's speed."""
    figures: dict[str, Any] = {
        "group": case.group,
        "case": case.name,
        "median_us": {name: timing.median() * 1e6 for name, timing in timings.items()},
        "best_us": {name: timing.best() * 1e6 for name, timing in timings.items()},
        "cpu_us": {name: timing.median_cpu() * 1e6 for name, timing in timings.items()},
        "ratio": ratio(timings, "pymongo", "ours"),
        "cpu_ratio": cpu_ratio(timings, "pymongo", "ours"),
    }
    if "floor" in timings:
        figures["above_floor_ratio"] = ratio_above(timings, "pymongo", "ours", "floor")
    return figures


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    names = ("pymongo", "orjson", "msgspec", "mongodriverx")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in names},
    }


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def table(rows: list[dict[str, Any]]) -> str:
    """One group as a Markdown table."""
    others = [
        name
        for name in ("floor", "orjson", "msgspec", "whole")
        if any(name in r["median_us"] for r in rows)
    ]
    above = any("above_floor_ratio" in r for r in rows)
    head = ["case", "PyMongo µs", "ours µs", *(f"{name} µs" for name in others), "times faster"]
    head += ["times less CPU"] + (["times less above the floor"] if above else [])
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for r in rows:
        median = r["median_us"]
        cells = [r["case"], *(number(median.get(n)) for n in ("pymongo", "ours", *others))]
        cells += [f"{r['ratio']:.2f}", f"{r['cpu_ratio']:.2f}"]
        cells += [number(r.get("above_floor_ratio"))] if above else []
        lines.append("| " + " | ".join(cells) + " |")
    lines.append(f"\nGeometric mean: {geometric_mean(r['ratio'] for r in rows):.2f} times faster.")
    return "\n".join(lines)


def markdown(rows: list[dict[str, Any]]) -> str:
    """The whole report."""
    about = ", ".join(f"{name} {value}" for name, value in machine().items())
    parts = [
        "# Benchmarks\n",
        f"{about}. Microseconds per operation, medians of interleaved rounds; ratios are the "
        "medians of the rounds' ratios, PyMongo's time over ours.\n",
    ]
    groups = dict.fromkeys(r["group"] for r in rows)
    parts += [f"## {g}\n\n{table([r for r in rows if r['group'] == g])}\n" for g in groups]
    return "\n".join(parts)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """A bar for each case: how many times PyMongo's speed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    labels = [f"{r['group']}: {r['case']}" for r in rows][::-1]
    values = [r["ratio"] for r in rows][::-1]
    figure, axes = pyplot.subplots(figsize=(8, 0.32 * len(rows) + 1), layout="constrained")
    bars = axes.barh(labels, values, color="#2f7d5d")
    axes.bar_label(bars, [f"{value:.1f}x" for value in values], padding=3)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times PyMongo's speed (1 = PyMongo)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def write(rows: list[dict[str, Any]], folder: Path) -> None:
    """Write `report.md`, `report.json` and `report.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1))
    (folder / "report.md").write_text(markdown(rows))
    plot(rows, folder / "report.png")
