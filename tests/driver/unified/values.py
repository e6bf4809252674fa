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
from bsonx.errors import BSONError
from bsonx.int64 import Int64
from bsonx.max_key import MaxKey
from bsonx.min_key import MinKey
from bsonx.objectid import ObjectId
from bsonx.regex import Regex
from bsonx.timestamp import Timestamp

from .failures import Mismatch, Unsupported

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


class Matcher:
    """Matches values; `entities` are the test's, by id."""

    def __init__(self, entities: Any) -> None:
        self._entities = entities

    def match(self, expected: Any, actual: Any, path: str = "", root: bool = True) -> None:
        """Raise Mismatch unless `actual` is as `expected`.

        :param root: documents may have more fields than expected; in arrays, each of them.
        """
        special = _operator(expected)
        if special is not None:
            self._match_operator(special, expected[special], actual, path, root)
        elif actual is UNSET:
            raise Mismatch(f"{path} is not there, expected {expected!r}")
        elif isinstance(expected, Mapping):
            self._match_document(expected, actual, path, root)
        elif isinstance(expected, list):
            self._match_array(expected, actual, path, root)
        elif not equal(expected, actual):
            raise Mismatch(f"{path} is {actual!r}, expected {expected!r}")

    def matches(self, expected: Any, actual: Any) -> bool:
        """Whether a root document, or what else, is as expected."""
        try:
            self.match(expected, actual)
        except Mismatch:
            return False
        return True

    def _match_array(self, expected: Any, actual: Any, path: str, root: bool) -> None:
        if not isinstance(actual, (list, tuple)):
            raise Mismatch(f"{path} is {actual!r}, expected an array")
        if len(expected) != len(actual):
            raise Mismatch(f"{path} is {actual!r}, expected {len(expected)} elements")
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            self.match(one, other, f"{path}[{index}]", root)

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
        operator = self._OPERATORS.get(name)
        if operator is None:
            raise Unsupported(f"operator {name}")
        operator(self, value, actual, path, root)

    def _exists(self, value: Any, actual: Any, path: str, root: bool) -> None:
        if value != (actual is not UNSET):
            raise Mismatch(f"{path} is {actual!r}, expected it to exist: {value}")

    def _unset_or_matches(self, value: Any, actual: Any, path: str, root: bool) -> None:
        if actual is not UNSET:
            self.match(value, actual, path, root)

    def _type(self, value: Any, actual: Any, path: str, root: bool) -> None:
        wanted = [value] if isinstance(value, str) else value
        unknown = set(wanted) - set(_TYPES)
        if unknown:
            raise Unsupported(f"$$type {sorted(unknown)}")
        if not any(_is_of_type(actual, kind) for kind in wanted):
            raise Mismatch(f"{path} is {actual!r}, expected a {value}")

    def _matches_entity(self, value: Any, actual: Any, path: str, root: bool) -> None:
        self.match(self._entities.value(value), actual, path, root)

    def _matches_hex(self, value: Any, actual: Any, path: str, root: bool) -> None:
        if not isinstance(actual, bytes) or actual != from_hex(value):
            raise Mismatch(f"{path} is {actual!r}, expected the bytes {value}")

    def _session_lsid(self, value: Any, actual: Any, path: str, root: bool) -> None:
        if actual != self._entities.lsid(value):
            raise Mismatch(f"{path} is {actual!r}, expected the id of {value}")

    def _as_root(self, value: Any, actual: Any, path: str, root: bool) -> None:
        self.match(value, actual, path, True)

    def _as_document(self, value: Any, actual: Any, path: str, root: bool) -> None:
        try:
            decoded = json_util.loads(actual)
        except (TypeError, ValueError, BSONError):
            raise Mismatch(f"{path} is {actual!r}, expected extended JSON") from None
        if not isinstance(decoded, Mapping):
            raise Mismatch(f"{path} is {actual!r}, expected a document in JSON")
        self.match(value, decoded, path, False)

    def _at_most(self, value: Any, actual: Any, path: str, root: bool) -> None:
        if actual is UNSET or not _is_of_type(actual, "number") or not actual <= value:
            raise Mismatch(f"{path} is {actual!r}, expected at most {value!r}")

    _OPERATORS: dict[str, Any] = {
        "$$exists": _exists,
        "$$unsetOrMatches": _unset_or_matches,
        "$$type": _type,
        "$$matchesEntity": _matches_entity,
        "$$matchesHexBytes": _matches_hex,
        "$$sessionLsid": _session_lsid,
        "$$matchAsRoot": _as_root,
        "$$matchAsDocument": _as_document,
        "$$lte": _at_most,
    }


def from_hex(text: Any) -> bytes:
    """Bytes from an even number of hexadecimal characters."""
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise Unsupported(f"malformed bytes {text!r}") from None


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


def equal(expected: Any, actual: Any) -> bool:
    """Whether values are equal: numbers of any type by their value, booleans are no numbers."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, float) and expected != expected:
        return bool(actual != actual)
    return bool(expected == actual)
