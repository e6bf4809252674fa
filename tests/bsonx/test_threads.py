"""Many threads in the codec at once: with the same bytes, options, types and documents."""

from __future__ import annotations

import dataclasses
import importlib
import os
import subprocess
import sys
import sysconfig
import threading
import typing

import pytest

COUNT = 8


@pytest.fixture(autouse=True)
def frequent_switches():
    """Change threads as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work, count=COUNT):
    """Run `work(number)` in threads that start together; return the results in order."""
    start = threading.Barrier(count)
    results = [None] * count

    def run(number):
        start.wait()
        try:
            results[number] = work(number)
        except Exception as exc:
            results[number] = exc

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def document(bx):
    values = [None, 1.5, "text", bx.ObjectId(b"0" * 12), bx.Int64(5), b"x", [1, {"z": [True]}]]
    return {f"key{i}": [value, {"inner": value}] for i, value in enumerate(values * 6)}


def test_the_same_bytes_with_the_same_options(bx):
    data = bx.encode(document(bx))
    sets = [
        bx.CodecOptions(),
        bx.CodecOptions(document_class=bx.SON, tz_aware=True),
        bx.CodecOptions(unicode_decode_error_handler="replace", uuid_representation=4),
    ]
    expected = [bx.decode(data, options) for options in sets]

    def work(number):
        wrong = 0
        for turn in range(60):
            which = (turn + number) % len(sets)
            value = bx.decode(data, sets[which])
            wrong += value != expected[which]
            wrong += bx.encode(value, codec_options=sets[which]) != data
            wrong += bx.decode_all(data * 2, sets[which]) != [expected[which]] * 2
        return wrong

    assert at_once(work) == [0] * COUNT


def test_options_of_their_own(bx):
    """More options than the extension keeps compiled, and keys that drive others out."""

    def work(number):
        wrong = 0
        for turn in range(40):
            options = bx.CodecOptions(document_class=bx.SON)
            given = bx.SON((f"{number}-{turn}-{i}", i) for i in range(80))
            wrong += bx.decode(bx.encode(given), options) != given
        return wrong

    assert at_once(work) == [0] * COUNT


@dataclasses.dataclass
class Inner:
    a: int


def test_a_type_that_none_of_them_has_compiled(bx):
    for _ in range(10):
        kind = dataclasses.make_dataclass("Outer", [("b", str), ("inner", list[Inner])])
        value = kind("x", [Inner(1), Inner(2)])
        data = bx.encode({"b": "x", "inner": [{"a": 1}, {"a": 2}]})
        results = at_once(
            lambda number, kind=kind, data=data, value=value: (
                bx.decode(data, type=kind) == value,
                bx.encode(value) == data,
            )
        )
        assert results == [(True, True)] * COUNT


def test_one_lazy_document(bx):
    raw_bson = importlib.import_module("bsonx.raw_bson")
    data = bx.encode(document(bx))
    expected = bx.decode(data)
    for _ in range(20):
        options = raw_bson.DEFAULT_RAW_BSON_OPTIONS
        lazy = bx.decode_all(data * 2, options)[1]

        def work(number, lazy=lazy):
            if number % 2:
                return lazy.raw == data and len(lazy) == len(expected)
            scalars = [key for key, value in expected.items() if type(value[0]) is not list]
            return all(lazy[key][0] == expected[key][0] for key in scalars)

        assert at_once(work) == [True] * COUNT


def test_extended_json(bx):
    json_util = importlib.import_module("bsonx.json_util")
    value = document(bx)
    text = json_util.dumps(value)

    def work(number):
        return sum(
            json_util.dumps(value) != text or json_util.loads(text).keys() != value.keys()
            for _ in range(20)
        )

    assert at_once(work) == [0] * COUNT


def test_object_ids_are_unique(bx):
    made = at_once(lambda number: [bx.ObjectId() for _ in range(500)])
    assert len({one for ids in made for one in ids}) == COUNT * 500


def test_one_that_changes_while_it_is_encoded(bx):
    """An error or some state in between, but nothing that cannot be read."""
    shared = {f"key{i}": [i] for i in range(50)}

    def work(number):
        for turn in range(100):
            if number == 0:
                shared.pop(f"key{turn % 50}", None)
                shared[f"other{turn}"] = [turn] * turn
                shared.pop(f"other{turn - 1}", None)
                continue
            try:
                data = bx.encode(shared)
            except RuntimeError:  # the dictionary changed its size
                continue
            bx.decode(data)
        return

    assert at_once(work) == [None] * COUNT


def test_every_way_in_with_shared_caches(bx):
    """All of them at once, with the same options, keys, types and bytes, some that change."""
    impl = importlib.import_module("bsonx._impl")
    json_util = importlib.import_module("bsonx.json_util")
    raw_bson = importlib.import_module("bsonx.raw_bson")
    value = document(bx)
    data = bx.encode(value)
    text = json_util.dumps(value)
    options = bx.CodecOptions(document_class=bx.SON, tz_aware=True)
    limits = {"max_count": 10, "max_document_size": 1 << 20, "max_message_size": 1 << 20}
    message = impl.encode_message(1, 0, value, options)
    batch = impl.encode_batch(1, 0, {"insert": "c"}, "documents", [value], 0, options, **limits)
    ways = [
        lambda: bx.encode(value) == data,
        lambda: bx.decode(data, options) == value,
        lambda: bx.decode(bytearray(data)) == value,
        lambda: bx.decode_all(memoryview(bytearray(data * 2)))[1] == value,
        lambda: impl.encode_message(1, 0, value, options) == message,
        lambda: impl.decode_message(message, options) == (0, value),
        lambda: (
            impl.encode_batch(1, 0, {"insert": "c"}, "documents", [value], 0, options, **limits)
            == batch
        ),
        lambda: json_util.dumps(value) == text,
        lambda: json_util.loads(text).keys() == value.keys(),
        lambda: raw_bson.RawBSONDocument(data)["key2"][0] == "text",
        lambda: bx.decode(bx.encode(Inner(3)), type=Inner) == Inner(3),
        lambda: bx.decode(bx.encode({"a": 1}), type=Late).a == 1,
        lambda: [*bx.decode_iter(data)] == [value],
        lambda: str(bx.ObjectId(str(value["key3"][0]))) == str(value["key3"][0]),
    ]

    def work(number):
        return sum(not ways[(number + turn) % len(ways)]() for turn in range(6 * len(ways)))

    assert at_once(work) == [0] * COUNT


class Late(typing.NamedTuple):
    a: int


def test_buffers_that_change_while_they_are_decoded(bx):
    """Whatever the bytes are at a moment: a value or InvalidBSON, but nothing beyond them."""
    good = bx.encode({"a": ["x" * 40, {"b": b"y" * 30}], "n": 5, "s": "text"})
    shared = bytearray(good)

    def work(number):
        for turn in range(150):
            if number < 2:
                at = (turn * 7 + number) % len(shared)
                shared[at] ^= 1 << turn % 8
                shared[at] = good[at]
                continue
            try:
                bx.decode(shared)
            except (bx.InvalidBSON, ValueError, OverflowError):
                pass
        return

    assert at_once(work) == [None] * COUNT


def test_nested_containers_that_change_while_they_are_encoded(bx):
    """Lists, dictionaries and instances at every depth, in BSON and in extended JSON."""
    json_util = importlib.import_module("bsonx.json_util")
    inner = {"list": [1, "two"], "dict": {"x": 1.5}}
    point = Inner(1)
    shared = {"inner": inner, "items": [inner["list"], inner["dict"]], "point": point}
    plain = {"inner": inner, "items": shared["items"]}

    def change(turn):
        inner["list"].append(bx.Int64(turn))
        inner["dict"][f"k{turn % 9}"] = ["new"] * (turn % 5)
        point.a = f"text {turn}"
        if turn % 4 == 3:
            del inner["list"][2:]
            inner["dict"] = {"x": object.__new__(bx.MinKey)}
        shared["items"][1] = inner["dict"]
        point.a = turn

    def work(number):
        for turn in range(150):
            if number < 3:
                change(turn)
                continue
            try:
                bx.decode(bx.encode(shared))
                json_util.dumps(plain)
            except (RuntimeError, IndexError):  # changed while it was walked
                pass
        return

    assert at_once(work) == [None] * COUNT


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED") or sys.version_info >= (3, 14),
    reason="other interpreters count in each thread, or one thread at a time",
)
def test_threads_do_not_all_count_at_one_address(bx):
    shared = (bx.ObjectId, bx.Int64, bx.decode)
    thread = threading.Thread(target=bx.ObjectId)  # from the first one on
    thread.start()
    thread.join()
    before = [sys.getrefcount(one) for one in shared]
    kept = [(bx.ObjectId(), bx.Int64(number), bx.decode) for number in range(1000)]
    assert [sys.getrefcount(one) for one in shared] == before
    del kept


def test_the_first_use_of_a_fresh_package():
    """What is looked up once is looked up by several threads at the same time."""
    code = """
import threading
import bsonx
from bsonx import json_util
import dataclasses
@dataclasses.dataclass
class Point:
    x: int
start = threading.Barrier(8)
failures = []
ids = set()
def work():
    start.wait()
    try:
        ids.add(bsonx.ObjectId().binary)
        value = {"a": bsonx.MinKey(), "id": bsonx.ObjectId(), "d": bsonx.Decimal128("1.5")}
        assert bsonx.decode(bsonx.encode(value)) == value
        assert bsonx.decode(bsonx.encode(Point(2)), type=Point) == Point(2)
        assert json_util.loads(json_util.dumps(value)) == value
    except BaseException as exc:
        failures.append(exc)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failures, failures
assert len(ids) == 8 and len({one[4:9] for one in ids}) == 1, ids
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(e for e in sys.path if e)}
    for implementation in ("", "py"):
        environment["BSONX_IMPL"] = implementation
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
