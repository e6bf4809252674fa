"""loads_strict: nothing is read that BSON would hold as something else."""

import random

import json_cases as cases
import pytest
from test_json_fuzz import ROUNDS, damaged, random_value, without_fresh_ids


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


LOST = [
    ('{"a": 1, "a": 2}', "the key 'a' comes twice"),
    ('[{"x": {"b": 1, "c": 2, "b": 1}}]', "the key 'b' comes twice"),
    ('{"$date": 1, "$date": 2}', "the key '$date' comes twice"),
    ('{"$code": "x", "$scope": {"a": 1, "a": 1}}', "the key 'a' comes twice"),
    ('{"a": 1e400}', "the number 1e400 is too large for a double"),
    ("-1E+999", "the number -1E+999 is too large"),
    ("1" * 400 + ".5", "too large for a double"),
    ("1e-400", "the number 1e-400 is too small for a double"),
    ("0." + "0" * 400 + "1", "too small for a double"),
    ('{"$numberDouble": "1e400"}', "too large for a double"),
    ('{"$numberDouble": "-1e-400"}', "too small for a double"),
    ('{"$numberDouble": "1_0"}', "$numberDouble '1_0' is no text of a number"),
    ('{"$numberDouble": " 1"}', "is no text of a number"),
    ('{"$numberDouble": "nan"}', "is no text of a number"),
    ('{"$numberDouble": 1.5}', "$numberDouble 1.5 is no text of a number"),
    ('{"$numberDouble": "1.5", "x": 1}', "$numberDouble must not have 'x' beside it"),
    ('{"$numberInt": "2147483648"}', "$numberInt '2147483648' is no text of a 32-bit integer"),
    ('{"$numberInt": "-2147483649"}', "is no text of a 32-bit integer"),
    ('{"$numberInt": "1_0"}', "$numberInt '1_0' is no integer"),
    ('{"$numberInt": "\u0663"}', "is no integer"),
    ('{"$numberInt": 5}', "is no text of a 32-bit integer"),
    ('{"$numberLong": "9223372036854775808"}', "$numberLong '9223372036854775808' is no 64-bit"),
    ('{"$numberLong": 5.5}', "$numberLong 5.5 is no 64-bit integer"),
    ('{"$numberLong": true}', "is no 64-bit integer"),
    ('{"$numberLong": " 5"}', "is no 64-bit integer"),
    ('{"$numberDecimal": "\u0663"}', "$numberDecimal '\u0663' is no text of a number"),
    ('{"$numberDecimal": 5}', "is no text of a number"),
    ('{"$binary": {"base64": "@@", "subType": "00"}}', "$binary base64 '@@' is no base64"),
    ('{"$binary": {"base64": "_-8=", "subType": "00"}}', "is no base64"),
    ('{"$binary": {"base64": "QQ", "subType": "00"}}', "is no base64"),
    ('{"$binary": {"base64": "QR==", "subType": "00"}}', "is no base64"),
    ('{"$binary": {"base64": "QQ==QQ==", "subType": "00"}}', "is no base64"),
    ('{"$binary": {"base64": "QQ==", "subType": " 1"}}', "$binary subType ' 1' is no subtype"),
    ('{"$binary": {"base64": "QQ==", "subType": "-1"}}', "is no subtype"),
    ('{"$binary": {"base64": "QQ==", "subType": "00"}, "x": 1}', "must not have 'x' beside it"),
    ('{"$binary": {"base64": "QQ=="}}', 'must hold "base64" and "subType" and nothing else'),
    ('{"$binary": "QQ=="}', 'must hold "base64" and "subType" and nothing else'),
    ('{"$binary": "@@", "$type": "00"}', "$binary '@@' is no base64"),
    ('{"$binary": "QQ==", "$type": "100"}', "$type '100' is no subtype"),
    ('{"$binary": "QQ==", "$type": 256}', "$type 256 is no subtype"),
    ('{"$binary": "QQ==", "$type": "ffffff05"}', "$type 'ffffff05' is no subtype"),
    ('{"$binary": "QQ==", "$type": "00", "x": 1}', "must not have 'x' beside it"),
    ('{"$uuid": "{00112233-4455-6677-8899-aabbccddeeff}"}', "is no UUID"),
    ('{"$uuid": "0011-22334455-6677-8899-aabbccddeeff"}', "is no UUID"),
    ('{"$regularExpression": {"pattern": "(", "options": "z"}}', "options 'z' must be letters of"),
    ('{"$regularExpression": {"pattern": "(", "options": "ig"}}', "must be letters of ilmsux"),
    ('{"$regularExpression": {"pattern": "(", "options": "ii"}}', "each once"),
    ('{"$regularExpression": {"pattern": "a", "options": ["i"]}}', "is no text"),
    ('{"$regularExpression": {"pattern": "a"}}', 'must hold "pattern" and "options" alone'),
    ('{"$regularExpression": {"pattern": "a", "options": ""}, "x": 1}', "must not have 'x'"),
    ('{"$regex": "a", "$options": "g"}', "$options 'g' must be letters of"),
    ('{"$regex": "a", "$options": "", "x": 1}', "$regex must not have 'x' beside it"),
    ('{"$date": 1.5}', "$date 1.5 is no number of milliseconds"),
    ('{"$date": true}', "is no number of milliseconds"),
    ('{"$date": null}', "is no number of milliseconds"),
    ('{"$date": "2020-01-01"}', "$date '2020-01-01' is no date and time of RFC 3339"),
    ('{"$date": "2020-1-1T0:0:0Z"}', "is no date and time"),
    ('{"$date": "2020-01-01T00:00:00+99:00"}', "is no date and time"),
    ('{"$date": "2020-01-01T00:00:00+00:60"}', "is no date and time"),
    ('{"$date": "2020-01-01T00:00:00.1e5Z"}', "is no date and time"),
    ('{"$date": "2020-01-01T00:00:00\u0663Z"}', "is no date and time"),
    ('{"$timestamp": {"t": true, "i": 1}}', "must hold integers"),
    ('{"$timestamp": {"t": 1, "i": 1, "x": 1}}', 'must hold "t" and "i" and nothing else'),
    ('{"$timestamp": {"t": 1, "i": 1}, "x": 1}', "must not have 'x' beside it"),
    ('{"$oid": {"$binary": {"base64": "MDEyMzQ1Njc4OTAx", "subType": "00"}}}', "is no text"),
    ('{"$oid": null}', "$oid None is no text"),
    ('{"$symbol": 5}', "$symbol 5 is no text"),
    ('{"$undefined": true, "x": 1}', "$undefined must not have 'x' beside it"),
    ('{"x": 1, "$undefined": true}', "$undefined must not have 'x' beside it"),
    ('{"$undefined": 5}', "$undefined 5 must be true"),
    ('{"$code": 5}', "$code 5 is no text"),
    ('{"$code": "x", "$scope": null}', "$scope None is no document"),
    ('{"$code": "x", "y": 1}', "$code must not have 'y' beside it"),
]


