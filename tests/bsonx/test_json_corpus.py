"""The extended JSON parts of the BSON corpus, in both directions."""

import json

import pytest

from specs import load, spec_files

FILES = spec_files("bson-corpus")


def cases(kind, wanted=lambda case: True):
    if FILES[0].values[0] is None:
        return [pytest.param(None, None, id=FILES[0].id, marks=FILES[0].marks)]
    return [
        pytest.param(suite, case, id=f"{file.id}: {case['description']}")
        for file in FILES
        for suite in [load(file.values[0])]
        for case in suite.get(kind, [])
        if wanted(case)
    ]


def plain(text):
    """Return the JSON `text` as nested data: member order kept, doubles by their value."""

    def members(pairs):
        if len(pairs) == 1 and pairs[0][0] == "$numberDouble":
            return "double", repr(float(pairs[0][1]))
        return "object", pairs

    return json.loads(text, object_pairs_hook=members)


def has_relaxed(case):
    return "relaxed_extjson" in case and "converted_extjson" not in case


def has_degenerate(case):
    return "degenerate_extjson" in case


def read_options(json_util):
    return json_util.JSONOptions(
        json_mode=json_util.JSONMode.CANONICAL,
        tz_aware=True,
        datetime_conversion=json_util.DatetimeConversion.DATETIME_AUTO,
    )


def decoded(bx, json_util, data):
    options = json_util.CodecOptions(
        tz_aware=True, datetime_conversion=json_util.DatetimeConversion.DATETIME_AUTO
    )
    return bx.decode(bytes.fromhex(data), options)


@pytest.mark.parametrize(("suite", "case"), cases("valid"))
def test_canonical(bx, suite, case):
    from bsonx import json_util

    # A deprecated type is read as the one that replaced it.
    kind = "converted" if "converted_extjson" in case else "canonical"
    text, data = case[f"{kind}_extjson"], case[f"{kind}_bson"]
    options = json_util.CANONICAL_JSON_OPTIONS
    value = decoded(bx, json_util, case["canonical_bson"])
    assert plain(json_util.dumps(value, json_options=options)) == plain(text)
    loaded = json_util.loads(case["canonical_extjson"], json_options=read_options(json_util))
    if isinstance(loaded, json_util.DBRef):  # a document that looks like one, at top level
        loaded = loaded.as_doc()
    assert plain(json_util.dumps(loaded, json_options=options)) == plain(text)
    if not case.get("lossy", False):
        assert bx.encode(loaded).hex() == data.lower()


@pytest.mark.parametrize(("suite", "case"), cases("valid", has_relaxed))
def test_relaxed(bx, suite, case):
    from bsonx import json_util

    expected = plain(case["relaxed_extjson"])
    options = json_util.RELAXED_JSON_OPTIONS
    value = decoded(bx, json_util, case["canonical_bson"])
    assert plain(json_util.dumps(value, json_options=options)) == expected
    loaded = json_util.loads(case["relaxed_extjson"], json_options=read_options(json_util))
    assert plain(json_util.dumps(loaded, json_options=options)) == expected


@pytest.mark.parametrize(("suite", "case"), cases("valid", has_degenerate))
def test_degenerate(bx, suite, case):
    from bsonx import json_util

    kind = "converted" if "converted_extjson" in case else "canonical"
    loaded = json_util.loads(case["degenerate_extjson"], json_options=read_options(json_util))
    text = json_util.dumps(loaded, json_options=json_util.CANONICAL_JSON_OPTIONS)
    assert plain(text) == plain(case[f"{kind}_extjson"])
    assert bx.encode(loaded).hex() == case[f"{kind}_bson"].lower()


# PyMongo reads these, and so do we: legacy dates and longs, and what the uuid module and the
# table of regular expression flags let through.
LENIENT = {
    "Bad $date (number, not string or hash)",
    "Bad $numberLong (number, not string)",
    "$uuid invalid value--misplaced hyphens",
    "Null byte in $regularExpression options",
}


@pytest.mark.parametrize(("suite", "case"), cases("parseErrors"))
def test_parse_error(bx, suite, case):
    from bsonx import json_util
    from bsonx.errors import InvalidDocument

    if suite["bson_type"] == "0x13":
        with pytest.raises(ArithmeticError):
            json_util.Decimal128(case["string"])
        return
    options = json_util.JSONOptions(uuid_representation=json_util.UuidRepresentation.STANDARD)
    if case["description"] in LENIENT:
        bx.encode(json_util.loads(case["string"], json_options=options), codec_options=options)
        return
    # A NUL byte is fine in JSON; it is the BSON encoder that has no room for it.
    with pytest.raises((TypeError, ValueError, KeyError, InvalidDocument)):
        bx.encode(json_util.loads(case["string"], json_options=options), codec_options=options)


def exact(bx, json_util, text):
    """The BSON of a text over Python values."""
    options = json_util.JSONOptions(datetime_conversion=json_util.DatetimeConversion.DATETIME_AUTO)
    try:
        return bx.encode(json_util.loads_strict(text, json_options=options))
    except Exception as exc:
        return type(exc), str(exc)


def attempt(call, *args):
    try:
        return call(*args)
    except Exception as exc:
        return type(exc), str(exc)


@pytest.mark.parametrize(("suite", "case"), cases("valid"))
def test_text_to_bson_and_back(bx, suite, case):
    from bsonx import json_util, ndjson

    texts = [text for name, text in case.items() if name.endswith("_extjson")]
    for text in texts:
        expected = exact(bx, json_util, text)
        assert attempt(json_util.to_bson, text) == expected
        batch = ndjson.read_lines(text.encode())
        assert batch.data == (expected if isinstance(expected, bytes) else b"")
    auto = json_util.DatetimeConversion.DATETIME_AUTO
    for name, data in case.items():
        if not name.endswith("_bson"):
            continue
        data = bytes.fromhex(data)
        for mode in ("CANONICAL", "RELAXED", "LEGACY"):
            options = getattr(json_util, f"{mode}_JSON_OPTIONS")
            value = bx.decode(data, options.with_options(datetime_conversion=auto))
            text = json_util.dumps(value, json_options=options)
            assert json_util.from_bson(data, options) == text
            assert ndjson.write_lines(data, options) == text.encode() + b"\n"


@pytest.mark.parametrize(("suite", "case"), cases("decodeErrors"))
def test_bson_that_is_damaged(bx, suite, case):
    from bsonx import json_util, ndjson

    data = bytes.fromhex(case["bson"])
    with pytest.raises(bx.errors.InvalidBSON):
        json_util.from_bson(data)
    if data:
        with pytest.raises(bx.errors.InvalidBSON):
            ndjson.write_lines(data)


@pytest.mark.parametrize(("suite", "case"), cases("parseErrors"))
def test_text_that_is_wrong(bx, suite, case):
    from bsonx import json_util

    text = case["string"]
    assert attempt(json_util.to_bson, text) == exact(bx, json_util, text)
