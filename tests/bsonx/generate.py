"""Recipes of documents, from which each package builds its own objects."""

from __future__ import annotations

import datetime
import re
import struct
import types
import uuid
from typing import Any

from hypothesis import strategies as st

_INT64 = st.integers(-(2**63), 2**63 - 1)
_UINT32 = st.integers(0, 2**32 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_ZONES = st.sampled_from([None, datetime.UTC]) | st.integers(-14, 14).map(
    lambda hours: datetime.timezone(datetime.timedelta(hours=hours))
)
_DATES = st.datetimes(datetime.datetime(1, 1, 3), datetime.datetime(9999, 12, 29), timezones=_ZONES)
_DECIMALS = st.decimals(allow_nan=True, places=3, min_value=-(10**20), max_value=10**20)

# A recipe is a plain value, or (name of a builder, arguments...).
_PLAIN = (
    st.none()
    | st.booleans()
    | _INT64
    | st.integers(-300, 300)
    | st.floats()
    | _TEXT
    | st.binary(max_size=20)
    | _DATES
)


def _recipe(name: str, *arguments: Any) -> Any:
    return st.tuples(st.just(name), *arguments)


_LEAVES = (
    _PLAIN
    | _recipe("ObjectId", st.binary(min_size=12, max_size=12))
    | _recipe("Int64", _INT64)
    | _recipe("Binary", st.binary(max_size=20), st.integers(0, 255))
    | _recipe("Timestamp", _UINT32, _UINT32)
    | _recipe("DatetimeMS", _INT64)
    | _recipe("Decimal128", _DECIMALS.map(str))
    | _recipe("bid", st.binary(min_size=16, max_size=16))
    | _recipe("Regex", _KEYS, st.integers(0, 127))
    | _recipe("pattern", st.sampled_from(["a", "a.b", ""]), st.sampled_from([0, re.I, re.M | re.S]))
    | _recipe("UUID", st.uuids())
    | _recipe("MinKey")
    | _recipe("MaxKey")
    | _recipe("Code", _TEXT)
)

_INVALID = (
    _recipe("set")
    | _recipe("object")
    | st.just(2**63)
    | st.just(-(2**63) - 1)
    | st.just("\ud800")
    | _recipe("Regex", st.just("a\0b"), st.just(0))
    | _recipe("key", st.sampled_from([1, None, b"x", "a\0", ("t",)]))
)


def _containers(children: Any) -> Any:
    document = st.dictionaries(
        _KEYS | st.sampled_from(["_id", "$ref", "$id", "$db"]), children, max_size=5
    )
    return (
        document
        | st.lists(children, max_size=5)
        | _recipe("SON", document)
        | _recipe("mapping", document)
        | _recipe("tuple", st.lists(children, max_size=3))
        | _recipe("scope", _TEXT, document)
        | _recipe("DBRef", _TEXT, children, st.none() | _TEXT)
        | _recipe("raw", st.just({"a": 1, "b": {"c": "d"}}))
    )


def documents(invalid: bool = False) -> Any:
    """Return a strategy of document recipes; with ``invalid`` some cannot be encoded."""
    leaves = _LEAVES | _INVALID if invalid else _LEAVES
    values = st.recursive(leaves, _containers, max_leaves=25)
    return st.dictionaries(_KEYS | st.just("_id"), values, max_size=8)


class Unknown:
    """A type that no codec knows."""

    def __repr__(self) -> str:
        return "Unknown()"


def build(names: dict[str, Any], recipe: Any) -> Any:
    """Return the value of a recipe with the types of one package."""
    if isinstance(recipe, dict):
        return {key: build(names, value) for key, value in recipe.items()}
    if isinstance(recipe, list):
        return [build(names, value) for value in recipe]
    if not isinstance(recipe, tuple):
        return recipe
    name, *arguments = recipe
    builder = _BUILDERS.get(name)
    if builder is not None:
        return builder(names, *arguments)
    return names[name](*arguments)


_BUILDERS: dict[str, Any] = {
    "bid": lambda names, data: names["Decimal128"].from_bid(data),
    "pattern": lambda names, pattern, flags: re.compile(pattern, flags),
    "UUID": lambda names, value: uuid.UUID(bytes=value.bytes),
    "set": lambda names: {1},
    "object": lambda names: Unknown(),
    "key": lambda names, key: {key: 1},
    "SON": lambda names, document: names["SON"](build(names, document)),
    "mapping": lambda names, document: types.MappingProxyType(build(names, document)),
    "tuple": lambda names, items: tuple(build(names, items)),
    "scope": lambda names, code, scope: names["Code"](code, build(names, scope)),
    "DBRef": lambda names, collection, id_, database: names["DBRef"](
        collection, build(names, id_), database
    ),
    "raw": lambda names, document: names["RawBSONDocument"](names["encode"](document)),
}


def op_msg(documents: list[bytes], flags: int) -> bytes:
    """Return an OP_MSG: the first document as body, the others as a document sequence."""
    body = b"\0" + documents[0]
    if len(documents) > 1:
        sequence = b"documents\0" + b"".join(documents[1:])
        body += b"\x01" + struct.pack("<i", len(sequence) + 4) + sequence
    if flags & 1:
        body += b"\xaa\xbb\xcc\xdd"
    return struct.pack("<iiiiI", len(body) + 20, 7, 0, 2013, flags) + body
