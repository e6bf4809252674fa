"""Scenarios of several steps must give the same record as with PyMongo."""

from __future__ import annotations

import importlib
import inspect
import uuid
from pathlib import Path

import pytest
from comparison.sides import Side
from comparison.wanted import Verdict

pytestmark = pytest.mark.server

FOLDER = Path(__file__).parent / "scenarios"
AREAS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def scenarios_of(module, flavour):
    """The coroutine functions of a module, but those for the other flavour alone."""
    for name, function in vars(module).items():
        here = inspect.iscoroutinefunction(function) and function.__module__ == module.__name__
        if here and name[0] != "_" and getattr(function, "flavour", flavour.name) == flavour.name:
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
    verdict = Verdict(area, flavour.name)
    for (name, _), expected, got in zip(scenarios, *records, strict=True):
        verdict.judge(name, expected, got)
    verdict.finish(record_property)
