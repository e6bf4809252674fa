"""Values for the encoder, made of an input of the fuzzer: any bytes give some document."""

from __future__ import annotations

import datetime
import re
import types
import uuid
from typing import Any


class Unknown:
    """A type that no codec knows."""

    def __repr__(self) -> str:
        return "Unknown()"


class Reader:
    """Takes numbers and texts from bytes; after their end everything is zero or empty."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        self.at += size
        return found

    def byte(self) -> int:
        return int.from_bytes(self.take(1), "little")

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little", signed=True)

    def some(self) -> bytes:
        return self.take(self.byte())

    def text(self) -> str:
        return self.some().decode("utf-8", "surrogatepass" if self.byte() & 1 else "replace")

    def exactly(self, size: int) -> bytes:
        return self.take(size).ljust(size, b"\0")


def text(read: Reader) -> str:
    try:
        return read.text()
    except UnicodeDecodeError:
        return "\ud800"


def date(read: Reader) -> datetime.datetime:
    hours = read.byte() % 47 - 23
    return naive(read).replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))


def naive(read: Reader) -> datetime.datetime:
    return datetime.datetime(2000, 1, 1) + datetime.timedelta(microseconds=read.number(7))


def document(bx: Any, read: Reader, depth: int) -> dict[Any, Any]:
    """Return a dict of at most seven fields."""
    made: dict[Any, Any] = {}
    for _ in range(read.byte() % 8 if depth < 40 else 0):
        made[key(read)] = value(bx, read, depth + 1)
    return made


_KEYS = ("_id", "$ref", "$id", "$db", "a.b", "\ud800", 5, b"k", None)


def key(read: Reader) -> Any:
    code = read.byte()
    return _KEYS[code % len(_KEYS)] if code > 240 else text(read)


def items(bx: Any, read: Reader, depth: int) -> list[Any]:
    count = read.byte() % 16 if depth < 40 else 0
    return [value(bx, read, depth + 1) for _ in range(count)]


def value(bx: Any, read: Reader, depth: int) -> Any:
    """Return one value; `bx` is the implementation whose types are wanted."""
    code = read.byte() % (len(_SCALARS) + len(_CONTAINERS))
    if code < len(_SCALARS):
        return _SCALARS[code](bx, read)
    return _CONTAINERS[code - len(_SCALARS)](bx, read, depth)


_SCALARS = (
    lambda bx, read: None,
    lambda bx, read: bool(read.byte() & 1),
    lambda bx, read: read.number(1),
    lambda bx, read: read.number(4),
    lambda bx, read: read.number(8),
    lambda bx, read: read.number(9),
    lambda bx, read: read.number(4) / 8,
    lambda bx, read: text(read),
    lambda bx, read: text(read) * 9,
    lambda bx, read: read.some(),
    lambda bx, read: bx.Binary(read.some(), read.byte()),
    lambda bx, read: bx.ObjectId(read.exactly(12)),
    lambda bx, read: bx.Timestamp(read.byte(), read.byte()),
    lambda bx, read: bx.DatetimeMS(read.number(8)),
    lambda bx, read: date(read),
    lambda bx, read: naive(read),
    lambda bx, read: bx.Decimal128.from_bid(read.exactly(16)),
    lambda bx, read: bx.Regex(text(read), read.byte()),
    lambda bx, read: re.compile("a|b", read.byte() & (re.I | re.M | re.S | re.X)),
    lambda bx, read: uuid.UUID(bytes=read.exactly(16)),
    lambda bx, read: bx.MinKey(),
    lambda bx, read: bx.MaxKey(),
    lambda bx, read: bx.Int64(read.number(9)),
    lambda bx, read: bx.Code(text(read)),
    lambda bx, read: {1},
    lambda bx, read: Unknown(),
)

_CONTAINERS = (
    document,
    document,
    items,
    lambda bx, read, depth: tuple(items(bx, read, depth)),
    lambda bx, read, depth: bx.SON(document(bx, read, depth)),
    lambda bx, read, depth: types.MappingProxyType(document(bx, read, depth)),
    lambda bx, read, depth: bx.Code(text(read), document(bx, read, depth)),
    lambda bx, read, depth: bx.DBRef(text(read), value(bx, read, depth + 1), text(read)),
)
