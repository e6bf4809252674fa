"""Seeds of every BSON type, and a fast deterministic mutator that damages them."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

from specs import load, specs_root

_WORDS = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    12,
    16,
    255,
    256,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32 - 5,
)
_TYPES = bytes([*range(0x14), 0x7F, 0xFF, 0x80])


def seeds(bson: Any) -> list[bytes]:
    """Return small documents (made with the given package) that use every type."""
    values = [
        1.5,
        float("nan"),
        "text",
        "\u00e9\u4e2d\U0001f600",
        "",
        {"a": 1},
        {},
        [1, "two", None],
        [],
        b"bytes",
        bson.Binary(b"old", 2),
        bson.Binary(b"u" * 16, 3),
        bson.Binary(b"u" * 16, 4),
        bson.Binary(b"", 128),
        bson.ObjectId(b"0123456789ab"),
        True,
        False,
        bson.DatetimeMS(0),
        bson.DatetimeMS(-1),
        bson.DatetimeMS(253402300799999),
        bson.DatetimeMS(-62135596800000),
        bson.DatetimeMS(2**62),
        None,
        bson.Regex("a.b", "imx"),
        bson.Code("code"),
        bson.Code("code", {"x": 1}),
        bson.DBRef("c", 1, "d", extra=2),
        5,
        -(2**31),
        bson.Timestamp(1, 2),
        bson.Int64(5),
        2**40,
        bson.Decimal128("1.50"),
        bson.MinKey(),
        bson.MaxKey(),
        [{"a": [{"b": [1, {"c": "deep"}]}]}],
        {"$ref": "c", "$id": 1},
        {"$ref": 5, "$id": 1, "$db": "x"},
    ]
    single = [bson.encode({"k": value}) for value in values]
    mixed = [bson.encode({f"k{i}": v for i, v in enumerate(values[n::5])}) for n in range(5)]
    return single + mixed + _deprecated() + _from_corpus()


def _deprecated() -> list[bytes]:
    elements = (
        b"\x06k\0",
        b"\x0ek\0\x02\0\0\0s\0",
        b"\x0ck\0\x02\0\0\0c\0" + b"0123456789ab",
        b"\x10k\0\x01\0\0\0\x10k\0\x02\0\0\0",
    )
    return [struct.pack("<i", len(body) + 5) + body + b"\0" for body in elements]


def _from_corpus() -> list[bytes]:
    root = specs_root()
    found = []
    if root is not None:
        for path in sorted((root / "bson-corpus").glob("*.json")):
            spec = load(path)
            cases = [case["canonical_bson"] for case in spec.get("valid", [])[:6]]
            cases += [case["bson"] for case in spec.get("decodeErrors", [])[:6]]
            found += [bytes.fromhex(case) for case in cases]
    return [data for data in found if len(data) < 600]


def mutations(seed: int, count: int, corpus: list[bytes]) -> Iterator[bytes]:
    """Yield ``count`` damaged variants of the corpus, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            _damage(rng, data, corpus)
        if rng.random() < 0.7 and len(data) >= 4:
            # With an honest outer length more of the damage reaches the readers inside.
            data[:4] = struct.pack("<i", len(data))
            if rng.random() < 0.8:
                data[-1] = 0
        yield bytes(data)


def _damage(rng: random.Random, data: bytearray, corpus: list[bytes]) -> None:
    size = len(data)
    if size < 5:
        data += rng.randbytes(3)
        return
    at = rng.randrange(size)
    kind = rng.randrange(8)
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at] = rng.choice(_TYPES)
    elif kind == 2:
        data[at] = rng.randrange(256)
    elif kind == 3:
        word = struct.pack("<I", rng.choice(_WORDS))
        data[at : at + 4] = word[: size - at]
    elif kind == 4 and at + 4 <= size:
        (word,) = struct.unpack_from("<i", data, at)
        changed = max(-(2**31), min(2**31 - 1, word + rng.choice((-4, -1, 1, 4))))
        struct.pack_into("<i", data, at, changed)
    elif kind == 5:
        del data[at : at + rng.randrange(1, 6)]
    elif kind == 6:
        data[at:at] = data[at : at + rng.randrange(1, 12)]
    else:
        other = rng.choice(corpus)
        start = rng.randrange(len(other))
        data[at : at + rng.randrange(8)] = other[start : start + rng.randrange(1, 16)]
