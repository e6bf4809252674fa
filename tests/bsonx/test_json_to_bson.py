"""json_util.to_bson: text to BSON without Python values, held to loads_strict and encode."""

import random

import json_cases as cases
import pytest
from test_json_fuzz import ROUNDS, damaged, random_value, without_fresh_ids
from test_json_strict import FAITHFUL, LOST
from test_recursion import deep_python  # noqa: F401 -- a fixture

oracle = cases.load("bson")


@pytest.fixture
def ju(bx):
    from bsonx import json_util

    return json_util


def outcome(function, *args):
    """What a call gives, or the class and the words of its error."""
    try:
        return function(*args)
    except Exception as exc:
        return type(exc).__name__, str(exc)


def by_values(bx, ju, text):
    """The way over Python values."""
    options = ju.JSONOptions(datetime_conversion=ju.DatetimeConversion.DATETIME_AUTO)
    return bx.encode(ju.loads_strict(text, json_options=options))


def check(bx, ju, text):
    expected = outcome(by_values, bx, ju, text)
    assert outcome(ju.to_bson, text) == expected, text
    if isinstance(text, str):
        data = text.encode("utf-8", "surrogatepass")
        expected = outcome(by_values, bx, ju, data)
        for form in (data, bytearray(data), memoryview(data)):
            assert outcome(ju.to_bson, form) == expected, text


@pytest.mark.parametrize("text", [text for text, _ in LOST])
def test_what_would_get_lost(bx, ju, text):
    check(bx, ju, text)
    check(bx, ju, f'{{"x": {text}}}')


@pytest.mark.parametrize("text", FAITHFUL)
def test_what_is_kept(bx, ju, text):
    check(bx, ju, text)
    check(bx, ju, f'{{"x": {text}, "y": [{text}]}}')
    assert isinstance(ju.to_bson(f'{{"x": {text}}}'), bytes)


def test_random_documents(bx, ju):
    writers = [*cases.dump_options(oracle).values()]
    for seed in range(300 * ROUNDS):
        rng = random.Random(seed)
        value = {"a": random_value(rng, oracle), "b": random_value(rng, oracle)}
        options = writers[seed % len(writers)]
        try:
            text = oracle.dumps(value, json_options=options, ensure_ascii=rng.random() < 0.5)
        except (ValueError, TypeError, OverflowError):
            continue
        check(bx, ju, text)
        check(bx, ju, without_fresh_ids(damaged(rng, text)))


USUAL = [
    '{"_id": {"$oid": "6592008029c8c3e4dc76256c"}, "é": [1, -1.5e300, true, null, {"a": []}]}',
    '{"a": "\\u00e9\\ud83d\\ude00\\n", "b\\"": {"$numberLong": "5"}, "_id": {"x": [{}]}}',
    '{"a": {"$date": "2020-01-01T00:00:00.123+01:30"}, "b": {"$date": {"$numberLong": "-1"}}}',
    '{"a": {"$binary": {"base64": "QQ==", "subType": "02"}}, "b": {"$numberDecimal": "-1.5E+3"}}',
    '{"a": {"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}, "b": {"$minKey": 1}}',
    '{"a": {"$code": "x", "$scope": {}}, "b": {"$code": "x", "$scope": {"c": {"d": 1}}}}',
    '{"a": {"$regularExpression": {"pattern": "é", "options": "xi"}}, "b": {"$symbol": "s"}}',
    '{"a": {"$ref": "c", "$id": 5}, "b": {"$dbPointer": {"$ref": "c", "$id": '
    '{"$oid": "6592008029c8c3e4dc76256c"}}}, "c": {"$gt": 5}}',
    '{"a": {"$timestamp": {"t": 4294967295, "i": 0}}, "b": {"$undefined": true}}',
    '{"a": {"$numberInt": "5"}, "b": {"$numberDouble": "-0.0"}, "c": NaN, "d": -Infinity}',
]


@pytest.mark.parametrize("text", USUAL)
def test_usual_forms_need_no_python_values(bx, ju, text):
    check(bx, ju, text)
    if bx.has_c():
        from bsonx import _impl

        data = _impl.json_to_bson(text)
        assert data == ju.to_bson(text)
        assert isinstance(_impl.json_from_bson(data, ju.DEFAULT_JSON_OPTIONS, True), str)


def test_nesting(bx, ju, deep_python):  # noqa: F811
    for first, last in (("[", "]"), ('{"a": ', "}"), ('{"$x": ', "}")):
        for levels in (5, 100):
            check(bx, ju, '{"a": ' + first * levels + "1" + last * levels + "}")
        data = ju.to_bson('{"a": ' + first * 999 + "1" + last * 999 + "}")
        assert len(data) > 3000
        wrapped = '{"$numberInt": "1"}'
        assert ju.to_bson('{"a": ' + first * 998 + wrapped + last * 998 + "}")


