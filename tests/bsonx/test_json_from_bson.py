"""json_util.from_bson and ndjson.write_lines: BSON to text, held to decode and dumps."""

import random
from functools import partial

import bson
import json_cases as cases
import pytest
from mutate import mutations, seeds
from test_json_fuzz import ROUNDS, random_value
from test_json_to_bson import outcome

oracle = cases.load("bson")
OPTIONS = [*cases.dump_options(oracle), "auto", "ms", "clamp", "zone", "son", "raw", "replace"]


@pytest.fixture
def ju(bx):
    from bsonx import json_util

    return json_util


def options_of(lib, name):
    kinds = cases.dump_options(lib)
    kinds.update(
        {
            "auto": lib.JSONOptions(datetime_conversion=4),
            "ms": lib.JSONOptions(datetime_conversion=3, json_mode=2),
            "clamp": lib.JSONOptions(datetime_conversion=2),
            "zone": lib.JSONOptions(tz_aware=True, tzinfo=lib.FixedOffset(90, "x")),
            "son": lib.JSONOptions(document_class=lib.SON),
            "raw": lib.JSONOptions(document_class=lib.RawBSONDocument),
            "replace": lib.JSONOptions(unicode_decode_error_handler="replace"),
        }
    )
    return kinds[name]


def by_values(bx, ju, data, options, ensure_ascii):
    """The way over Python values, with dates that datetime cannot hold."""
    reading = options
    if options.datetime_conversion == ju.DatetimeConversion.DATETIME:
        auto = ju.DatetimeConversion.DATETIME_AUTO
        reading = options.with_options(datetime_conversion=auto)
    value = bx.decode(data, reading)
    return ju.dumps(value, json_options=options, ensure_ascii=ensure_ascii)


def check(bx, ju, data, options):
    for ensure_ascii in (True, False):
        expected = outcome(by_values, bx, ju, data, options, ensure_ascii)
        got = outcome(partial(ju.from_bson, ensure_ascii=ensure_ascii), data, options)
        assert got == expected, (data, ensure_ascii)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_type(bx, ju, name):
    options = options_of(cases.load("bsonx"), name)
    for data in seeds(bson):
        check(bx, ju, data, options)
        expected = outcome(ju.from_bson, data, options)
        assert outcome(ju.from_bson, bytearray(data), options) == expected
        assert outcome(ju.from_bson, memoryview(data), options) == expected


@pytest.mark.parametrize("name", OPTIONS)
def test_random_documents(bx, ju, name):
    options = options_of(cases.load("bsonx"), name)
    for seed in range(150 * ROUNDS):
        rng = random.Random(seed)
        try:
            data = bson.encode({"a": random_value(rng, oracle), "b": random_value(rng, oracle)})
        except (ValueError, TypeError, OverflowError, bson.errors.InvalidDocument):
            continue
        check(bx, ju, data, options)


@pytest.mark.parametrize("name", ["relaxed", "canonical", "legacy", "java uuid"])
def test_damaged_documents(bx, ju, name):
    options = options_of(cases.load("bsonx"), name)
    for data in mutations(7, 1500 * ROUNDS, seeds(bson)):
        check(bx, ju, data, options)


def element(name, value=b"\x10%s\0\1\0\0\0"):
    return value % name


def document(*elements):
    body = b"".join(elements)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def nested(*elements):
    return document(b"\x03d\0" + document(*elements))


NUMBER, TEXT, ID = (
    b"\x10%s\0\1\0\0\0",
    b"\x02%s\0\2\0\0\0x\0",
    b"\x07%s\0" + b"0123456789ab",
)
REFERENCES = [
    (TEXT % b"$ref", ID % b"$id"),
    (TEXT % b"$ref", ID % b"$id", TEXT % b"$db", NUMBER % b"x"),
    (TEXT % b"$ref", ID % b"$id", NUMBER % b"x", TEXT % b"$db"),
    (ID % b"$id", TEXT % b"$ref"),
    (NUMBER % b"x", TEXT % b"$ref", ID % b"$id"),
    (TEXT % b"$ref", NUMBER % b"x", ID % b"$id"),
    (TEXT % b"$ref", ID % b"$id", b"\x0a$db\0"),
    (TEXT % b"$ref", ID % b"$id", NUMBER % b"$db"),
    (NUMBER % b"$ref", ID % b"$id"),
    (TEXT % b"$ref",),
    (TEXT % b"$ref", TEXT % b"$db"),
    (TEXT % b"$ref", ID % b"$id", NUMBER % b"items"),
    (TEXT % b"$ref", ID % b"$id", NUMBER % b"__iter__"),
    (TEXT % b"$ref", ID % b"$id", NUMBER % b"$ref"),
]


@pytest.mark.parametrize("fields", REFERENCES)
def test_documents_like_references(bx, ju, fields):
    for make in (document, nested):
        check(bx, ju, make(*fields), ju.DEFAULT_JSON_OPTIONS)
    scope = document(*fields)
    code = b"\2\0\0\0x\0" + scope
    with_scope = b"\x0fc\0" + (len(code) + 4).to_bytes(4, "little") + code
    check(bx, ju, document(with_scope), ju.DEFAULT_JSON_OPTIONS)
    check(bx, ju, document(with_scope, NUMBER % b"y"), ju.CANONICAL_JSON_OPTIONS)


