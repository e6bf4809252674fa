"""What errors of extended JSON say: the wrapper or the value at fault, not what tripped over it."""

import datetime

import json_cases as cases
import pytest

OID = '{"$oid": "6592008029c8c3e4dc76256c"}'


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


def words_for(year, month, day):
    """What this Python says about a date that there is not."""
    with pytest.raises(ValueError) as info:
        datetime.datetime(year, month, day)
    return str(info.value)


def is_no_date(text, reason=""):
    return "ValueError", f"time data {text!r} does not match ISO-8601 datetime format{reason}"


READING = [
    ('{"$maxKey": 2}', ("TypeError", "$maxKey value must be 1: {'$maxKey': 2}")),
    (
        '{"$maxKey": 1, "x": 1}',
        ("TypeError", "Bad $maxKey, extra field(s): {'$maxKey': 1, 'x': 1}"),
    ),
    (
        '{"$binary": "AAA="}',
        (
            "TypeError",
            '$binary value must be a document with "base64" and "subType" components: '
            "{'$binary': 'AAA='}",
        ),
    ),
    (
        '{"$binary": {"base64": ""}}',
        (
            "KeyError",
            '\'$binary must include "base64" and "subType" components: '
            "{\\'$binary\\': {\\'base64\\': \\'\\'}}'",
        ),
    ),
    (
        '{"$binary": {"base64": "x", "subType": "00"}}',
        (
            "Error",
            "Bad $binary, Invalid base64-encoded string: number of data characters (1) cannot be 1 "
            "more than a multiple of 4: {'$binary': {'base64': 'x', 'subType': '00'}}",
        ),
    ),
    (
        '{"$binary": {"base64": "", "subType": "zz"}}',
        (
            "ValueError",
            "Bad $binary, subType must be hexadecimal: "
            "{'$binary': {'base64': '', 'subType': 'zz'}}",
        ),
    ),
    (
        '{"$binary": "", "$type": "zz"}',
        (
            "ValueError",
            "Bad $binary, $type must be hexadecimal: {'$binary': '', '$type': 'zz'}",
        ),
    ),
    (
        '{"$binary": "", "$type": 1.5}',
        (
            "TypeError",
            "Bad $binary, $type must be a number or a string: {'$binary': '', '$type': 1.5}",
        ),
    ),
    (
        '{"$binary": "", "$type": 256}',
        (
            "ValueError",
            "Bad $binary, $type must be contained in [0, 256): {'$binary': '', '$type': '100'}",
        ),
    ),
    (
        '{"$binary": 5, "$type": "00"}',
        ("TypeError", "$binary base64 must be a string: {'$binary': 5, '$type': '00'}"),
    ),
    ('{"$date": "2016-09-23"}', is_no_date("2016-09-23")),
    ('{"$date": "2016-09-23T10:00:00+1"}', is_no_date("2016-09-23T10:00:00+1")),
    ('{"$date": "2016-09-23T10:00:00+ab:cd"}', is_no_date("2016-09-23T10:00:00+ab:cd")),
    ('{"$date": "2016-09-23T10:00:00.xZ"}', is_no_date("2016-09-23T10:00:00.xZ")),
    ('{"$date": "2016-13-23T10:00:00Z"}', is_no_date("2016-13-23T10:00:00Z")),
    ('{"$date": ""}', is_no_date("")),
    (
        '{"$date": "0000-01-01T00:00:00Z"}',
        is_no_date("0000-01-01T00:00:00Z", f": {words_for(0, 1, 1)}"),
    ),
    (
        '{"$date": "2015-02-29T00:00:00Z"}',
        is_no_date("2015-02-29T00:00:00Z", f": {words_for(2015, 2, 29)}"),
    ),
    (
        '{"$date": "0001-01-01T00:00:00+01:00"}',
        ("OverflowError", "date value out of range: '0001-01-01T00:00:00+01:00'"),
    ),
    ('{"$date": null}', ("TypeError", "$date must be a number: {'$date': None}")),
    (
        '{"$date": Infinity}',
        ("OverflowError", "$date must be a number that its type can hold: {'$date': inf}"),
    ),
    ('{"$numberLong": []}', ("TypeError", "$numberLong must be a number: {'$numberLong': []}")),
    (
        '{"$numberLong": "x"}',
        (
            "ValueError",
            "Bad $numberLong, invalid literal for int() with base 10: 'x': {'$numberLong': 'x'}",
        ),
    ),
    (
        '{"$numberInt": "5.5"}',
        (
            "ValueError",
            "Bad $numberInt, invalid literal for int() with base 10: '5.5': {'$numberInt': '5.5'}",
        ),
    ),
    (
        '{"$numberDouble": "x"}',
        (
            "ValueError",
            "Bad $numberDouble, could not convert string to float: 'x': {'$numberDouble': 'x'}",
        ),
    ),
    (
        '{"$numberDecimal": "ten"}',
        (
            "InvalidOperation",
            "$numberDecimal must be a number that its type can hold: {'$numberDecimal': 'ten'}",
        ),
    ),
    (
        '{"$numberDecimal": "1e9999"}',
        (
            "Overflow",
            "$numberDecimal must be a number that its type can hold: {'$numberDecimal': '1e9999'}",
        ),
    ),
    (
        '{"$uuid": "0011"}',
        ("ValueError", "Bad $uuid, badly formed hexadecimal UUID string: {'$uuid': '0011'}"),
    ),
    (
        '{"$regularExpression": 5}',
        (
            "TypeError",
            'Bad $regularExpression must include only "pattern and "options" components: '
            "{'$regularExpression': 5}",
        ),
    ),
    (
        '{"$regex": "a", "$options": 5}',
        (
            "TypeError",
            "Bad $regex, $options must be string: {'$regex': 'a', '$options': 5}",
        ),
    ),
]


