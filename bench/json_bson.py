"""JSON text to BSON and BSON to text, a document and many: without Python values, and with them.

`orjson` stands for orjson.loads and bsonx.encode. For lines PyMongo's side has orjson too, which is
the best that a program can do with it by hand; for extended JSON there is its json_util.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import bson
import orjson
from bson import json_util as theirs

import bsonx
import documents
from bsonx import json_util as ours
from bsonx import ndjson
from codec import repeat
from interleaved import Case

MODES = ("RELAXED", "CANONICAL")
LINES = {"small": 5000, "tweet": 1000, "flat": 200}
FIRST_ID = bytes(12)


def cases() -> Iterator[Case]:
    """The official documents one by one, then as lines."""
    for name, data in documents.load().items():
        for mode in MODES:
            yield from one(name, mode, data)
    for name, data in plain_documents().items():
        yield from lines(name, data)


def one(name: str, mode: str, data: bytes) -> Iterator[Case]:
    """Both directions of one document in one mode."""
    their_options = getattr(theirs, f"{mode}_JSON_OPTIONS")
    our_options = getattr(ours, f"{mode}_JSON_OPTIONS")
    text = ours.from_bson(data, our_options)
    label = f"{name} {mode.lower()}"

    def their_text(data: bytes) -> str:
        return theirs.dumps(bson.decode(data), json_options=their_options)

    def their_bson(text: str) -> bytes:
        return bson.encode(theirs.loads(text, json_options=their_options))

    assert text == their_text(data)
    assert ours.to_bson(text) == their_bson(text)
    yield Case(
        "to_bson",
        label,
        {"pymongo": repeat(their_bson, text), "ours": repeat(ours.to_bson, text)},
    )
    yield Case(
        "from_bson",
        label,
        {"pymongo": repeat(their_text, data), "ours": repeat(ours.from_bson, data, our_options)},
    )


def plain_documents() -> dict[str, bytes]:
    """Documents that plain JSON can carry, without an _id: BSON by name."""
    found = documents.load()
    plain: dict[str, Any] = {name: bson.decode(found[name]) for name in ("small", "tweet")}
    plain["flat"] = {
        f"field{number}": value
        for number, value in enumerate([True, 1.5, "text", 12345, None, [1, 2]] * 20)
    }
    for document in plain.values():
        document.pop("_id", None)
    return {name: bson.encode(document) for name, document in plain.items()}


def lines(name: str, data: bytes) -> Iterator[Case]:
    """Lines to documents with new ids, and back."""
    count = LINES[name]
    text = json.dumps(bson.decode(data), ensure_ascii=False).encode() + b"\n"
    whole = text * count
    read = partial(ndjson.read_lines, first_id=FIRST_ID)
    assert read(text).data[21:] == data[4:]
    yield Case(
        "read_lines",
        name,
        {
            "pymongo": repeat(partial(by_hand, bson.encode, bson.ObjectId), whole),
            "orjson": repeat(partial(by_hand, bsonx.encode, bsonx.ObjectId), whole),
            "ours": repeat(read, whole),
        },
        operations=count,
    )
    stored = read(whole).data
    yield Case(
        "write_lines",
        name,
        {
            "pymongo": repeat(their_lines, stored),
            "ours": repeat(ndjson.write_lines, stored),
        },
        operations=count,
    )


def by_hand(encode: Callable[[Any], bytes], new_id: Callable[[], Any], text: bytes) -> bytes:
    """What a program does with lines."""
    return b"".join(encode({"_id": new_id(), **orjson.loads(line)}) for line in text.splitlines())


def their_lines(data: bytes) -> str:
    """BSON to lines with PyMongo."""
    return "".join(theirs.dumps(document) + "\n" for document in bson.decode_iter(data))
