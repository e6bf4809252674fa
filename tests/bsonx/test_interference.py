"""Python code that runs in the middle of a call, or classes changed behind the codec's back."""

from __future__ import annotations

import dataclasses
import datetime
import gc
import importlib
import os
import subprocess
import sys
import threading
import typing

import pytest

from implementations import tree

# A key that leaves the document while an error message names it.
KEYS = """
import bsonx

class Key:
    def __repr__(self):
        document.clear()
        return "gone"

class Text(str):
    __repr__ = Key.__repr__

keys = [Key(), Text("$" + "x" * 50), Text("$" + "\\u20ac" * 50), Text("a.b" * 20)]
while keys:
    document = {keys.pop(0): 1}
    try:
        bsonx.encode({"a": [document]}, True)
    except bsonx.InvalidDocument as error:
        print(error.args[0].split(": ", 1)[1], len(error.path))
"""


@pytest.mark.parametrize("implementation", ["c", "py"])
def test_a_key_is_gone_once_its_error_is_told(implementation):
    tree(implementation)  # else it is skipped
    environment = {**os.environ, "BSONX_IMPL": implementation}
    environment["PYTHONMALLOC"] = "debug"  # what is freed is overwritten
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", KEYS],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "documents must have only string keys, key was gone 4",
        "key gone must not start with '$' 56",
        "key gone must not start with '$' 56",
        "key gone must not contain '.' 65",
    ]


class Wide:
    __slots__ = tuple(f"slot{i}" for i in range(100))


@pytest.mark.parametrize("slots", [True, False])
def test_the_slot_of_another_class_is_not_written(bx, slots):
    @dataclasses.dataclass(slots=slots)
    class Point:
        x: int
        y: int

    data = bx.encode({"x": 1, "y": 2})
    Point.y = Wide.slot99
    with pytest.raises(TypeError, match="slot99"):
        bx.decode(data, type=Point)


def native_class_methods(bx):
    """The class methods of the extension's types."""
    from bsonx import _native

    for name in sorted(vars(_native)):
        cls = getattr(_native, name)
        if isinstance(cls, type):
            methods = [member for member in vars(cls).values() if isinstance(member, classmethod)]
            yield from ((cls, method.__func__) for method in methods)


class Foreign:
    def __repr__(self):
        return "Foreign()"


@pytest.mark.parametrize(
    "wrong", [1, None, "x", b"x" * 12, int, object, type, Foreign, Foreign(), list[int]], ids=repr
)
def test_class_methods_of_another_class(bx, wrong):
    if not bx.has_c():
        pytest.skip("the methods of the pure twin are functions, which take any class")
    arguments = ["x", b"x" * 16, datetime.datetime(2020, 1, 1), None]
    methods = list(native_class_methods(bx))
    assert {function.__name__ for _, function in methods} >= {
        "from_bid", "from_datetime", "is_valid",
    }  # fmt: skip
    for cls, function in methods:
        for argument in arguments:
            with pytest.raises(TypeError):
                function(wrong, argument)
            with pytest.raises(TypeError):
                function(cls(argument) if cls is bx.ObjectId and argument is None else 1, argument)
        for nothing in ((), (wrong,), (cls,)):
            with pytest.raises(TypeError):
                function(*nothing)
        with pytest.raises(TypeError):
            function(oid="x")
        for other in {kind for kind, _ in methods} - {cls}:
            with pytest.raises(TypeError):
                function(other, argument)


def test_a_raw_document_of_another_class(bx):
    from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS as options
    from bsonx.raw_bson import RawBSONDocument

    over = RawBSONDocument._over.__func__
    data = bx.encode({})
    for cls in (bx.ObjectId, bx.Int64, int):
        with pytest.raises((TypeError, AttributeError)):
            over(cls, data, 0, len(data), options)


# ---- the cyclic collector is the user's ----


def codec_with(bx, transform):
    registry = importlib.import_module("bsonx.codec_options")
    decoder = type(
        "Decoder",
        (registry.TypeDecoder,),
        {"bson_type": float, "transform_bson": lambda self, value: transform(value)},
    )
    return bx.CodecOptions(type_registry=registry.TypeRegistry([decoder()]))


def ways_to_call_back(bx, call):
    """Callables that decode in some way and run `call()` in the middle of it."""

    def transform(value):
        call()
        return value

    @dataclasses.dataclass
    class Noticing:
        a: typing.Any

        def __post_init__(self):
            call()

    class Document(dict):
        def __setitem__(self, key, value):
            call()
            super().__setitem__(key, value)

    class Made(dict):
        def __init__(self, *args):
            call()
            super().__init__(*args)

    json_util = importlib.import_module("bsonx.json_util")
    impl = importlib.import_module("bsonx._impl")
    options = codec_with(bx, transform)
    data = bx.encode({"a": 1.5})
    message = impl.encode_message(1, 0, {"a": 1.5}, bx.CodecOptions())
    json_options = json_util.JSONOptions(document_class=Made)
    return {
        "decoder": lambda: bx.decode(data, options),
        "all": lambda: bx.decode_all(data * 3, options),
        "mapping": lambda: bx.decode(data, bx.CodecOptions(document_class=Document)),
        "typed": lambda: bx.decode(data, type=Noticing),
        "message": lambda: impl.decode_message(message, options, None),
        "json": lambda: json_util.loads('{"a": 1.5}', json_options=json_options),
    }


WAYS = ["decoder", "all", "mapping", "typed", "message", "json"]


@pytest.fixture
def collector():
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_may_switch_the_collector_off(bx, collector, way):
    gc.enable()
    called = []

    def off():
        called.append(gc.isenabled())
        gc.disable()

    ways_to_call_back(bx, off)[way]()
    assert called[0] is True
    assert not gc.isenabled()


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_may_switch_the_collector_on(bx, collector, way):
    gc.disable()
    ways_to_call_back(bx, gc.enable)[way]()
    assert gc.isenabled()


@pytest.mark.parametrize("way", WAYS)
def test_another_thread_sees_and_keeps_its_switch(bx, collector, way):
    gc.enable()
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        assert go_on.wait(60)

    thread = threading.Thread(target=ways_to_call_back(bx, wait)[way])
    thread.start()
    assert inside.wait(60)
    seen = gc.isenabled()
    gc.disable()
    go_on.set()
    thread.join()
    assert (seen, gc.isenabled()) == (True, False)