@pytest.mark.parametrize(("text", "problem"), LOST)
@pytest.mark.parametrize("coded", [str, str.encode], ids=["str", "bytes"])
def test_what_would_get_lost(ours, text, problem, coded):
    with pytest.raises(ValueError) as caught:
        ours.loads_strict(coded(text))
    assert problem in str(caught.value)
    assert type(caught.value) is ValueError


FAITHFUL = [
    '{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}',
    "[0, -5, 1.5, 1e300, 0.0, -0.0, 0e999, 0.000e-999, 5e-324, NaN, Infinity, -Infinity]",
    '{"$numberDouble": "-Infinity"}',
    '{"$numberDouble": "0e-999"}',
    '{"$numberDouble": "1."}',
    '{"$numberInt": "-2147483648"}',
    '{"$numberInt": "+5"}',
    '{"$numberLong": "-9223372036854775808"}',
    '{"$numberLong": 5}',
    '{"$numberLong": {"$numberLong": "5"}}',
    '{"$numberDecimal": "1E-6176"}',
    '{"$binary": {"base64": "", "subType": "80"}}',
    '{"$binary": {"subType": "1", "base64": "QQ=="}}',
    '{"$binary": "QQ==", "$type": "ffffff80"}',
    '{"$type": 5, "$binary": "QQ=="}',
    '{"$uuid": "00112233-4455-6677-8899-AABBCCDDEEFF"}',
    '{"$uuid": "00112233445566778899aabbccddeeff"}',
    '{"$regularExpression": {"pattern": "(", "options": "xi"}}',
    '{"$regex": "a", "$options": ""}',
    '{"$options": "ilmsux", "$regex": "a"}',
    '{"$regex": {"$regularExpression": {"pattern": "a", "options": ""}}}',
    '{"$date": "2020-01-01T00:00:00Z"}',
    '{"$date": "2020-01-01T00:00:00.123456+05:30"}',
    '{"$date": "2020-01-01T00:00:00-0530"}',
    '{"$date": "2020-01-01T00:00:00"}',
    '{"$date": {"$numberLong": "-1"}}',
    '{"$date": 1e12}',
    '{"$timestamp": {"i": 1, "t": 4294967295}}',
    '{"$oid": "6592008029C8c3e4dc76256c"}',
    '{"$symbol": "x"}',
    '{"$undefined": true}',
    '{"$code": "x", "$scope": {"a": {"$numberInt": "5"}}}',
    '{"$minKey": 1}',
    '{"$dbPointer": {"$ref": "c", "$id": {"$oid": "6592008029c8c3e4dc76256c"}}}',
    '{"$ref": "c", "$id": 1, "$db": "d", "x": 1}',
    '{"$ref": 5, "$id": 1}',
    '{"$ref": "c", "$id": 1, "collection": "x"}',
    '{"$unknown": 1, "x": 2}',
    '{"$scope": {"a": 1}}',
]


