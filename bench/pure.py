"""The pure-Python twin beside PyMongo's pure Python.

    python bench/pure.py [--rounds N]

Neither extension is loaded in this process: ours by `BSONX_IMPL`, PyMongo's by hiding its module.
A ratio is PyMongo's best time over ours.
"""

from __future__ import annotations

import argparse
import os
import sys
from types import ModuleType

os.environ["BSONX_IMPL"] = "py"
sys.modules["bson._cbson"] = None  # type: ignore[assignment]

import bson  # noqa: E402

import bsonx  # noqa: E402
import documents  # noqa: E402
from interleaved import Case, Run, measure  # noqa: E402
from report import geometric_mean  # noqa: E402

assert not bson.has_c(), "PyMongo's extension is loaded"
assert not bsonx.has_c(), "our extension is loaded"


def encoding(module: ModuleType, document: object) -> Run:
    """A run that encodes the document n times."""

    def run(count: int) -> None:
        for _ in range(count):
            module.encode(document)

    return run


def decoding(module: ModuleType, data: bytes) -> Run:
    """A run that decodes the bytes n times."""

    def run(count: int) -> None:
        for _ in range(count):
            module.decode(data)

    return run


def cases() -> list[Case]:
    """Encode and decode of each official document."""
    found = []
    for name, data in documents.load().items():
        theirs, ours = bson.decode(data), bsonx.decode(data)
        encode = {"pymongo": encoding(bson, theirs), "ours": encoding(bsonx, ours)}
        decode = {"pymongo": decoding(bson, data), "ours": decoding(bsonx, data)}
        found += [Case("encode", name, encode), Case("decode", name, decode)]
    return sorted(found, key=lambda case: case.group)


def main() -> None:
    """Print a line for each document and the geometric means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    ratios: dict[str, list[float]] = {}
    for case in cases():
        times = measure(case, rounds)
        theirs, ours = times["pymongo"].best() * 1e6, times["ours"].best() * 1e6
        ratios.setdefault(case.group, []).append(theirs / ours)
        print(f"{case.group} {case.name:6}{theirs:12.1f}{ours:12.1f} us {theirs / ours:6.2f}")
    for group, values in ratios.items():
        print(f"{group} geometric mean {geometric_mean(values):.2f}")


if __name__ == "__main__":
    main()
