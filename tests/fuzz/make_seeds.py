"""Writes the seed corpus of fuzz_bsonx.py: `python tests/fuzz/make_seeds.py tests/fuzz/corpus`.

One small input for every BSON type and every group of targets; libFuzzer grows the rest from them.
"""

from __future__ import annotations

import datetime
import itertools
import struct
import sys
import uuid
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "bsonx")]

from fuzz_targets import GROUPS, Side, outcome  # noqa: E402
from typed_shapes import make_classes, single_types  # noqa: E402

import bsonx  # noqa: E402
from bsonx import json_util  # noqa: E402
from bsonx.binary import Binary  # noqa: E402
from bsonx.dbref import DBRef  # noqa: E402

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


ROWS = (
    b"1,2.5,2020-01-31,true,7,.5,1.10,yes,2020-01-31T10:00:00.5+01:00,0123456789abcdef01234567,x,y\n",
    b"-0,1e3,+10000-01-01,FALSE,+007,NaN,-1E+6144,0,20200131,0123456789ABCDEF01234567,,\r\n",
    b'NA, 1 ,"2020-02-30",t,"1","2",3,n,x,"a ""b"" c\nd",\n"open,1\n2,3\n',
    b"9223372036854775808,1234567890123456,0000-01-01 00:00,TRUE,1,1e400,sNaN,1,2020-W01,0,\xff\n",
    b"00501;007;-292275055-05-16T16:47:04.192Z;f;9223372036854775807;Inf;9;N;2020-01-01;;x;\n",
    b'1\t2\t\r3,4,\r\n,,,,,,,,,,,\n   \n\n""\n1,2,3\n',
)
# Lines and streams by turns.
RECORDS = (
    b'{"a": 1}\n\n{"k": 2, "b": [1.5, null]}\r\nbad\n{"_id": 3}',
    b'[{"a": 1}, 5, {"k": "}\\""}]',
    b'\xef\xbb\xbf{"a": {"$numberLong": "5"}}\n{"a": ',
    b'{"a": 1}{"b": {"c": [{}]}} x',
)


def op_msg(document: bytes) -> bytes:
    """One message with a kind 0 and a kind 1 section."""
    sequence = b"documents\x00" + document * 2
    payload = b"\x00\x00\x00\x00\x00" + document
    payload += b"\x01" + struct.pack("<i", len(sequence) + 4) + sequence
    return struct.pack("<iiii", len(payload) + 16, 1, 0, 2013) + payload


def reply(batch: list[dict[str, object]]) -> bytes:
    """The reply to a find."""
    return bsonx.encode({"cursor": {"firstBatch": batch, "id": 0, "ns": "a.b"}, "ok": 1.0})


def documents() -> dict[str, bytes]:
    """Name and BSON of one document for every type."""
    found = {name: bsonx.encode({"a": value}) for name, value in VALUES.items()}
    for name, element in ELEMENTS.items():
        found[name] = struct.pack("<i", len(element) + 5) + element + b"\x00"
    return found


def text_of(data: bytes) -> bytes:
    """The document as canonical extended JSON."""
    value = bsonx.decode(data, bsonx.CodecOptions(datetime_conversion=3))
    options = json_util.CANONICAL_JSON_OPTIONS
    return json_util.dumps(value, json_options=options).encode()


def typed_inputs() -> dict[str, bytes]:
    """A fitting document for every class, and for single fields where one of VALUES fits."""
    side = Side()
    first = len(single_types(bsonx))
    found = {}
    for number, (_, document) in enumerate(make_classes(bsonx)):
        found[f"class-{number}"] = bytes([number % 3, 0, first + number]) + bsonx.encode(document)
    for number, value in itertools.product(range(1, first), VALUES.values()):
        data = bytes([1, 0, number]) + bsonx.encode({"k": value})
        if outcome(side, "typed", data)[0] == "gives":
            found.setdefault(f"single-{number}", data)
    return found


def seeds() -> dict[str, dict[str, bytes]]:
    """The seeds of every group by name."""
    found: dict[str, dict[str, bytes]] = {group: {} for group in GROUPS}
    for number, (name, data) in enumerate(documents().items()):
        choice = bytes([number % 256])
        found["decode"][name] = bytes([number % len(GROUPS["decode"])]) + choice + data
        found["message"][name] = bytes([number % 2 * 3]) + choice + op_msg(data)
        found["json"][f"{name}-text"] = bytes([(0, 1, 4, 5)[number % 4]]) + choice + text_of(data)
        found["json"][name] = b"\2" + choice + data
        found["json"][f"{name}-to-bson"] = b"\6" + choice + text_of(data)
        found["json"][f"{name}-from-bson"] = b"\7" + choice + data
    found["message"]["header"] = b"\1\0" + op_msg(b"\5\0\0\0\0")
    found["encode"]["batch"] = b"\1\3\4\4\4" + bytes(range(1, 60))
    found["message"]["typed"] = b"\2\0\1" + op_msg(reply([{"k": 5}, {"k": [1]}]))
    found["decode"]["deep"] = b"\6\xfd" + bsonx.encode({"a": 1})
    found["decode"]["many"] = b"\7\xff" + bsonx.encode({"a": 1, "a name that is long": "x"})
    found["decode"]["raw"] = b"\x08\0" + bsonx.encode({"a": {"b": {"c": 1}}, "d": [{}]})
    for number, text in enumerate(("0123456789abcdef01234567", "-1.50E-12", "é", "NaN", "1E+7000")):
        found["values"][f"text-{number}"] = bytes([0, number % 2]) + text.encode()
    found["values"]["bytes"] = b"\0\x10" + OID.binary
    for number in range(8):
        given = bytes([number + 2]) + bytes(range(1, 40))
        found["values"][f"made-{number}"] = bytes([1, 8 + number]) + given
        found["values"][f"state-{number}"] = bytes([2, number]) + given
    found["values"]["words-of-a-text"] = b"\1\1a\2\x08"
    found["values"]["wide-flags"] = b"\1\x0f\7\1a\0\5" + b"\xff" * 8 + b"\x50"
    found["encode"]["converted"] = b"\2\0\2\1a\0\x18\1b\0\x19"
    for number, text in enumerate(ROWS):
        found["csv"][f"rows-{number}"] = bytes([0, number * 36 % 256]) + text
        found["csv"][f"values-{number}"] = bytes([1, number]) + text.replace(b",", b"\n")
    for number, text in enumerate(RECORDS):
        found["json"][f"records-{number}"] = bytes([8, number % 2 + number * 4 + 2]) + text
    for number in range(8):
        values = bytes(range(number * 32, number * 32 + 32)) * 2
        found["encode"][f"values-{number}"] = bytes([0, number]) + values
        found["json"][f"values-{number}"] = bytes([3, number * 9]) + values
    found["typed"] = typed_inputs()
    return found


def main(folder: Path) -> None:
    for group, inputs in seeds().items():
        (folder / group).mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / group / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
