"""Scenarios of several steps must give the same record as with PyMongo."""

from __future__ import annotations

import importlib
import inspect
import uuid
from pathlib import Path

import pytest
from comparison.lines import read_lines
from comparison.sides import Side
from comparison.wanted import WANTED, Verdict

pytestmark = pytest.mark.server

FOLDER = Path(__file__).parent / "scenarios"
AREAS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def scenarios_of(module, flavour):
    """The coroutine functions of a module, but those for the other flavour alone."""
    for name, function in vars(module).items():
        here = inspect.iscoroutinefunction(function) and function.__module__ == module.__name__
        if here and name[0] != "_" and getattr(function, "flavour", flavour.kind) == flavour.kind:
            yield name, function


@pytest.mark.parametrize("area", AREAS)
def test_same_as_pymongo(area, flavour, sides, servers, record_property):
    module = importlib.import_module(f"scenarios.{area}")
    for needed in getattr(module, "NEEDS", ()):
        pytest.importorskip(needed, reason=f"the library {needed} is not installed")
    server = getattr(module, "SERVER", None)
    if server is not None:
        uri = servers.uri(server)
        sides = [Side(driver, flavour, uri) for driver in ("pymongo", "mongodriver")]
    scenarios = list(scenarios_of(module, flavour))
    database = f"like_{uuid.uuid4().hex[:12]}"
    records = []
    for side in sides:
        records.append([side.record(function, database, name) for name, function in scenarios])
        side.drop(database)
        if server is not None:
            side.close()
    verdict = Verdict(area, flavour.kind)
    for (name, _), expected, got in zip(scenarios, *records, strict=True):
        verdict.judge(name, expected, got)
    verdict.finish(record_property)


def test_the_list_of_differences_is_about_scenarios_there_are(flavour):
    known = set()
    for path in FOLDER.parent.glob("expressions/**/*.txt"):
        known |= {(path.stem, text) for _, text in read_lines(path)}
    for area in AREAS:
        module = importlib.import_module(f"scenarios.{area}")
        known |= {(area, name) for name, _ in scenarios_of(module, flavour)}
    areas = {area for area, _ in known}
    listed = {key[:2] for key in WANTED if key[2] == flavour.kind and key[0] in areas}
    assert listed <= known
