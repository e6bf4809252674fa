"""Comparing what happened with what a unified test expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bsonx import json_util
from bsonx.binary import Binary
from bsonx.code import Code
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp

#: Says that a document has no such field.
UNSET = object()

_TYPES: dict[str, Any] = {
    "double": float,
    "string": str,
    "object": Mapping,
    "array": list,
    "binData": (Binary, bytes),
    "objectId": ObjectId,
    "bool": bool,
    "date": datetime,
    "null": type(None),
    "regex": (Regex, re.Pattern),
    "javascript": Code,
    "javascriptWithScope": Code,
    "int": int,
    "timestamp": Timestamp,
    "long": (Int64, int),
    "decimal": Decimal128,
    "minKey": MinKey,
    "maxKey": MaxKey,
    "number": (int, float, Decimal128),
}


class Mismatch(AssertionError):
    """What happened is not what was expected."""


class Matcher:
    """Matches values; `entities` are the test's, by id."""

    def __init__(self, entities: Any) -> None:
        self._entities = entities

    def match(self, expected: Any, actual: Any, path: str = "", root: bool = True) -> None:
        """Raise Mismatch unless `actual` is as `expected`.

        Documents at the root may have more fields than expected.
        """
        special = _operator(expected)
        if special is not None:
            self._match_operator(special, expected[special], actual, path, root)
        elif actual is UNSET:
            raise Mismatch(f"{path} is not there, expected {expected!r}")
        elif isinstance(expected, Mapping):
            self._match_document(expected, actual, path, root)
        elif isinstance(expected, list):
            if not isinstance(actual, (list, tuple)):
                raise Mismatch(f"{path} is {actual!r}, expected an array")
            if len(expected) != len(actual):
                raise Mismatch(f"{path} is {actual!r}, expected {len(expected)} elements")
            for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
                self.match(one, other, f"{path}[{index}]", root)
        elif not _equal(expected, actual):
            raise Mismatch(f"{path} is {actual!r}, expected {expected!r}")

    def _match_document(self, expected: Any, actual: Any, path: str, root: bool) -> None:
        if not isinstance(actual, Mapping):
            raise Mismatch(f"{path} is {actual!r}, expected {expected!r}")
        for name, value in expected.items():
            self.match(value, actual.get(name, UNSET), f"{path}.{name}", False)
        if not root:
            extra = set(actual) - set(expected)
            if extra:
                raise Mismatch(f"{path} has unexpected {sorted(extra)} in {actual!r}")

    def _match_operator(self, name: str, value: Any, actual: Any, path: str, root: bool) -> None:
        if name == "$$exists":
            if value != (actual is not UNSET):
                raise Mismatch(f"{path} is {actual!r}, expected it to exist: {value}")
        elif name == "$$unsetOrMatches":
            if actual is not UNSET and actual is not None:
                self.match(value, actual, path, root)
        elif name == "$$type":
            wanted = [value] if isinstance(value, str) else value
            if not any(_is_of_type(actual, kind) for kind in wanted):
                raise Mismatch(f"{path} is {actual!r}, expected a {value}")
        elif name == "$$matchesEntity":
            self.match(self._entities[value], actual, path, root)
        elif name == "$$sessionLsid":
            self.match(self._entities.lsids[value], actual, path, root)
        elif name == "$$matchAsRoot":
            self.match(value, actual, path, True)
        elif name == "$$matchAsDocument":
            if not isinstance(actual, str):
                raise Mismatch(f"{path} is {actual!r}, expected JSON")
            self.match(value, json_util.loads(actual), path, False)
        elif name == "$$lte":
            if not actual <= value:
                raise Mismatch(f"{path} is {actual!r}, expected at most {value!r}")
        else:
            raise NotImplementedError(f"operator {name}")


def _operator(expected: Any) -> str | None:
    if isinstance(expected, Mapping) and len(expected) == 1:
        (name,) = expected
        if name.startswith("$$"):
            return str(name)
    return None


def _is_of_type(actual: Any, kind: str) -> bool:
    if isinstance(actual, bool) and kind in ("int", "long", "number"):
        return False
    return actual is not UNSET and isinstance(actual, _TYPES[kind])


def _equal(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, float) and expected != expected:
        return bool(actual != actual)
    return bool(expected == actual)
