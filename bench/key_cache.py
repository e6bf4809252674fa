"""Documents whose keys are data (ids, days, names): nanoseconds a key, ours beside PyMongo's.

    python bench/key_cache.py [--rounds N] [--keys COUNTxLENGTH ...]

Each case is COUNT distinct keys of LENGTH bytes, ten to a document, decoded one document at a time
and over and over: a round is one pass over all of them with each library in turn. A figure is the
best of the rounds in CPU time; the first pass, which no key was seen before, is shown as well.
"""

from __future__ import annotations

import argparse
import os
import random
import string
import time
from collections.abc import Callable, Sequence

import bson

import bsonx

CASES = ("100x8", "4000x8", "20000x8", "100000x8", "200000x8", "200000x12", "200000x20")
PER_DOCUMENT = 10


def resident() -> float:
    """MiB of memory that this process has now; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def encoded(count: int, length: int, rng: random.Random) -> list[bytes]:
    """Documents with `count` distinct keys of that length."""

    def document() -> bytes:
        keys = ("".join(rng.choices(string.ascii_lowercase, k=length)) for _ in range(PER_DOCUMENT))
        return bson.encode({key: number for number, key in enumerate(keys)})

    return [document() for _ in range(count // PER_DOCUMENT)]


def one_pass(decode: Callable[[bytes], object], parts: Sequence[bytes]) -> float:
    """Nanoseconds a key."""
    start = time.process_time_ns()
    for part in parts:
        decode(part)
    return (time.process_time_ns() - start) / (len(parts) * PER_DOCUMENT)


def main() -> None:
    """Print one row a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keys", nargs="+", default=list(CASES), metavar="COUNTxLENGTH")
    options = parser.parse_args()
    rng = random.Random(1)
    before = resident()
    for case in options.keys:
        count, length = map(int, case.split("x"))
        parts = encoded(count, length, rng)
        rounds = [
            (one_pass(bsonx.decode, parts), one_pass(bson.decode, parts))
            for _ in range(options.rounds)
        ]
        ours, theirs = min(ours for ours, _ in rounds), min(theirs for _, theirs in rounds)
        print(
            f"{case:>10}: bsonx {ours:4.0f} ns (first pass {rounds[0][0]:4.0f}), "
            f"PyMongo {theirs:4.0f} ns, {ours / theirs:4.2f}"
        )
    del parts
    print(f"resident: {before:.0f} MiB before, {resident():.0f} MiB after")


if __name__ == "__main__":
    main()
