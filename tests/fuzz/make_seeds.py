"""Writes the seed corpus of fuzz_bsonx.py: `python tests/fuzz/make_seeds.py FOLDER`.

One small input for every BSON type and every target; libFuzzer grows the rest from them.
"""

from __future__ import annotations

import datetime
import struct
import sys
import uuid
from pathlib import Path

import bsonx
from bsonx import json_util
from bsonx.binary import Binary
from bsonx.dbref import DBRef

OID = bsonx.ObjectId("0123456789abcdef01234567")
VALUES = {
    "double": 1.5,
    "string": "añ\u4e2d\U0001f600",
    "document": {"a": {"b": {}}},
    "array": [1, [2, {"c": None}]],
    "binary": b"abc",
    "binary2": Binary(b"abc", 2),
    "uuid": Binary.from_uuid(uuid.UUID(int=5)),
    "vector": Binary(b"\x27\x00\x00\x00\x80?", 9),
    "objectid": OID,
    "bool": [True, False],
    "datetime": datetime.datetime(2001, 2, 3, 4, 5, 6, 7000),
    "null": None,
    "regex": bsonx.Regex("a.b", "ix"),
    "code": bsonx.Code("f()"),
    "code_scope": bsonx.Code("f()", {"x": 1}),
    "int32": 7,
    "int64": bsonx.Int64(2**40),
    "timestamp": bsonx.Timestamp(1, 2),
    "decimal128": bsonx.Decimal128("1.50E+10"),
    "minkey": bsonx.MinKey(),
    "maxkey": bsonx.MaxKey(),
    "dbref": DBRef("c", OID, "d", extra=1),
}
# What the encoder never writes: undefined, dbPointer, symbol.
ELEMENTS = {
    "undefined": b"\x06a\x00",
    "dbpointer": b"\x0ca\x00\x02\x00\x00\x00b\x00" + OID.binary,
    "symbol": b"\x0ea\x00\x02\x00\x00\x00b\x00",
    "late_date": b"\x09a\x00" + struct.pack("<q", 2**62),
}


def op_msg(document: bytes) -> bytes:
    """One message with a kind 0 and a kind 1 section."""
    sequence = b"documents\x00" + document * 2
    payload = b"\x00\x00\x00\x00\x00" + document
    payload += b"\x01" + struct.pack("<i", len(sequence) + 4) + sequence
    return struct.pack("<iiii", len(payload) + 16, 1, 0, 2013) + payload


def seeds() -> dict[str, bytes]:
    """Name and content of every seed."""
    found = {name: bsonx.encode({"a": value}) for name, value in VALUES.items()}
    for name, element in ELEMENTS.items():
        found[name] = struct.pack("<i", len(element) + 5) + element + b"\x00"
    seeds = {}
    for number, (name, data) in enumerate(found.items()):
        for target in (0, 1, 2, 4, 6):
            seeds[f"{name}-{target}"] = bytes([target, number % 16]) + data
        seeds[f"{name}-3"] = bytes([3, number % 16]) + op_msg(data)
        options = bsonx.CodecOptions(datetime_conversion=3)
        value = bsonx.decode(data, options)
        text = json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS)
        seeds[f"{name}-5"] = b"\x05\x00" + text.encode()
    return seeds


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds().items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
