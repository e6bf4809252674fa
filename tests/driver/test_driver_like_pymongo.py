"""Expressions must come to the same as in PyMongo: results, errors and the commands sent."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from flavour import Flavour
from like import our_side, pymongo_side
from recording import Commands

import newer_server

pytestmark = pytest.mark.server

FOLDER = Path(__file__).parent / "expressions"
FILES = sorted(FOLDER.glob("*.txt"))
#: What needs a server that is newer than the mongod there is.
NEWER = sorted((FOLDER / "newer").glob("*.txt"))


def statements(path):
    """(kind, expression) of each line: "!" prepares, "~" compares error classes only, and "sync"
    is for what only synchronous objects can do."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line[:2] in ("! ", "~ "):
            yield line[0], line[2:]
        elif line.startswith("sync: "):
            yield "sync", line[6:]
        else:
            yield "=", line


@pytest.fixture(scope="module")
def theirs(server):
    side = pymongo_side(server.uri)
    yield side
    side.client._object.close()


@pytest.fixture(scope="module")
def newer_uri(servers):
    if not servers.imitations:
        pytest.skip("SecantusDB is not installed")
    return servers.uri(newer_server.NAME)


@pytest.fixture(scope="module")
def theirs_newer(newer_uri):
    side = pymongo_side(newer_uri)
    yield side
    side.client._object.close()


def record(path, theirs):
    """PyMongo's outcomes for a file, in a database of their own."""
    if path.stem == "encryption":
        pytest.importorskip("pymongocrypt", reason="the library pymongocrypt is not installed")
    database = f"like_{uuid.uuid4().hex[:12]}"
    lines = list(statements(path))
    outcomes = [theirs.outcome(expression, database) for _, expression in lines]
    theirs.client._object.drop_database(database)
    return database, lines, outcomes


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def recorded(request, theirs):
    return record(request.param, theirs)


@pytest.fixture(scope="module", params=NEWER, ids=lambda path: path.stem)
def recorded_newer(request, theirs_newer):
    return record(request.param, theirs_newer)


def loose(outcome):
    return {"error": outcome.get("error")}


def test_same_as_pymongo(recorded, flavour: Flavour, shared):
    compare(recorded, flavour, shared.client, shared.commands)


def test_same_as_pymongo_on_newer_servers(recorded_newer, flavour: Flavour, make_client, newer_uri):
    commands = Commands()
    client = make_client(newer_uri, event_listeners=[commands])
    compare(recorded_newer, flavour, client, commands)


def compare(recorded, flavour, client, commands):
    database, lines, outcomes = recorded
    side = our_side(flavour, client, commands)
    different = []
    for (kind, expression), expected in zip(lines, outcomes, strict=True):
        if kind == "sync" and not flavour.is_sync:
            continue
        got = side.outcome(expression, database)
        if kind == "!":
            continue
        if kind == "~":
            got, expected = loose(got), loose(expected)
        if got != expected:
            different.append(f"{expression}\n  PyMongo {expected}\n  ours    {got}")

    async def drop():
        await client.drop_database(database)

    flavour.run(drop())
    assert not different, f"{len(different)} of {len(lines)}:\n" + "\n".join(different)