@pytest.mark.parametrize("read", ["to_bson", "loads_strict", "as bytes"])
@pytest.mark.parametrize("inner", ["1", '{"$numberInt": "1"}', '{"$numberInt": 1}', "", "x", '"'])
def test_too_deep(ju, deep_python, read, inner):  # noqa: F811
    """By a limit of our own: those of the interpreter's JSON differ from version to version."""
    call = ju.to_bson if read == "to_bson" else ju.loads_strict
    levels = 1000 - inner.startswith("{")
    for first, last in (("[", "]"), ('{"a\\"[": ', "}"), ('{"$x": ', "}")):
        for end in (last * levels + "}", ""):
            text = '{"a": ' + first * levels + inner + end
            with pytest.raises(RecursionError, match=r"while (de|en)coding"):
                call(text.encode() if read == "as bytes" else text)
    text = '{"a": ' + "[" * 500 + "]" * 500 + ', "b": "' + "[{" * 2000 + '"}'
    assert call(text)  # brackets in strings are no levels


@pytest.mark.parametrize(
    "count", [2, 3, 63, 64, 65, 66, 200, pytest.param(3000, marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("name", ["key {}", "begin of {:04} a long key"])
def test_keys_that_come_twice(bx, ju, count, name):
    names = [f'"{name.format(number)}": {number}' for number in range(count)]
    check(bx, ju, "{" + ", ".join(names) + "}")
    for again in (0, count // 2, count - 1):
        key = name.replace(" ", "\\u0020").format(again)
        text = "{" + ", ".join([*names, f'"{key}": 0']) + "}"
        check(bx, ju, text)
        with pytest.raises(ValueError, match="comes twice"):
            ju.to_bson(text)


def test_large_documents(bx, ju):
    text = '{"a": "' + "x" * (17 << 20) + '", "b": [' + "1, " * 10000 + "2], " + '"_id": 3}'
    data = ju.to_bson(text)
    assert len(data) > 17 << 20
    assert data == by_values(bx, ju, text)
    assert bx.decode(data)["b"] == [1] * 10000 + [2]


def test_wrong_arguments(bx, ju):
    for given in (5, None, ["{}"]):
        with pytest.raises(TypeError):
            ju.to_bson(given)
    for text in ("5", "[]", "[{}]", "null", '"x"', '{"$oid": "6592008029c8c3e4dc76256c"}'):
        check(bx, ju, text)
        with pytest.raises(TypeError):
            ju.to_bson(text)
    for coded in ("utf-16", "utf-8-sig", "utf-32"):
        assert ju.to_bson('{"a": "é"}'.encode(coded)) == bx.encode({"a": "é"})


def test_dates(bx, ju):
    rng = random.Random(9)
    fractions = ("", ".", ".1", ".123", ".1239999", ".999999999999", ".0000000000000001", ".5e0")
    zones = ("", "Z", "z", "+00:00", "-00:00", "+0130", "-01:30", "+02", "-2", "+24:00", "+00:60")
    days = ("2020-02-29", "2021-02-29", "0001-01-01", "9999-12-31", "1969-12-31", "0000-01-01")
    for _ in range(600 * ROUNDS):
        day = rng.choice((*days, f"{rng.randrange(1, 10000):04}-{rng.randrange(14):02}-28"))
        time = rng.choice(("00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:60"))
        text = f"{day}T{time}{rng.choice(fractions)}{rng.choice(zones)}"
        check(bx, ju, f'{{"a": {{"$date": "{text}"}}}}')


def test_decimals(bx, ju):
    rng = random.Random(10)
    digits = ("0", "00", "5", "123", "9" * 34, "9" * 35, "1" + "0" * 34, "0" * 50 + "7")
    for _ in range(1000 * ROUNDS):
        whole, fraction = rng.choice(("", *digits)), rng.choice(("", *digits))
        point = rng.choice((".", ".", ""))
        exponent = rng.choice(
            ("", "e0", "E+5", "e-6176", "E6111", "e6112", "E-6177", "e", "E99999")
        )
        text = rng.choice(("", "-", "+")) + whole + point + fraction + exponent
        check(bx, ju, f'{{"a": {{"$numberDecimal": "{text}"}}}}')
    for text in ("NaN", "-Infinity", "sNaN", "nan", "1_0", " 1", "Inf"):
        check(bx, ju, f'{{"a": {{"$numberDecimal": "{text}"}}}}')
