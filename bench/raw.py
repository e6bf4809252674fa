"""Lazy documents: `RawBSONDocument(data)[name]` beside PyMongo's and beside decoding the whole.

    python bench/raw.py [--rounds N]

prints for the first, the middle and the last field of each document, and for the mean over all
top-level fields, what share of our own `decode(data)` it takes to make a raw document and to read
that one field. `make bench` has the mean as the group `raw`; there "whole" is our `decode(data)`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument as TheirDocument

import bsonx
import documents
from bsonx.raw_bson import RawBSONDocument
from interleaved import Case, Run, measure, ratio


def each_field(document: Any, data: bytes, names: list[str]) -> Run:
    """A run that makes a document and reads one field of it, for every name."""

    def run(count: int) -> None:
        for _ in range(count):
            for name in names:
                document(data)[name]

    return run


def whole(data: bytes, times: int) -> Run:
    """A run that decodes the whole document that many times."""

    def run(count: int) -> None:
        for _ in range(count):
            for _ in range(times):
                bsonx.decode(data)

    return run


def cases() -> Iterator[Case]:
    """One field of each document, the mean over its top-level fields."""
    for title, data in documents.load().items():
        names = list(bson.decode(data))[:100]
        contenders = {
            "pymongo": each_field(TheirDocument, data, names),
            "ours": each_field(RawBSONDocument, data, names),
            "whole": whole(data, len(names)),
        }
        yield Case("raw", title, contenders, operations=len(names))


def shares(data: bytes, rounds: int) -> Iterator[tuple[str, float, float]]:
    """For some fields and the mean of all: seconds, and the share of decoding the whole."""
    names = list(bsonx.decode(data))
    choices = {
        f"first ({names[0]})": names[:1],
        f"middle ({names[len(names) // 2]})": [names[len(names) // 2]],
        f"last ({names[-1]})": names[-1:],
        f"mean of {len(names)}": names,
    }
    for title, chosen in choices.items():
        runs = {
            "field": each_field(RawBSONDocument, data, chosen),
            "whole": whole(data, len(chosen)),
        }
        timings = measure(Case("raw", title, runs, operations=len(chosen)), rounds)
        yield title, timings["field"].median(), ratio(timings, "field", "whole")


def main() -> None:
    """Parse the arguments, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--document", choices=documents.NAMES, help="default: all but large")
    options = parser.parse_args()
    for name, data in documents.load().items():
        if name == options.document or (options.document is None and name != "large"):
            print(f"{name}, {len(data)} bytes")
            for title, seconds, share in shares(data, options.rounds):
                print(f"  {title:40} {seconds * 1e6:7.3f} us {share:6.1%}")


if __name__ == "__main__":
    main()
