"""Columns built, given away and read, well or badly, leave no memory behind."""

from __future__ import annotations

import gc
import importlib

import pytest
from arrow_producer import Array, Producer, pack, plain

from implementations import FREE_THREADED, tree

tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("spared_collector")]
ROUND = 200  # calls; what is lost in each of them counts as many


@pytest.fixture
def bx():
    """The extension: pure Python has no memory of its own to lose."""
    with tree("c").active() as package:
        yield package


@pytest.fixture
def arrow(bx):
    return importlib.import_module("bsonx.arrow")


def left_by(call):
    """Bytes that are left by each call: of objects, and of memory that needs no interpreter.

    The least of some rounds: threads that others have left in the process allocate, too.
    """
    call()
    tracemalloc.start()
    try:
        for _ in range(20):
            call()
        return min(_left_by_a_round(call) for _ in range(3))
    finally:
        tracemalloc.stop()


def _left_by_a_round(call):
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(ROUND):
        call()
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / ROUND


def documents(bx):
    rows = [
        {"_id": bx.ObjectId(), "s": "text" * i, "l": [{"x": i}, None], "d": bx.Decimal128("1.5")}
        for i in range(20)
    ]
    return b"".join(map(bx.encode, rows))


def attempt(call, *args, **options):
    try:
        call(*args, **options)
    except Exception:
        return


def calls(bx, arrow):
    """What is called, by name."""
    from bsonx._impl import arrow_array, arrow_schema

    data = documents(bx)
    table = arrow.from_bson(data)
    (batch,) = table.batches

    def abandoned():
        table.__arrow_c_stream__()
        batch.__arrow_c_array__()
        reader = arrow.DocumentReader(table)
        reader.read(3)

    def fails():
        def broken():
            yield data
            raise OSError("broken")

        attempt(list, arrow.ArrowStream(broken()))
        attempt(list, arrow.to_bson(arrow.ArrowStream(broken())))

    def misfits():
        attempt(arrow.from_bson, data, {"s": int})
        attempt(arrow.from_bson, data, {"l": ["int8"]})
        attempt(arrow.from_bson, data, {"a": int}, on_unknown="error")
        attempt(arrow.from_bson, data + b"\5")
        attempt(arrow.from_bson, data[:-5] + b"\xff" * 5)
        attempt(arrow.from_bson, [data])
        attempt(arrow.from_bson, bx.encode({"a": [1, "x"]}))

    def hostile():
        field = plain("+s", "", [plain("u"), plain("i", "y")])
        good = Array(2, [None, pack("i", 1, 2)])
        for text in (
            Array(2, [None, pack("i", 0, 5, 3), b"abcdef"]),
            Array(2, [None, pack("i", 0, 1, 2), b"\xff\xff"]),
            Array(5, [None]),
        ):
            rows = Array(2, [None], [text, good])
            attempt(list, arrow.to_bson(Producer(field, rows)))
            attempt(list, arrow.to_bson(Producer(field, rows), collect=True))

    return {
        "build": lambda: arrow.from_bson(data),
        "read": lambda: list(arrow.to_bson(table)),
        "stream": lambda: list(arrow.to_bson(arrow.ArrowStream([data, data]))),
        "capsules": lambda: (arrow_schema(batch.field), arrow_array(batch.data)),
        "abandoned": abandoned,
        "fails": fails,
        "misfits": misfits,
        "hostile": hostile,
        "schema": lambda: attempt(arrow.from_bson, b"", {"a": {"b": ["int8"]}, "c": "objectid"}),
        "bad schema": lambda: attempt(arrow.from_bson, b"", {"a": "timestamp[x]"}),
    }


NAMES = ["build", "read", "stream", "capsules", "abandoned", "fails", "misfits", "hostile"]
NAMES += ["schema", "bad schema"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left(bx, arrow, name):
    if name == "hostile" and FREE_THREADED:
        pytest.skip("what ctypes exports stays behind without a GIL")
    assert left_by(calls(bx, arrow)[name]) < 16


def test_a_leak_is_found(bx, arrow):
    kept = []
    data = documents(bx)
    assert left_by(lambda: kept.append(arrow.from_bson(data))) > 1000
