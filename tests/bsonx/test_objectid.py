"""New ObjectIds: their parts, and that no two are the same."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from implementations import CPYTHON


def _counter(oid):
    return int.from_bytes(oid.binary[9:], "big")


def test_parts(bx):
    before = int(time.time()) - 1  # the clock of C's time() may be a tick behind
    first, second = bx.ObjectId(), bx.ObjectId()
    assert before <= first.generation_time.timestamp() <= time.time() + 1
    assert first.generation_time.tzinfo is bx.utc
    assert first.binary[4:9] == second.binary[4:9]
    assert (_counter(second) - _counter(first)) % 2**24 == 1


@pytest.mark.parametrize(
    ("start", "counters"),
    [
        ("010203", ["010203", "010204", "010205"]),
        ("0000fe", ["0000fe", "0000ff", "000100"]),
        ("12fffe", ["12fffe", "12ffff", "130000"]),
        ("fffffe", ["fffffe", "ffffff", "000000", "000001"]),
        ("ffffff", ["ffffff", "000000", "000001"]),
    ],
)
def test_the_counter_is_big_endian_and_starts_over(bx, start, counters):
    """In a fresh process, whose random bytes are these; the seconds come before them."""
    code = f"""
import os, sys, time
import bsonx, datetime
drawn = bytes.fromhex("a1b2c3d4e5{start}")
def urandom(size):
    global drawn
    given, drawn = drawn[:size], drawn[size:]
    return given
os.urandom = urandom
{"" if bx.has_c() else "from bsonx._py.types.objectid import generate; generate.reseed()"}
before = int(time.time()) - 1
made = [bsonx.ObjectId() for _ in range({len(counters)})]
after = int(time.time())
assert bsonx.has_c() is {bx.has_c()}
assert all(before <= int.from_bytes(oid.binary[:4], "big") <= after for oid in made)
assert drawn == b""
print(*[oid.binary[4:].hex() for oid in made])
"""
    environment = {**os.environ, "BSONX_IMPL": "c" if bx.has_c() else "py"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["a1b2c3d4e5" + counter for counter in counters]


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


@pytest.mark.skipif(not CPYTHON, reason="PyPy does not tell the size of an object")
def test_small(bx):
    assert sys.getsizeof(bx.ObjectId()) <= 64