@pytest.mark.parametrize("text", FAITHFUL)
def test_what_is_read_as_ever(ours, text):
    for coded in (text, text.encode()):
        strict, ordinary = ours.loads_strict(coded), ours.loads(coded)
        assert (type(strict), repr(strict)) == (type(ordinary), repr(ordinary))


def test_line_breaks_in_base64(ours):
    text = '{"$binary": {"base64": "QUJD\\r\\nREVG", "subType": "00"}}'
    assert ours.loads_strict(text) == b"ABCDEF"


@pytest.mark.parametrize(
    "text",
    [
        '{"$id": 1, "$ref": "c"}',
        '{"x": 1, "$ref": "c", "$id": 1}',
        '{"$ref": "c", "$id": 1, "$db": null}',
        '{"$ref": "c", "$id": 1, "x": 1, "$db": "d"}',
        '{"$regex": "a"}',
        '{"$regex": "a", "x": 1}',
    ],
)
def test_documents_that_another_class_would_change(ours, text):
    document = ours.loads_strict(text)
    assert type(document) is dict
    assert ours.dumps(document) == text


@pytest.mark.parametrize("text", ["", "{", "[1,]", '{"a": tru}', '{"$oid": "x"}', '"\x01"'])
def test_what_is_wrong_in_any_case(ours, text):
    assert cases.outcome(ours.loads_strict, text) == cases.outcome(ours.loads, text)


def test_options(ours):
    text = '{"b": {"$date": 0}, "a": [{"x": 1}]}'
    options = ours.JSONOptions(document_class=ours.SON, tz_aware=True)
    value = ours.loads_strict(text, json_options=options)
    assert value == ours.loads(text, json_options=options)
    assert type(value) is type(value["a"][0]) is ours.SON
    with pytest.raises(ValueError, match="the key 'x' comes twice"):
        ours.loads_strict('{"x": 1, "x": 1}', json_options=options)


def outcome(lib, text):
    return cases.outcome(lib.json_util.loads_strict, text)


def test_random_texts(both):
    """C and the twin agree, errors included."""
    writer = cases.load("bson")
    options = [*cases.dump_options(writer).values()]
    for seed in range(1500 * ROUNDS):
        rng = random.Random(seed)
        try:
            text = writer.dumps(
                random_value(rng, writer),
                json_options=options[seed % len(options)],
                ensure_ascii=rng.random() < 0.5,
            )
        except (ValueError, TypeError, OverflowError):
            continue
        text = without_fresh_ids(damaged(rng, text))
        assert outcome(both[0], text) == outcome(both[1], text), (seed, text)
