"""Figures in the documents are those that are kept, and so are the charts."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "docs" / "tools" / "charts.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="no documents beside the tests")


@pytest.fixture(scope="module")
def charts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("charts", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows() -> dict[str, list[float]]:
    """The tables of bench/README.md, by the first cell of each row."""
    text = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| ([^|]+?) \|((?: [\d.]+ \|)+)$", text, re.MULTILINE)
    return {name: [float(cell) for cell in cells.split("|")[:-1]] for name, cells in found}


@pytest.mark.parametrize("action", ["encode", "decode"])
def test_the_table_of_the_codec(
    charts: ModuleType, rows: dict[str, list[float]], action: str
) -> None:
    for interpreter, values in charts.figures()["codec"][action].items():
        mean = round(charts.geometric_mean(values), 1)
        assert rows[f"{action}, {interpreter}"] == [*values, pytest.approx(mean, abs=0.11)]


def test_the_table_of_the_driver(charts: ModuleType, rows: dict[str, list[float]]) -> None:
    for name, case in charts.figures()["driver"].items():
        assert rows[name] == case["us"]


def test_the_charts_are_up_to_date(charts: ModuleType) -> None:
    for name, text in charts.charts().items():
        assert (charts.CHARTS / name).read_text(encoding="utf-8") == text, "run `make charts`"
