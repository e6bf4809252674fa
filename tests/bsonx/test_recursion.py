"""Descents that must end with an error: depth, callbacks that encode and decode, small stacks.

What may end the process runs in a process of its own.
"""

from __future__ import annotations

import collections
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 1000  # levels of one document

# How each container nests one level deeper.
NESTINGS = {
    "dict": lambda bx, inner: {"a": inner},
    "list": lambda bx, inner: [inner],
    "tuple": lambda bx, inner: (inner,),
    "mapping": lambda bx, inner: collections.ChainMap({"a": inner}),
    "ordered": lambda bx, inner: collections.OrderedDict(a=inner),
    "code": lambda bx, inner: bx.Code("x", {"a": inner}),
    "dbref": lambda bx, inner: bx.DBRef("c", inner),
}


@pytest.fixture
def deep_python():
    """Room for the frames of the pure twin, of which each level takes one to three."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20 * LIMIT)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("name", NESTINGS)
@pytest.mark.parametrize("levels", [LIMIT - 1, LIMIT, LIMIT + 1])
def test_the_deepest_document(bx, deep_python, name, levels):
    value = 1
    for _ in range(levels - 1):  # the document around them is a level as well
        value = NESTINGS[name](bx, value)
    if levels > LIMIT:
        with pytest.raises(RecursionError, match="while encoding an object to BSON"):
            bx.encode({"a": value})
    else:
        assert bx.encode({"a": value})


@pytest.mark.parametrize("name", NESTINGS)
def test_a_value_within_itself(bx, name):
    cycle = []
    cycle.append(NESTINGS[name](bx, cycle))
    with pytest.raises(RecursionError):
        bx.encode({"a": cycle})
    assert bx.encode({"a": 1})


def test_an_enum_that_is_its_own_value(bx):
    import enum

    class Self(enum.Enum):
        ONE = 1

    Self.ONE._value_ = Self.ONE
    with pytest.raises(RecursionError):
        bx.encode({"a": Self.ONE}, codec_options=bx.CodecOptions(profile="python"))


def test_an_error_leaves_no_level_behind(bx):
    bad = {"a": object()}
    for _ in range(100):
        bad = {"a": [bad]}
    for _ in range(50):
        with pytest.raises(bx.errors.InvalidDocument):
            bx.encode(bad)
    value = 1
    for _ in range(200):
        value = {"a": value}
    assert bx.encode(value)


# ---- callbacks that come back, on the ordinary stack and on small ones ----

PRELUDE = """
import collections, enum, struct, sys, threading
import bsonx
from bsonx import Binary, Code, DBRef
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeEncoder, TypeRegistry
from bsonx.raw_bson import RawBSONDocument

class X:
    pass

kept = []  # what is not to be freed on a small stack: CPython 3.13 itself dies of that

def nested(value, levels):
    for _ in range(levels):
        value = {"a": value}
    return value

def encoders(function):
    members = {"python_type": X, "transform_python": lambda self, value: function(value)}
    encoder = type("E", (TypeEncoder,), members)()
    return CodecOptions(type_registry=TypeRegistry([encoder]))

def raw(levels, kind):
    data = b"\\5\\0\\0\\0\\0"
    for _ in range(levels):
        body = kind + b"0\\0" + data
        data = struct.pack("<i", len(body) + 5) + body + b"\\0"
    return data
"""

WORK = {
    "encode_in_encoder": """
def work():
    options = encoders(lambda value: Binary(bsonx.encode(nested({"x": value}, 50), False, options)))
    bsonx.encode({"x": X()}, codec_options=options)
""",
    "encode_in_fallback": """
def work():
    def fallback(value):
        return bsonx.encode(nested([value], 50), False, options)
    options = CodecOptions(type_registry=TypeRegistry(fallback_encoder=fallback))
    bsonx.encode({"x": X()}, codec_options=options)
""",
    "fallback_in_itself": """
def work():
    def fallback(value):
        return nested([value], 3)
    options = CodecOptions(type_registry=TypeRegistry(fallback_encoder=fallback))
    bsonx.encode({"x": X()}, codec_options=options)
""",
    "encode_in_mapping": """
class Again(collections.UserDict):
    def __getitem__(self, key):
        return bsonx.encode(nested(self, 20))
def work():
    bsonx.encode({"x": Again(a=1)})
""",
    "encode_in_as_doc": """
class Again(DBRef):
    def as_doc(self):
        return {"a": bsonx.encode(nested(self, 20))}
def work():
    bsonx.encode({"x": Again("c", 1)})
""",
    "encode_in_utcoffset": """
import datetime
class Zone(datetime.tzinfo):
    def utcoffset(self, moment):
        bsonx.encode(nested(moment, 20))
