"""The formats of Arrow's schemas, and the metadata of their fields.

https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from bsonx._errors import ArrowError

from .kinds import DEPTH, STRING, Kind

__all__ = ["Field", "Type", "pack_metadata", "parse_format", "unpack_metadata"]


class Field(NamedTuple):
    """A field of a schema, as csrc/arrow/schema.h has it."""

    format: str
    name: str
    metadata: bytes | None
    flags: int
    children: tuple[Field, ...]
    dictionary: Field | None

    @classmethod
    def of(cls, field: tuple[object, ...], depth: int = 0) -> Field:
        """Make one of plain tuples."""
        form, name, metadata, flags, children, dictionary = field
        if depth > DEPTH:
            raise ArrowError("the schema is nested too deep")
        return cls(
            form,  # type: ignore[arg-type]
            name,  # type: ignore[arg-type]
            metadata,  # type: ignore[arg-type]
            flags,  # type: ignore[arg-type]
            tuple(cls.of(child, depth + 1) for child in children),  # type: ignore[attr-defined]
            None if dictionary is None else cls.of(dictionary, depth + 1),  # type: ignore[arg-type]
        )


class Type(NamedTuple):
    """What a format says: a kind and its numbers; None for a type that there is no BSON for."""

    kind: Kind
    a: int = 0
    b: int = 0


_PLAIN = {
    "n": Type(Kind.NULL),
    "b": Type(Kind.BOOL),
    "c": Type(Kind.INT8),
    "C": Type(Kind.UINT8),
    "s": Type(Kind.INT16),
    "S": Type(Kind.UINT16),
    "i": Type(Kind.INT32),
    "I": Type(Kind.UINT32),
    "l": Type(Kind.INT64),
    "L": Type(Kind.UINT64),
    "e": Type(Kind.FLOAT16),
    "f": Type(Kind.FLOAT32),
    "g": Type(Kind.FLOAT64),
    "z": Type(Kind.BINARY, 32),
    "Z": Type(Kind.BINARY, 64),
    "vz": Type(Kind.BINARY_VIEW),
    "u": Type(Kind.TEXT, 32, STRING),
    "U": Type(Kind.TEXT, 64, STRING),
    "vu": Type(Kind.TEXT_VIEW, 0, STRING),
    "tdD": Type(Kind.DATE32),
    "tdm": Type(Kind.DATE64),
    # A time of day and a duration are a number of the unit.
    "tts": Type(Kind.INT32),
    "ttm": Type(Kind.INT32),
    "ttu": Type(Kind.INT64),
    "ttn": Type(Kind.INT64),
    "tDs": Type(Kind.INT64),
    "tDm": Type(Kind.INT64),
    "tDu": Type(Kind.INT64),
    "tDn": Type(Kind.INT64),
    "+l": Type(Kind.LIST, 32),
    "+L": Type(Kind.LIST, 64),
    "+vl": Type(Kind.LIST_VIEW, 32),
    "+vL": Type(Kind.LIST_VIEW, 64),
    "+s": Type(Kind.STRUCT),
    "+m": Type(Kind.MAP),
    "+r": Type(Kind.RUNS),
}

#: Units of timestamps: what to multiply with, and to divide by, for milliseconds.
_TO_MILLISECONDS = {"s": (1000, 1), "m": (1, 1), "u": (1, 1000), "n": (1, 1_000_000)}


def parse_format(form: str) -> Type | None:
    """Return what a format says, or None where BSON has nothing for it."""
    plain = _PLAIN.get(form)
    if plain is not None:
        return plain
    head, _, rest = form.partition(":")
    if head in ("w", "+w"):
        size = _number(rest)
        if size is None or size < 0:
            return None
        return Type(Kind.FIXED if head == "w" else Kind.FIXED_LIST, size)
    if head == "d":
        return _decimal(rest.split(","))
    if head in ("tss", "tsm", "tsu", "tsn"):
        return Type(Kind.TIMESTAMP, *_TO_MILLISECONDS[head[2]])
    if head in ("+us", "+ud"):
        return Type(Kind.UNION, int(head == "+ud"))
    return None


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 10 else None


def _decimal(parts: list[str]) -> Type | None:
    numbers = [_number(part) for part in parts]
    if len(numbers) == 2:
        numbers.append(128)
    if len(numbers) != 3 or numbers[1] is None or numbers[2] not in (32, 64, 128):
        return None
    return Type(Kind.DECIMAL, numbers[1], numbers[2]) if abs(numbers[1]) <= 6000 else None


def unpack_metadata(data: bytes | None) -> dict[bytes, bytes]:
    """Return the pairs of a field's metadata. Raises ArrowError for what are none."""
    found: dict[bytes, bytes] = {}
    if data is None:
        return found
    at = 0

    def number() -> int:
        nonlocal at
        at += 4
        if at > len(data):
            raise ArrowError("a schema has broken metadata")
        return int.from_bytes(data[at - 4 : at], sys.byteorder, signed=True)

    def text() -> bytes:
        nonlocal at
        size = number()
        if size < 0 or size > len(data) - at:
            raise ArrowError("a schema has broken metadata")
        at += size
        return data[at - size : at]

    count = number()
    if count < 0:
        raise ArrowError("a schema has broken metadata")
    for _ in range(count):
        key = text()
        found[key] = text()
    return found


def pack_metadata(pairs: dict[bytes, bytes]) -> bytes | None:
    """Return metadata as a schema has them; None for no pairs."""
    if not pairs:
        return None
    parts = [len(pairs).to_bytes(4, sys.byteorder)]
    for pair in pairs.items():
        for text in pair:
            parts += [len(text).to_bytes(4, sys.byteorder), text]
    return b"".join(parts)
