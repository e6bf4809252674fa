"""Documents that are encoded already: how many of them go into one message."""

from array import array
from itertools import accumulate

import pytest

import bsonx
from mongodriver.values.sequences import EncodedDocuments

MANY = 1000


def documents(*sizes):
    data = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    return EncodedDocuments(data, memoryview(array("I", accumulate(sizes))))


@pytest.mark.parametrize(
    ("sizes", "start", "count", "room", "largest", "stop"),
    [
        ([10] * 5, 0, MANY, MANY, MANY, 5),
        ([10] * 5, 0, 3, MANY, MANY, 3),
        ([10] * 5, 3, 3, MANY, MANY, 5),
        ([10] * 5, 0, MANY, 30, MANY, 3),
        ([10] * 5, 0, MANY, 29, MANY, 2),
        ([10] * 5, 1, MANY, 29, MANY, 3),
        ([10] * 5, 4, MANY, 29, MANY, 5),
        ([50, 10], 0, MANY, 29, MANY, 1),  # one at least
        ([50, 10], 0, 0, MANY, MANY, 1),
        ([10, 10, 50, 10], 0, MANY, MANY, 49, 2),  # not behind another one
        ([10, 10, 50, 10], 2, MANY, MANY, 49, 3),
        ([10, 10, 50, 10], 3, MANY, MANY, 49, 4),
        ([10, 10, 50, 10], 0, MANY, MANY, 50, 4),
        ([10, 10, 50], 0, 2, MANY, 20, 2),
    ],
)
def test_how_far_a_message_goes(sizes, start, count, room, largest, stop):
    assert documents(*sizes).stop(start, count, room, largest) == stop


def test_single_documents():
    encoded = documents(3, 2, 4)
    assert len(encoded) == 3
    assert [encoded.document(index) for index in range(3)] == [b"\0" * 3, b"\1" * 2, b"\2" * 4]
    assert [encoded.begin(index) for index in range(3)] == [0, 3, 5]


def test_as_events_show_them():
    parts = [bsonx.encode({"n": n}) for n in range(4)]
    encoded = EncodedDocuments(b"".join(parts), memoryview(array("I", accumulate(map(len, parts)))))
    assert [dict(document) for document in encoded[1:3]] == [{"n": 1}, {"n": 2}]
