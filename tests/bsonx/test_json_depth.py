"""Deep and re-entrant extended JSON: an error where the stack ends, never the end of the process.

Each case runs in a process of its own, since a failure would end this one.
"""

import os
import subprocess
import sys

import pytest

SETUP = """
import sys, threading
from bsonx import Code, DBRef, SON, json_util
from bsonx.errors import InvalidBSON
from bsonx.json_util import JSONOptions, dumps, loads, loads_strict

def nest(value, levels, wrap):
    for _ in range(levels):
        value = wrap(value)
    return value

def attempt(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except (RecursionError, ValueError, TypeError, InvalidBSON):
        pass
"""

SMALL_STACKS = """
LAYOUTS = [{}, {"indent": 1}, {"json_options": json_util.CANONICAL_JSON_OPTIONS}]
WRAPS = [
    lambda value: [value],
    lambda value: (value,),
    lambda value: {"a": value},
    lambda value: SON(a=value),
    lambda value: DBRef("c", value),
    lambda value: {"a": Code("x", {"a": value})},
    lambda value: {0: value}.values(),
]
READERS = [
    loads,
    lambda text: loads(text.encode()),
    lambda text: loads(text, json_options=JSONOptions(document_class=SON)),
    loads_strict,
]
PARTS = [("[", "]"), ('{"a":', "}"), ('{"$x":', "}"), ('{"$code":"x","$scope":{"a":', "}}")]

kept = []  # what is not to be freed on a small stack: CPython 3.13 itself dies of that

def write(levels):
    for wrap in WRAPS:
        value = nest(1, levels, wrap)
        kept.append(value)
        for layout in LAYOUTS:
            yield lambda value=value, layout=layout: dumps(value, **layout)

def read(levels):
    for first, last in PARTS:
        for text in (first * levels + "1" + last * levels, first * levels, first * levels + "x"):
            for reader in READERS:
                yield lambda text=text, reader=reader: kept.append(reader(text))

def work(calls):
    for call in calls:
        attempt(call)

attempt(loads, "[x]")  # what is imported at first use needs a stack of its own
for kilobytes in (64, 128, 256):
    threading.stack_size(kilobytes * 1024)
    for levels in (50, 150, 300, 450, 600, 750, 900, 990, 5000):
        for calls in (write(levels), read(levels)):
            thread = threading.Thread(target=work, args=(list(calls),))
            thread.start()
            thread.join()
"""

REENTRANT = {
    "items": """
class Endless:
    def items(self):
        dumps(nest(self, 900, lambda value: [value]))
        return []
attempt(dumps, Endless())
""",
    "iter": """
class Endless:
    def __iter__(self):
        dumps(nest(self, 900, lambda value: {"a": value}))
        return iter(())
attempt(dumps, Endless())
""",
    "generator": """
def endless():
    yield dumps(nest(endless(), 900, lambda value: (value,)))
attempt(dumps, endless())
""",
    "sorted keys": """
class Key(str):
    def __lt__(self, other):
        dumps(nest({Key("a"): 1, Key("b"): 2}, 900, lambda value: [value]), sort_keys=True)
        return True
attempt(dumps, {Key("a"): 1, Key("b"): 2}, sort_keys=True)
""",
    "time zone": """
import datetime
class Zone(datetime.tzinfo):
    def utcoffset(self, moment):
        dumps(nest(datetime.datetime(2020, 1, 1, tzinfo=self), 900, lambda value: [value]))
        return datetime.timedelta(0)
attempt(dumps, datetime.datetime(2020, 1, 1, tzinfo=Zone()))
""",
    "default": """
def default(value):
    return dumps(nest(value, 900, lambda value: [value]), default=default)
attempt(dumps, object(), default=default)
""",
    "document class": """
class Endless(dict):
    def __init__(self, pairs):
        loads(TEXT, json_options=OPTIONS)
TEXT = "[" * 900 + "{}" + "]" * 900
OPTIONS = JSONOptions(document_class=Endless)
attempt(loads, TEXT, json_options=OPTIONS)
attempt(loads, TEXT.encode(), json_options=OPTIONS)
attempt(loads_strict, TEXT, json_options=OPTIONS)
""",
    "zone of dates": """
import datetime
class Zone(datetime.tzinfo):
    def utcoffset(self, moment):
        loads(TEXT, json_options=OPTIONS)
        return datetime.timedelta(0)
    def fromutc(self, moment):
        loads(TEXT, json_options=OPTIONS)
        return moment
TEXT = "[" * 900 + '{"$date": 5}' + "]" * 900
OPTIONS = JSONOptions(tz_aware=True, tzinfo=Zone())
attempt(loads, TEXT, json_options=OPTIONS)
""",
    "both directions": """
import bsonx
from bsonx.codec_options import CodecOptions, TypeDecoder, TypeRegistry
class Decoder(TypeDecoder):
    bson_type = str
    def transform_bson(self, value):
        return loads(value, json_options=OPTIONS)
class Endless(dict):
    def __init__(self, pairs):
        bsonx.decode(DATA, CodecOptions(type_registry=TypeRegistry([Decoder()])))
OPTIONS = JSONOptions(document_class=Endless)
DATA = bsonx.encode(nest({"a": "[" * 900 + "{}" + "]" * 900}, 90, lambda value: {"a": value}))
attempt(loads, "{}", json_options=OPTIONS)
""",
}


def run(bx, code):
    environment = {**os.environ, "BSONX_IMPL": "c" if bx.has_c() else "py"}
    return subprocess.run(
        [sys.executable, "-c", SETUP + code + "\nprint('alive')"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
        check=False,
    )


def assert_alive(result):
    assert (result.returncode, result.stdout) == (0, "alive\n"), result.stderr[-500:]


def test_small_stacks(bx):
    if not bx.has_c():
        pytest.skip("the json module of CPython itself dies there")
    assert_alive(run(bx, SMALL_STACKS))


@pytest.mark.parametrize("case", REENTRANT)
def test_callbacks_that_come_back(bx, case):
    assert_alive(run(bx, REENTRANT[case]))


def test_depth_that_fits(bx):
    """The whole depth is there where the stack is of the ordinary size."""
    levels = 990 if bx.has_c() else 200
    code = """
value = nest(1, LEVELS // 2, lambda value: {"a": [value]})
assert loads(dumps(value)) == value
"""
    assert_alive(run(bx, code.replace("LEVELS", str(levels))))