def work():
    bsonx.encode({"x": datetime.datetime(2020, 1, 1, tzinfo=Zone())})
""",
    "encode_in_instance": """
import dataclasses
@dataclasses.dataclass
class Node:
    inner: object
    @property
    def again(self):
        return Node(self)
def work():
    value = None
    for _ in range(2000):
        value = Node([value])
    kept.append(value)
    bsonx.encode({"x": value})
""",
    "decode_in_decoder": """
class D(TypeDecoder):
    bson_type = bytes
    def transform_bson(self, value):
        return bsonx.decode(data, options)
options = CodecOptions(type_registry=TypeRegistry([D()]))
data = bsonx.encode(nested({"x": b"x"}, 30))
def work():
    bsonx.decode(data, options)
""",
    "decode_in_document_class": """
class Again(dict):
    def __setitem__(self, key, value):
        bsonx.decode(data, options)
options = CodecOptions(document_class=Again)
data = bsonx.encode(nested({"x": 1}, 20))
def work():
    bsonx.decode(data, options)
""",
    "encode_in_decoder": """
class D(TypeDecoder):
    bson_type = bytes
    def transform_bson(self, value):
        return bsonx.decode(bsonx.encode(nested({"x": value}, 20)), options)
options = CodecOptions(type_registry=TypeRegistry([D()]))
def work():
    bsonx.decode(bsonx.encode({"x": b"x"}), options)
""",
    "deep_decode": "def work():\n    bsonx.decode(raw(995, b'\\3'))\n",
    "deep_decode_array": "def work():\n    bsonx.decode(raw(995, b'\\4'))\n",
    "deep_encode": "def work():\n    kept.append(nested({}, 995))\n    bsonx.encode(kept[-1])\n",
    "deep_code": """
def work():
    value = 1
    for _ in range(995):
        value = Code("x", {"a": value})
    kept.append(value)
    bsonx.encode({"a": value})
""",
    "deep_raw": """
def work():
    document = RawBSONDocument(raw(995, b'\\3'))
    for _ in range(995):
        document = document["0"]
""",
}

RUN = """
def run():
    try:
        work()
    except Exception as exc:
        print(type(exc).__name__, end=" ")
    print("done")

kib = int(sys.argv[1])
if kib:
    threading.stack_size(kib * 1024)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
else:
    run()
"""

ENDINGS = {"done", "RecursionError done", "InvalidBSON done"}


def ending(implementation, name, kib):
    """What a process of its own says at its end."""
    code = PRELUDE + WORK[name] + RUN
    environment = {
        **os.environ,
        "BSONX_IMPL": implementation,
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(kib)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.mark.parametrize("name", WORK)
def test_callbacks_that_come_back(bx, name):
    implementation = "c" if bx.has_c() else "py"
    said = ending(implementation, name, 0)
    assert said in ENDINGS
    if "_in_" in name:
        assert said != "done"  # they have no end of their own


@pytest.mark.parametrize("kib", [128, 256])
@pytest.mark.parametrize("name", WORK)
def test_small_stacks(name, kib):
    pytest.importorskip("bsonx._native", reason="the twin is bounded by the interpreter")
    assert ending("c", name, kib) in ENDINGS


# ---- the C itself ----

# Pairs of functions, of which the first enters and the second leaves; who calls the one calls the
# other.
PAIRS = {
    "bx_enter": r"bx_leave|bx_leave_to",
    "bx_run_enter": "bx_run_leave",
    "bx_open_container": "bx_close_container",
    "open_container": "close_container",
}

# The level of a decoder for one field, which ends with the decoder.
ENDS_WITH_ITS_OWNER = {"open_decoder"}


def c_functions():
    """(name, body) of each function in csrc."""
    for path in sorted(ROOT.joinpath("csrc").glob("**/*.[ch]")):
        text = path.read_text()
        for found in re.finditer(r"^[\w *]*?(\w+)\([^;{]*\)\n\{\n(.*?)^\}", text, re.M | re.S):
            yield found[1], found[2]
        for found in re.finditer(r"^[\w *]*?(\w+)\([^;{]*\) \{(.*)\}$", text, re.M):
            yield found[1], found[2]


def test_each_level_entered_is_left():
    bodies = dict(c_functions())
    assert len(bodies) > 500  # the expressions above still find them
    seen = set()
    for name, body in bodies.items():
        for enter, leave in PAIRS.items():
            if name in ENDS_WITH_ITS_OWNER or not re.search(rf"\b{enter}\(", body):
                continue
            seen.add(enter)
            if name in PAIRS:
                body = bodies[PAIRS[name]]
            assert re.search(rf"\b({leave})\(", body), f"{name} calls {enter}, but not {leave}"
    assert seen == {*PAIRS}
