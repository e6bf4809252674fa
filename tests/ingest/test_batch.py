"""Batches, and the ids that documents get by their number."""

from array import array

import pytest

import bsonx
from bsonx.objectid import ObjectId
from mongodriver.ingest.batch import Batch, Ids


def test_the_documents_of_a_batch():
    parts = [bsonx.encode({"n": n, "text": "x" * n}) for n in range(3)]
    ends = array("I", [len(parts[0]), len(parts[0] + parts[1]), len(b"".join(parts))])
    batch = Batch("numbers", b"".join(parts), ends.tobytes(), range(1, 4))
    assert len(batch) == 3
    assert [batch.document(index) for index in range(3)] == parts
    assert list(batch.positions) == [1, 2, 3]
    assert "x" not in repr(batch).replace("<Batch of 'numbers'", "")


def test_ids_are_the_same_for_the_same_number():
    ids = Ids()
    again = Ids(ids.seed)
    numbers = [0, 1, 255, 256, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, 5 << 24]
    assert [ids.first(n) for n in numbers] == [again.first(n) for n in numbers]
    assert len({ids.first(n) for n in numbers}) == len(numbers)
    assert [ids.first(n) for n in numbers] == sorted(ids.first(n) for n in numbers)


def test_a_counter_that_is_full_carries_into_the_seconds():
    ids = Ids(bytes.fromhex("6000000011223344ff"))
    assert ids.first((1 << 24) - 1).hex() == "6000000011223344ffffffff"
    assert ids.first(1 << 24).hex() == "6000000111223344ff000000"
    assert ObjectId(ids.first(7)).generation_time.year == 2021


def test_new_ids_are_of_now_and_of_nobody_else():
    before = ObjectId().generation_time
    one, other = ObjectId(Ids().first(0)), ObjectId(Ids().first(0))
    assert before <= one.generation_time <= ObjectId().generation_time
    assert one != other


def test_a_seed_of_another_size():
    with pytest.raises(ValueError, match="9 bytes, not 12"):
        Ids(bytes(12))
