"""New ObjectIds: their parts, and that no two are the same."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest


def _counter(oid):
    return int.from_bytes(oid.binary[9:], "big")


def test_parts(bx):
    before = int(time.time())
    first, second = bx.ObjectId(), bx.ObjectId()
    assert before <= first.generation_time.timestamp() <= time.time() + 1
    assert first.generation_time.tzinfo is bx.utc
    assert first.binary[4:9] == second.binary[4:9]
    assert (_counter(second) - _counter(first)) % 2**24 == 1


def test_ids_sort_by_time_of_creation(bx):
    ids = [bx.ObjectId() for _ in range(1000)]
    if _counter(ids[0]) < _counter(ids[-1]):  # unless the counter started over
        assert ids == sorted(ids)
    assert len(set(ids)) == 1000


def test_unique_across_threads(bx):
    found = []

    def work():
        found.append([bx.ObjectId() for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [oid for part in found for oid in part]
    assert len(set(ids)) == len(ids) == 16000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_its_own_random_part(bx):
    here = bx.ObjectId().binary[4:9]
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.write(writable, bx.ObjectId().binary[4:9])
        os._exit(0)
    os.close(writable)
    there = os.read(readable, 5)
    os.close(readable)
    os.waitpid(child, 0)
    assert len(there) == 5
    assert there != here
    assert bx.ObjectId().binary[4:9] == here


def test_subclass(bx):
    class Mine(bx.ObjectId):
        pass

    oid = Mine("0123456789abcdef01234567")
    assert oid == bx.ObjectId("0123456789abcdef01234567")
    assert repr(oid) == "ObjectId('0123456789abcdef01234567')"
    assert bx.decode(bx.encode({"a": oid})) == {"a": oid}
    assert isinstance(Mine.from_datetime(oid.generation_time), Mine)


def test_hash_and_sets(bx):
    text = "0123456789abcdef01234567"
    assert (
        len({bx.ObjectId(text), bx.ObjectId(text.upper()), bx.ObjectId(bytes.fromhex(text))}) == 1
    )
    assert hash(bx.ObjectId(text)) == hash(bytes.fromhex(text))


def test_small(bx):
    assert sys.getsizeof(bx.ObjectId()) <= 64
