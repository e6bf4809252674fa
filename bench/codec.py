"""Codec cases: PyMongo's `bson`, `bsonx`, and on JSON-only documents the outer limits.

orjson and msgspec (MessagePack) carry fewer types; they show what the hardware allows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import bson
import msgspec
import orjson

import bsonx
import documents
from interleaved import Case, Run


def repeat(function: Callable[..., object], *args: object) -> Run:
    """A run that calls `function(*args)` n times."""

    def run(count: int) -> None:
        for _ in range(count):
            function(*args)

    return run


def limits(name: str, data: bytes) -> tuple[dict[str, Run], dict[str, Run]]:
    """The encoders and decoders of other formats for this document."""
    if name not in documents.JSON_ONLY:
        return {}, {}
    value = json.loads(json.dumps(bson.decode(data), default=str))
    text, packed = orjson.dumps(value), msgspec.msgpack.encode(value)
    encoders = {
        "orjson": repeat(orjson.dumps, value),
        "msgspec": repeat(msgspec.msgpack.encode, value),
    }
    decoders = {
        "orjson": repeat(orjson.loads, text),
        "msgspec": repeat(msgspec.msgpack.decode, packed),
    }
    return encoders, decoders


def cases() -> Iterator[Case]:
    """Encode and decode of each official document."""
    for name, data in documents.load().items():
        encoders, decoders = limits(name, data)
        theirs, ours = bson.decode(data), bsonx.decode(data)
        assert bsonx.encode(ours) == data == bson.encode(theirs)
        yield Case(
            "encode",
            name,
            {
                "pymongo": repeat(bson.encode, theirs),
                "ours": repeat(bsonx.encode, ours),
                **encoders,
            },
        )
        yield Case(
            "decode",
            name,
            {"pymongo": repeat(bson.decode, data), "ours": repeat(bsonx.decode, data), **decoders},
        )