@pytest.mark.parametrize("count", [2, 3, 63, 64, 65, 66, 200, 3000])
@pytest.mark.parametrize("name", [b"key%d", b"begin of %04d a long key"])
def test_keys_that_come_twice(bx, ju, count, name):
    names = [name % number for number in range(count)]
    once = [NUMBER % name for name in names]
    for again in (names[0], names[count // 2], names[-1]):
        check(bx, ju, document(*once, TEXT % again), ju.DEFAULT_JSON_OPTIONS)
        check(bx, ju, nested(*once, TEXT % again, NUMBER % b"z"), ju.DEFAULT_JSON_OPTIONS)
    check(bx, ju, document(*once), ju.DEFAULT_JSON_OPTIONS)


def test_every_date(bx, ju):
    rng = random.Random(3)
    edges = [0, -1, 1, 999, 253402300799999, 253402300800000, -62135596800000, -62135596800001]
    millis = edges + [rng.randrange(-(10**14), 3 * 10**14) for _ in range(400)]
    for value in [*millis, 2**63 - 1, -(2**63)]:
        data = document(b"\x09d\0" + value.to_bytes(8, "little", signed=True))
        for name in ("relaxed", "canonical", "legacy", "legacy iso"):
            check(bx, ju, data, options_of(cases.load("bsonx"), name))


def test_every_decimal(bx, ju):
    rng = random.Random(4)
    for number in range(3000):
        raw = rng.randbytes(16)
        if number % 2:
            exponent = rng.choice((0, 1, 6170, 6176, 6177, 6180, 12287, rng.randrange(12288)))
            coefficient = rng.randrange(10 ** rng.randrange(1, 35))
            raw = (rng.getrandbits(1) << 127 | exponent << 113 | coefficient).to_bytes(16, "little")
        check(bx, ju, document(b"\x13d\0" + raw), ju.DEFAULT_JSON_OPTIONS)
        text = ju.from_bson(document(b"\x13d\0" + raw))
        if not number % 10:
            assert ju.to_bson(text) == bx.encode(bx.decode(ju.to_bson(text)))


def test_nesting(bx, ju):
    for levels in (10, 999):
        inner = document()
        for _ in range(levels):
            inner = document(b"\x03a\0" + inner)
        if levels == 10:
            check(bx, ju, inner, ju.DEFAULT_JSON_OPTIONS)
        elif bx.has_c():
            assert ju.from_bson(inner) == '{"a": ' * levels + "{}" + "}" * levels
            with pytest.raises(bx.errors.InvalidBSON):
                ju.from_bson(document(b"\x03a\0" + document(b"\x03a\0" + inner)))


def test_lines(bx, ju):
    from bsonx import ndjson

    for name in OPTIONS:
        options = options_of(cases.load("bsonx"), name)
        good, expected = [], []
        for data in seeds(bson):
            text = outcome(lambda data=data, o=options: ju.from_bson(data, o))
            if isinstance(text, str):
                good.append(data)
                expected.append(text + "\n")
        good.append(nested(NUMBER % b"a", TEXT % b"a", NUMBER % b"b"))
        expected.append('{"d": {"a": "x", "b": %s}}\n')
        expected[-1] = ju.from_bson(good[-1], options) + "\n"
        whole = b"".join(good + good)
        wanted = "".join(expected + expected).encode()
        for form in (whole, bytearray(whole), memoryview(whole)):
            assert ndjson.write_lines(form, options) == wanted
    assert ndjson.write_lines(b"") == b""


def test_lines_in_utf8(bx, ju):
    from bsonx import ndjson

    data = bx.encode({"\u00e9": "\u4e2d\U0001f600\x7f"})
    assert ndjson.write_lines(data) == b'{"\\u00e9": "\\u4e2d\\ud83d\\ude00\\u007f"}\n'
    assert ndjson.write_lines(data, ensure_ascii=False).decode() == (
        '{"\u00e9": "\u4e2d\U0001f600\x7f"}\n'
    )


def test_damaged_lines(bx, ju):
    from bsonx import ndjson

    good = bx.encode({"a": 1})
    bad = bytearray(bx.encode({"b": True}))
    bad[-2] = 2
    for damage in (bytes(bad), good[:-1], b"\5\0\0\0\1", b"\0\0\0\0\0"):
        with pytest.raises(bx.errors.InvalidBSON) as by_values:
            bx.decode_all(good + good + damage)
        with pytest.raises(bx.errors.InvalidBSON) as caught:
            ndjson.write_lines(good + good + damage)
        assert str(caught.value) == str(by_values.value)
        assert caught.value.offset == by_values.value.offset >= 2 * len(good)


def test_wrong_arguments(bx, ju):
    from bsonx import ndjson

    for call in (ju.from_bson, ndjson.write_lines):
        with pytest.raises(TypeError, match="bytes-like"):
            call(5)
    with pytest.raises(bx.errors.InvalidBSON):
        ju.from_bson(b"")
    with pytest.raises(bx.errors.InvalidBSON):
        ju.from_bson(bx.encode({}) * 2)
