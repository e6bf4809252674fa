"""NDJSON lines."""

from datetime import UTC, datetime

import pytest

from bsonx.datetime_ms import DatetimeMS
from bsonx.objectid import ObjectId

from .reading import ndjson_records, read


def test_lines():
    data = b'{"a": 1}\n\n  \n{"b": [1.5, null, "\xc3\xa9"]}\r\n{"c": {}}'
    records, rejected = read(ndjson_records, data)
    assert records == [(1, {"a": 1}), (4, {"b": [1.5, None, "é"]}), (5, {"c": {}})]
    assert rejected == []


def test_extended_json():
    data = b'{"_id": {"$oid": "0123456789abcdef01234567"}, "t": {"$date": "2013-01-01T00:00:00Z"}}'
    [(_, document)], _ = read(ndjson_records, data)
    assert document["_id"] == ObjectId("0123456789abcdef01234567")
    assert document["t"].replace(tzinfo=UTC) == datetime(2013, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf"])
def test_nothing(data):
    assert read(ndjson_records, data) == ([], [])


def test_a_byte_order_mark():
    assert read(ndjson_records, b'\xef\xbb\xbf{"a": 1}') == ([(1, {"a": 1})], [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"[1]", "not an array"),
        (b"null", "not null"),
        (b"5", "not a value of type int"),
        (b'{"$oid": "x"}', "'x' is not a valid ObjectId"),
        (b'{"a": {"$oid": 5}}', "field a: $oid 5 is no text"),
        (b'{"a": {"$numberDecimal": "ten"}}', "field a: $numberDecimal must be"),
        # What a lenient reader changes or drops without a word; more in test_json_strict.py.
        (b'{"a": 1, "a": 2}', "the key 'a' comes twice"),
        (b'{"a": 1E400}', "the number 1E400 is too large for a double"),
        (b'{"a": {"$binary": {"base64": "@@", "subType": "00"}}}', "is no base64"),
        (b'{"a": {"$regularExpression": {"pattern": "(", "options": "z"}}}', "must be letters of"),
        (b'{"a": {"$undefined": true, "b": 1}}', "must not have 'b' beside it"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_bad_lines_are_rejected_alone(line, reason):
    records, [(number, raw, why)] = read(ndjson_records, b'{"a": 1}\n' + line + b'\n{"b": 2}\n')
    assert records == [(1, {"a": 1}), (3, {"b": 2})]
    assert number == 2
    assert raw == line
    assert reason in why


def test_an_overlong_line_is_not_read_into_memory():
    data = b'{"a": 1}\n{"b": "' + b"x" * 5_000_000 + b'"}\n{"c": 3}'
    records, [(number, raw, why)] = read(ndjson_records, data, max_record=100)
    assert records == [(1, {"a": 1}), (3, {"c": 3})]
    assert (number, raw, why) == (2, data[9:1009], "the line is longer than 100 bytes")


def test_a_line_of_exactly_the_longest_length():
    line = b'{"a": 1}\n'
    assert read(ndjson_records, line * 2, max_record=len(line))[1] == []


def test_f9_dates_that_python_cannot_hold():
    """What our own `dumps` writes can be read."""
    millis = [253402300800000, -62135596800001, 2**63 - 1]
    lines = [b'{"d": {"$date": {"$numberLong": "%d"}}}\n' % value for value in millis]
    records, rejected = read(ndjson_records, b"".join(lines))
    assert rejected == []
    assert [document["d"] for _, document in records] == [DatetimeMS(value) for value in millis]
