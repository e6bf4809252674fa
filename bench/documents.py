"""The six official benchmark documents, as BSON.

They are read from `BENCH_DATA`, else from `../shared/bench-data` beside the repository; where
neither exists, documents of the same shapes are made up, and the report says so.
"""

from __future__ import annotations

import os
import random
import string
from pathlib import Path

import bson
from bson import json_util

NAMES = {
    "flat": "flat_bson.json",
    "deep": "deep_bson.json",
    "full": "full_bson.json",
    "tweet": "tweet.json",
    "small": "small_doc.json",
    "large": "large_doc.json",
}
# Those that JSON libraries can carry too.
JSON_ONLY = ("deep", "tweet", "small", "large")


def folder() -> Path | None:
    """Where the official documents are, or None."""
    here = Path(__file__).resolve().parent.parent
    for place in (os.environ.get("BENCH_DATA"), here.parent / "shared" / "bench-data"):
        if place and Path(place).is_dir():
            return Path(place)
    return None


def load() -> dict[str, bytes]:
    """Each document's BSON by its short name."""
    place = folder()
    if place is None:
        return {name: bson.encode(document) for name, document in made_up().items()}
    return {
        name: bson.encode(json_util.loads((place / file).read_text()))
        for name, file in NAMES.items()
    }


def made_up() -> dict[str, dict[str, object]]:
    """Documents of about the official ones' sizes and types, the same in every run."""
    rng = random.Random(20)

    def word(length: int = 8) -> str:
        return "".join(rng.choices(string.ascii_letters, k=length))

    def tree(depth: int) -> object:
        return {"left": tree(depth - 1), "right": tree(depth - 1)} if depth else word()

    def fields(count: int) -> dict[str, object]:
        makers = (lambda: word(80), lambda: rng.getrandbits(31), lambda: word())
        return {word(): makers[i % 3]() for i in range(count)}

    full = {
        "oid": bson.ObjectId("0123456789abcdef01234567"),
        "code": bson.Code("function () {}", {}),
        "regex": bson.Regex("a.b", "i"),
        "long": bson.Int64(2**40),
        "stamp": bson.Timestamp(7, 8),
        "data": b"x" * 80,
        "min": bson.MinKey(),
        "max": bson.MaxKey(),
    }
    tweet = {**fields(30), "user": fields(30), "entities": {"urls": [], "tags": [fields(4)]}}
    return {
        "flat": {**fields(96), "long": bson.Int64(2**40), "double": 1.5, "flag": True},
        "deep": {"root": tree(6)},
        "full": {word(): value for _ in range(6) for value in full.values()},
        "tweet": tweet,
        "small": fields(13),
        "large": fields(60000),
    }
