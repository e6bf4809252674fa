"""Typed decoding of damaged documents: C and pure Python agree in values, errors and places."""

import dataclasses
import gc
import itertools
import struct
import sys
from typing import Any, Literal

import bson
import pytest
from mutate import mutations, seeds
from typed_shapes import attempt, make_classes, make_holders

from implementations import tree

SEED = 61
DAMAGED = pytest.mark.parametrize(
    "count",
    [30_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(0)])],
    ids=["short", "long"],
)


class Side:
    """One implementation with types of its own."""

    def __init__(self, implementation):
        self.implementation = implementation
        with tree(implementation).active() as bx:
            self.types = make_holders(bx)
            self.singles = len(self.types)
            classes = make_classes(bx)
            self.types += [tp for tp, _ in classes]
            self.corpora = [[bx.encode(document)] for _, document in classes]
            self.options = [
                bx.CodecOptions(),
                bx.CodecOptions(tz_aware=True, uuid_representation=4),
                bx.CodecOptions(unicode_decode_error_handler="replace", uuid_representation=3),
                bx.CodecOptions(datetime_conversion=bx.DatetimeConversion.DATETIME_AUTO),
            ]

    def outcomes(self, cases):
        """What each case gives: (bytes, number of the type, number of the options)."""
        with tree(self.implementation).active() as bx:
            return [
                attempt(bx.decode, data, self.options[which], type=self.types[number])
                for data, number, which in cases
            ]


@pytest.fixture(scope="module")
def sides():
    return Side("c"), Side("py")


def disagreements(sides, cases):
    """Compare both sides in chunks; return the differences and how often there was a value."""
    c, pure = sides
    differences, values = [], 0
    while chunk := list(itertools.islice(cases, 5000)):
        for case, one, two in zip(chunk, c.outcomes(chunk), pure.outcomes(chunk), strict=True):
            values += one[0] == "gives"
            if one != two:
                differences.append((case, one, two))
    return differences, values


def cases_of(numbers, corpora, count):
    """Damaged documents for types: most of them made of documents that fit the type."""
    everything = [data for corpus in corpora for data in corpus]
    for number, corpus in zip(numbers, corpora, strict=True):
        weighted = corpus * (1 + 20 * len(everything) // max(1, len(corpus))) + everything
        for data in mutations(SEED + number, count // len(corpora), weighted):
            yield data, number, number % 4


@DAMAGED
def test_single_fields(sides, count):
    side = sides[0]
    numbers = range(side.singles)
    undamaged = seeds(bson)
    corpora = []
    for number in numbers:
        outcomes = side.outcomes((data, number, 1) for data in undamaged)
        fitting = [d for d, o in zip(undamaged, outcomes, strict=True) if o[0] == "gives"]
        assert fitting, side.types[number].__annotations__
        corpora.append(fitting)
    differences, values = disagreements(sides, cases_of(numbers, corpora, count))
    assert not differences, f"{len(differences)} differences, first: {differences[0]}"
    assert count // 20 < values < count


@DAMAGED
def test_classes(sides, count):
    side = sides[0]
    numbers = range(side.singles, len(side.types))
    differences, values = disagreements(sides, cases_of(numbers, side.corpora, count))
    assert not differences, f"{len(differences)} differences, first: {differences[0]}"
    assert count // 20 < values < count


# ---- hostile shapes ----


@dataclasses.dataclass
class Left:
    child: "Left | Right | None"
    tag: Literal["left"]


@dataclasses.dataclass
class Right:
    child: "Left | Right | None"
    tag: Literal["right"]


def nested(depth, leaf):
    """A document whose alternatives fail at its bottom only."""
    document = leaf
    for _ in range(depth):
        document = {"child": document, "tag": "right"}
    return document


def test_nested_unions_do_not_cost_exponential_time(bx):
    data = bx.encode(nested(60, {"child": None, "tag": "neither"}))
    with pytest.raises((bx.InvalidBSON, ValueError)):
        bx.decode(data, type=Left | Right)  # 2 ** 60 tries would have no end
    assert bx.decode(bx.encode(nested(4, None)), type=Left | Right).tag == "right"


@dataclasses.dataclass
class Chain:
    next: "Chain | None" = None


def chain(depth):
    data = b"\5\0\0\0\0"
    for _ in range(depth):
        body = b"\3next\0" + data
        data = struct.pack("<i", len(body) + 5) + body + b"\0"
    return data


def test_depth_is_limited(bx):
    assert bx.decode(chain(50), type=Chain).next.next is not None
    for depth in (1001, 5000):
        with pytest.raises(bx.InvalidBSON, match="maximum recursion depth exceeded"):
            bx.decode(chain(depth), type=Chain)


def test_lists_nested_too_deeply(bx):
    @dataclasses.dataclass
    class Holder:
        k: list[Any]

    data = b"\5\0\0\0\0"
    for _ in range(3000):
        body = b"\x040\0" + data
        data = struct.pack("<i", len(body) + 5) + body + b"\0"
    body = b"\x04k\0" + data
    data = struct.pack("<i", len(body) + 5) + body + b"\0"
    with pytest.raises(bx.InvalidBSON, match="maximum recursion depth exceeded"):
        bx.decode(data, type=Holder)


def test_a_failing_decode_leaks_nothing(bx):
    _, document = make_classes(bx)[6]
    tp = make_classes(bx)[6][0]
    good = bx.encode(document)
    marker = good.index(b"lives")
    bad = bytearray(good)
    bad[marker - 1] = 0x02  # an int32 read as a string
    broken = good[:-3] + b"\x55\0\0"

    def work():
        for data in (good, bytes(bad), broken):
            attempt(bx.decode, data, type=tp)

    def counts():
        gc.collect()
        return sys.getrefcount(None), sys.getrefcount(tp), len(gc.get_objects())

    for _ in range(50):
        work()
    before = counts()
    for _ in range(300):
        work()
    after = counts()
    none, kind, objects = (b - a for a, b in zip(before, after, strict=True))
    # Others may let go of objects meanwhile.
    assert abs(none) < 50 and abs(kind) < 50 and objects < 50, (before, after)
