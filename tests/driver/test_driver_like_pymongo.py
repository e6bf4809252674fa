"""Expressions must come to the same as in PyMongo: results, errors, arguments, warnings, events."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from comparison.lines import read_lines, scenario_of
from comparison.sides import Side
from comparison.wanted import Verdict

import newer_server

pytestmark = pytest.mark.server

FOLDER = Path(__file__).parent / "expressions"
FILES = sorted(FOLDER.glob("*.txt"))
#: What needs a server that is newer than the mongod there is.
NEWER = sorted((FOLDER / "newer").glob("*.txt"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def path(request):
    if request.param.stem == "encryption":
        pytest.importorskip("pymongocrypt", reason="the library pymongocrypt is not installed")
    return request.param


@pytest.fixture(scope="module")
def newer_sides(servers, flavour):
    if not servers.imitations:
        pytest.skip("SecantusDB is not installed")
    uri = servers.uri(newer_server.NAME)
    made = [Side(driver, flavour, uri) for driver in ("pymongo", "mongodriver")]
    yield made
    for side in made:
        side.close()


def test_same_as_pymongo(path, flavour, sides, record_property):
    compare(path, flavour, sides, record_property)


@pytest.mark.parametrize("path", NEWER, ids=lambda path: path.stem)
def test_same_as_pymongo_on_newer_servers(path, flavour, newer_sides, record_property):
    compare(path, flavour, newer_sides, record_property)


def compare(path, flavour, sides, record_property):
    """Evaluate all lines with each driver, in a database of their own."""
    database = f"like_{uuid.uuid4().hex[:12]}"
    lines = [line for line in read_lines(path) if line[0] != "sync" or flavour.is_sync]
    records = []
    for side in sides:
        records.append([side.record(scenario_of(text), database) for _, text in lines])
        side.drop(database)
    verdict = Verdict(path.stem, flavour.kind)
    for (kind, text), expected, got in zip(lines, *records, strict=True):
        if kind != "!":
            verdict.judge(text, expected, got)
    verdict.finish(record_property)
