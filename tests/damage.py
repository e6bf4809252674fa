"""Replies of a server, damaged: every field missing, of every wrong type, and out of all bounds."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.timestamp import Timestamp

#: As the last step of a path, or as a value: the field is not there.
MISSING: Any = object()


def nested(depth: int) -> Any:
    """A document within a document, and so on."""
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


#: What stands in the place of a field, by the names that tests use.
VALUES: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "int": 5,
    "huge": Int64(2**62),
    "least": Int64(-(2**63)),
    "negative": -7,
    "half": 1.5,
    "nan": float("nan"),
    "infinite": float("-inf"),
    "decimal": Decimal128("1E+6000"),
    "string": "x",
    "empty string": "",
    "long string": "x" * 100_000,
    "empty list": [],
    "list": [5],
    "list of lists": [[]],
    "empty document": {},
    "document": {"a": 1},
    "list of documents": [{"a": 1}],
    "deep": nested(150),
    "bytes": b"x",
    "timestamp": Timestamp(1, 1),
}

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the fields of a reply are, those of inner documents and of the first of a list too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from paths(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield (*path, 0)
        yield from paths(value[0], (*path, 0))


def damaged(reply: Any, path: Path, value: Any) -> Any:
    """A reply with something else in the place of one field; the rest is the original's."""
    whole = copy.copy(reply)
    inner = whole
    for step in path[:-1]:
        inner[step] = copy.copy(inner[step])
        inner = inner[step]
    if value is MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return whole


def damages(reply: Any) -> Iterator[tuple[Path, str, Any]]:
    """Every damage to a reply: which field, by what, and the damaged reply."""
    for path in paths(reply):
        for name, value in VALUES.items():
            yield path, name, damaged(reply, path, value)


def path_text(path: Path) -> str:
    """A path as tests name it: ``cursor.firstBatch[0]._id``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
