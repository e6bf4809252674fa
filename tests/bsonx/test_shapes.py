"""Documents that have the same keys again and again: their dicts are their own, and right."""

from __future__ import annotations

import gc
import random
import struct

import pytest

from implementations import CPYTHON


def document_of(pairs):
    """BSON of these keys and ints as they stand, equal keys too."""
    body = b"".join(b"\x10" + key.encode() + b"\0" + struct.pack("<i", n) for key, n in pairs)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 11, 64, 65, 255, 256, 257, 1000])
def test_each_has_its_own_values(bx, count):
    keys = [f"{'é' * (i % 3 == 0)}key {i}" for i in range(count)]
    decoded = [
        bx.decode(document_of([(key, i * turn) for i, key in enumerate(keys)])) for turn in range(5)
    ]
    for turn, document in enumerate(decoded):
        assert [*document.items()] == [(key, i * turn) for i, key in enumerate(keys)]


def test_a_change_stays_in_one(bx):
    data = bx.encode({"a": 1, "b": [2], "c": {"d": 3}})
    decoded = [bx.decode(data) for _ in range(5)]
    for document in decoded[1:4]:
        document["new"] = document.pop("a")
        document["b"].append(4)
        del document["c"]["d"]
        assert document == {"b": [2, 4], "c": {}, "new": 1}
    decoded[3].update((f"more {i}", i) for i in range(1000))
    assert decoded[0] == decoded[4] == bx.decode(data) == {"a": 1, "b": [2], "c": {"d": 3}}


def test_of_equal_keys_the_last_wins_at_the_first_ones_place(bx):
    data = document_of([("a", 1), ("b", 2), ("a", 3)])
    for _ in range(5):
        assert [*bx.decode(data).items()] == [("a", 3), ("b", 2)]


def test_shapes_that_differ_a_little_stay_apart(bx):
    chance = random.Random(7)
    keys = ["a", "b", "c", "_id", "long name of a field", "é"]
    for _ in range(3000):
        pairs = [(chance.choice(keys), chance.randrange(9)) for _ in range(chance.randrange(7))]
        document = bx.decode(document_of(pairs))
        assert [*document.items()] == [*dict(pairs).items()]


def test_more_shapes_than_are_kept(bx):
    documents = [{f"one {i}": i, f"two {i % 50}": None, "three": [i]} for i in range(1500)]
    encoded = [bx.encode(document) for document in documents]
    for _ in range(4):
        assert [bx.decode(data) for data in encoded] == documents


@pytest.mark.skipif(not CPYTHON, reason="PyPy's collector sees everything")
@pytest.mark.parametrize("document", [{"a": 1, "b": "x"}, {"a": 1, "b": []}, {"a": {}, "b": None}])
def test_the_collector_sees_what_it_must(bx, document):
    data = bx.encode(document)
    for _ in range(4):
        decoded = bx.decode(data)
        if any(isinstance(value, (list, dict)) for value in document.values()):
            assert gc.is_tracked(decoded)
        assert decoded == document


def test_cycles_are_collected(bx):
    class Marker:
        freed = 0

        def __del__(self):
            Marker.freed += 1

    data = bx.encode({"list": [], "n": 1})
    for _ in range(5):
        document = bx.decode(data)
        document["list"] += [document, Marker()]
    del document
    gc.collect()
    assert Marker.freed == 5


def test_decoding_within_decoding(bx):
    from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry

    data = bx.encode({"a": 1.5, "b": {"a": 2.5, "b": 3}})
    seen = []

    class Again(TypeDecoder):
        bson_type = float

        def transform_bson(self, value):
            gc.collect()
            seen.append(bx.decode(data))
            return value

    options = CodecOptions(type_registry=TypeRegistry([Again()]))
    for _ in range(4):
        assert bx.decode(data, options) == {"a": 1.5, "b": {"a": 2.5, "b": 3}}
    assert seen == [{"a": 1.5, "b": {"a": 2.5, "b": 3}}] * 8
