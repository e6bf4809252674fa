"""Python code that runs in the middle of a call, or classes changed behind the codec's back."""

from __future__ import annotations

import dataclasses
import datetime
import os
import subprocess
import sys

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
        print(str(error).split(": ", 1)[1], len(error.path))
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
    pass


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
