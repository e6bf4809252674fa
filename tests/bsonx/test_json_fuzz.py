"""Random values and damaged texts: C, pure Python and PyMongo must agree, errors included.

``BSONX_FUZZ_ROUNDS`` multiplies the work.
"""

import datetime
import math
import os
import random
import re
import struct

import json_cases as cases
import pytest

pytestmark = pytest.mark.thorough
ROUNDS = int(os.environ.get("BSONX_FUZZ_ROUNDS", "1"))
oracle = cases.load("bson")


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    'ab"\\\n\t\x00\x1f\x7f/',
    "aéß\u2028\uffff",
    "a\U0001f600\U0010ffff",
    "\ud800\udbff\udc00\udfff\ud83d\ude00",
)


def random_text(rng):
    alphabet = rng.choice(ALPHABETS) if rng.random() < 0.7 else ALPHABETS[0]
    return "".join(rng.choice(alphabet) for _ in range(rng.choice((0, 1, 3, 7, 8, 15, 16, 17, 40))))


def random_double(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return struct.unpack("<d", rng.randbytes(8))[0]
    if kind == 1:
        return round(rng.uniform(-1e6, 1e6), rng.randrange(8))
    if kind == 2:
        return float(rng.randrange(-(10**17), 10**17))
    if kind == 3:
        return rng.randrange(10**15) / 10 ** rng.randrange(20)
    if kind == 4:
        return math.ldexp(rng.choice((1, 1 - 2**-53, 1 + 2**-52)), rng.randrange(-1074, 1024))
    return rng.choice((0.0, -0.0, 1e15, 1e16, 1e-4, 9.999e-5, math.inf, -math.inf, 5e-324))


def random_int(rng):
    bits = rng.choice((1, 7, 30, 31, 32, 33, 53, 60, 62, 63, 64, 65, 200))
    return rng.choice((1, -1)) * (rng.getrandbits(bits) + rng.choice((0, 1, -1)))


def random_scalar(rng, lib):
    """Return a scalar; the same numbers are drawn whatever `lib` is."""
    kind = rng.randrange(22)
    number = rng.getrandbits(63)
    text = random_text(rng)
    data = rng.randbytes(rng.choice((0, 1, 2, 3, 12, 16, 100)))
    double, integer = random_double(rng), random_int(rng)
    moment = datetime.datetime(1, 1, 1) + datetime.timedelta(
        microseconds=rng.randrange(315537897600000000)
    )
    makers = (
        lambda: text,
        lambda: text,
        lambda: integer,
        lambda: integer,
        lambda: double,
        lambda: double,
        lambda: None,
        lambda: bool(number & 1),
        lambda: lib.Int64(number - 2**62),
        lambda: lib.ObjectId(number.to_bytes(12, "big")),
        lambda: moment,
        lambda: moment.replace(tzinfo=lib.utc),
        lambda: moment.replace(tzinfo=lib.FixedOffset(number % 600 - 300, "x")),
        lambda: lib.DatetimeMS(number - 2**62 if number & 1 else number % 10**14),
        lambda: data,
        lambda: lib.Binary(data, number % 256),
        lambda: lib.Timestamp(number % 2**32, number >> 31),
        lambda: lib.Regex(text, number % 512),
        lambda: re.compile("a", number % 2 * 2),
        lambda: lib.Code(text, {"a": integer} if number & 1 else None),
        lambda: lib.MinKey() if number & 1 else lib.MaxKey(),
        lambda: lib.Decimal128.from_bid(number.to_bytes(16, "big")),
    )
    return makers[kind]()


def random_value(rng, lib, depth=3):
    kind = rng.randrange(5) if depth else 4
    if kind == 0:
        keys = [random_text(rng) for _ in range(rng.randrange(5))]
        return {key: random_value(rng, lib, depth - 1) for key in keys}
    if kind == 1:
        items = [random_value(rng, lib, depth - 1) for _ in range(rng.randrange(5))]
        return tuple(items) if rng.random() < 0.2 else items
    if kind == 2 and rng.random() < 0.2:
        target = random_value(rng, lib, depth - 1)
        return lib.DBRef(random_text(rng), target, random_text(rng) or None, extra=1)
    if kind == 2 and rng.random() < 0.3:
        pairs = [(random_text(rng), random_value(rng, lib, depth - 1)) for _ in range(3)]
        return lib.SON(pairs)
    return random_scalar(rng, lib)


LAYOUTS = (
    {},
    {},
    {"indent": 2},
    {"sort_keys": True},
    {"ensure_ascii": False},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": "\t", "sort_keys": True},
)


def dumped(lib, seed, name, layout):
    value = random_value(random.Random(seed), lib)
    options = cases.dump_options(lib)[name]
    return cases.outcome(lib.dumps, value, json_options=options, **layout)


@pytest.mark.parametrize("name", cases.dump_options(oracle))
def test_dumps(ours, name):
    for seed in range(300 * ROUNDS):
        layout = LAYOUTS[seed % len(LAYOUTS)]
        mine = cases.as_pymongo(dumped(ours, seed, name, layout))
        assert mine == dumped(oracle, seed, name, layout), seed


PIECES = (
    *(
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        "\x00",
        "-",
        "0",
        "1",
        "9",
        ".",
        "e",
        "+",
    ),
    *("$oid", '"$date": ', '{"$', "\\u", "\\ud83d", "\\ude00", "é", "\ud800", "NaN", "Infinity"),
    *("null", "true", "1e400", "00", "1.5", '{"$numberLong": "5"}', '{"$date": 0}', '"x": 1, '),
)


def damaged(rng, text):
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        size = rng.choice((0, 0, 1, 2, 10))
        text = text[:at] + rng.choice((*PIECES, "")) + text[at + size :]
    return text


def without_fresh_ids(text):
    """``{"$oid": null}`` makes a new ObjectId each time."""
    return re.sub(r'("\$oid"\s*:\s*)null', r"\1false", text)


@pytest.mark.parametrize("name", ["relaxed", "legacy", "zone", "ms", "auto", "java uuid", "son"])
def test_loads(ours, name):
    mine, theirs = cases.load_options(ours)[name], cases.load_options(oracle)[name]
    writers = [*cases.dump_options(oracle).values()]
    for seed in range(500 * ROUNDS):
        rng = random.Random(seed)
        value = random_value(rng, oracle)
        options = writers[seed % len(writers)]
        try:
            text = oracle.dumps(value, json_options=options, ensure_ascii=rng.random() < 0.5)
        except (ValueError, TypeError, OverflowError):
            continue
        text = without_fresh_ids(damaged(rng, text))
        expected = cases.outcome(oracle.loads, text, json_options=theirs)
        got = cases.outcome(ours.loads, text, json_options=mine)
        assert cases.agree(got, expected), (seed, text, got, expected)
        data = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.3:
            data += rng.choice((b"\xff", b"\xed\xa0", b"\xc0\x80"))
        expected = cases.outcome(oracle.loads, data, json_options=theirs)
        got = cases.outcome(ours.loads, data, json_options=mine)
        assert cases.agree(got, expected), (seed, data, got, expected)


def test_doubles(ours):
    rng = random.Random(5)
    for _ in range(20000 * ROUNDS):
        value = random_double(rng)
        text = ours.dumps(value, json_options=ours.LEGACY_JSON_OPTIONS)
        if math.isfinite(value):
            assert text == repr(value)
            assert repr(ours.loads(text)) == text
        digits = f"{value:.{rng.randrange(1, 30)}e}"
        if math.isfinite(value):
            assert repr(ours.loads(digits)) == repr(float(digits))
            digits = f"{value:.{rng.randrange(1, 30)}f}"
            assert repr(ours.loads(digits)) == repr(float(digits))