@pytest.mark.parametrize(("text", "expected"), READING)
@pytest.mark.parametrize("coded", [str, str.encode], ids=["str", "bytes"])
def test_reading(ours, text, expected, coded):
    assert cases.outcome(ours.loads, coded(text)) == expected


@pytest.mark.parametrize("name", ["collection", "id", "database", "_extra"])
def test_a_field_of_a_reference_may_have_any_name(ours, name):
    """PyMongo: got multiple values for argument 'collection'."""
    text = f'{{"$ref": "c", "$id": 1, "{name}": {{"x": 5}}}}'
    reference = ours.loads(text)
    assert type(reference) is ours.DBRef
    assert ours.dumps(reference) == text


class Unconvertible(datetime.datetime):
    def utcoffset(self):
        raise TypeError("no offset today")


def test_a_type_error_of_a_conversion_is_seen(ours):
    """PyMongo: Object of type Unconvertible is not JSON serializable."""
    value = {"a": [Unconvertible(2020, 1, 1)]}
    for kwargs in ({}, {"indent": 1}, {"skipkeys": True}):
        with pytest.raises(TypeError, match="no offset today"):
            ours.dumps(value, **kwargs)
    with pytest.raises(TypeError, match="no offset today"):
        ours.dumps([object(), value])  # conversions come first
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        ours.dumps([object()])


def test_options_name_the_mode(ours):
    with pytest.raises(ValueError, match=r"strict_number_long=False with JSONMode\.CANONICAL"):
        ours.JSONOptions(json_mode=2, strict_number_long=False)
    with pytest.raises(ValueError, match=r"strict_number_long=True with JSONMode\.RELAXED"):
        ours.JSONOptions(json_mode=1, strict_number_long=True)
    with pytest.raises(ValueError, match=r"NUMBERLONG or omitted with JSONMode\.CANONICAL"):
        ours.JSONOptions(json_mode=2, datetime_representation=0)
    with pytest.raises(ValueError, match=r"strict_uuid=False with JSONMode\.CANONICAL"):
        ours.JSONOptions(json_mode=2, strict_uuid=False)
