"""json_util's options, hooks, keyword arguments and sizes."""

import collections
import copy
import datetime
import json
import pickle
import re
import uuid

import json_cases as cases
import pytest

oracle = cases.load("bson")


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


OPTION_SETS = [
    {},
    {"json_mode": 5},
    {"json_mode": None},
    {"json_mode": True},
    {"json_mode": 2.0},
    {"json_mode": 0},
    {"json_mode": 1},
    {"json_mode": 2},
    {"datetime_representation": 9},
    {"datetime_representation": "x"},
    {"datetime_representation": 9, "json_mode": 5},
    *[{"json_mode": mode, "strict_number_long": v} for mode in (0, 1, 2) for v in (0, 1, None)],
    *[{"json_mode": mode, "strict_uuid": v} for mode in (0, 1, 2) for v in (True, False, 5)],
    *[{"json_mode": m, "datetime_representation": v} for m in (0, 1, 2) for v in (0, 1, 2)],
    {"strict_number_long": True, "strict_uuid": False, "datetime_representation": 0},
    {"strict_uuid": False, "datetime_representation": 0},
    {"tz_aware": True},
    {"tz_aware": True, "tzinfo": datetime.timezone.utc},  # noqa: UP017
    {"tz_aware": False, "tzinfo": datetime.timezone.utc},  # noqa: UP017
    {"tzinfo": datetime.timezone.utc},  # noqa: UP017
    {"tz_aware": 5},
    {"tz_aware": None},
    {"bogus": 1},
    {"document_class": 5},
    {"document_class": collections.OrderedDict},
    {"uuid_representation": 4},
    {"uuid_representation": 99},
    {"unicode_decode_error_handler": None},
]


def with_mode(text, options):
    """PyMongo's text of an error says RELAXED in canonical mode, too."""
    if options.get("json_mode") in (2, 2.0):
        return text.replace("with JSONMode.RELAXED", "with JSONMode.CANONICAL")
    return text


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_options(ours, options):
    mine = cases.outcome(lambda: repr(ours.JSONOptions(**options)))
    theirs = cases.outcome(lambda: repr(oracle.JSONOptions(**options)))
    assert str(mine).replace("bsonx", "bson") == with_mode(str(theirs), options)


def test_positional_options(ours):
    options = ours.JSONOptions(True, 2, True, 0)
    assert options.strict_number_long is True
    assert options.datetime_representation == ours.DatetimeRepresentation.ISO8601
    assert options.strict_uuid is True
    assert options.json_mode == ours.JSONMode.LEGACY


@pytest.mark.parametrize(
    ("start", "change"),
    [
        ({}, {"tz_aware": True}),
        ({}, {"json_mode": 2}),
        ({}, {"strict_uuid": True}),
        ({"json_mode": 2}, {"json_mode": 0}),
        ({"json_mode": 0, "strict_uuid": True}, {"document_class": collections.OrderedDict}),
        ({}, {"bogus": 1}),
        ({"tz_aware": True}, {"tz_aware": False}),
    ],
    ids=str,
)
def test_with_options(ours, start, change):
    def changed(lib):
        return repr(lib.JSONOptions(**start).with_options(**change))

    mine, theirs = cases.outcome(changed, ours), cases.outcome(changed, oracle)
    assert str(mine).replace("bsonx", "bson") == with_mode(str(theirs), {**start, **change})


def test_options_compare_as_codec_options(ours):
    assert ours.JSONOptions(json_mode=0) == ours.JSONOptions(json_mode=2) == ours.CodecOptions()
    assert ours.JSONOptions(document_class=ours.SON) != ours.JSONOptions()
    assert ours.DEFAULT_JSON_OPTIONS is ours.RELAXED_JSON_OPTIONS
    assert isinstance(ours.JSONOptions(), ours.CodecOptions)


def test_options_copy_and_pickle(ours):
    options = ours.JSONOptions(json_mode=0, strict_number_long=True, tz_aware=True)
    for again in (
        copy.copy(options),
        copy.deepcopy(options),
        *[pickle.loads(pickle.dumps(options, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)],
    ):
        assert type(again) is ours.JSONOptions
        assert again.json_mode == 0
        assert again.strict_number_long is True
        assert again.tz_aware is True


DUMP_KWARGS = [
    {"indent": 2},
    {"indent": "\t"},
    {"indent": 0},
    {"indent": None},
    {"sort_keys": True},
    {"separators": (",", ":")},
    {"ensure_ascii": False},
    {"sort_keys": True, "indent": 1, "separators": (",", ": "), "ensure_ascii": False},
    {"skipkeys": True},
    {"check_circular": False},
    {"allow_nan": False},
    {"default": lambda value: "DEF"},
    {"cls": type("Encoder", (json.JSONEncoder,), {"default": lambda self, value: "CLS"})},
    {"bogus": 1},
]


@pytest.mark.parametrize("kwargs", DUMP_KWARGS, ids=lambda kwargs: next(iter(kwargs)))
def test_dumps_kwargs(ours, kwargs):
    def dumped(lib, value):
        return cases.outcome(lib.dumps, value, json_options=lib.LEGACY_JSON_OPTIONS, **kwargs)

    for value in (
        {"z": 1, "é": [datetime.datetime(2020, 1, 1), {}, []], "a": {"c": b"x", "b": float("nan")}},
        [object()],
        {1: 2, (1,): 3},
        {1: 2, "a": 3},
        {},
        [],
        [[[]], {"a": {}}],
        "\ud800é\U0001f600",
    ):
        if "check_circular" in kwargs and value == {1: 2, (1,): 3}:
            continue
        assert dumped(ours, value) == dumped(oracle, value)


def test_an_error_of_a_conversion_comes_before_those_of_json(ours):
    def dumped(lib, value, **kwargs):
        return cases.outcome(lib.dumps, value, **kwargs)

    unset = ours.JSONOptions(uuid_representation=0), oracle.JSONOptions(uuid_representation=0)
    for value in ([object(), uuid.UUID(int=1)], {(1,): 2, "a": uuid.UUID(int=1)}):
        for kwargs in ({}, {"indent": 1, "sort_keys": True}):
            one = dumped(ours, value, json_options=unset[0], **kwargs)
            assert one == dumped(oracle, value, json_options=unset[1], **kwargs)
            assert one[0] == "ValueError"


def test_layout_with_options_of_other_kinds(ours):
    """Options that the native writer does not take must not lose the layout."""
    options = ours.JSONOptions(json_mode=2.0)
    assert ours.dumps([1], json_options=options, indent=1) == ('[\n {\n  "$numberInt": "1"\n }\n]')
    with pytest.raises(AttributeError):
        ours.dumps([1], json_options=None, indent=1)


def test_dumps_arguments(ours):
    calls = [
        lambda lib: lib.dumps(),
        lambda lib: lib.dumps(obj=1),
        lambda lib: lib.dumps(1, 5),
        lambda lib: lib.dumps(1, json_options=None),
        lambda lib: lib.dumps(1, json_options=5),
        lambda lib: lib.dumps(datetime.datetime(2020, 1, 1), json_options=lib.CodecOptions()),
        lambda lib: lib.default(1, None),
        lambda lib: lib.default(datetime.datetime(2020, 1, 1), None),
    ]
    for call in calls:
        assert cases.outcome(call, ours) == cases.outcome(call, oracle)


LOAD_KWARGS = [
    {"object_pairs_hook": list},
    {"object_pairs_hook": None},
    {"object_hook": list},
    {"object_hook": None},
    {"parse_float": str},
    {"parse_int": str},
    {"parse_constant": str},
    {"strict": False},
    {"cls": json.JSONDecoder},
    {"bogus": 1},
]


@pytest.mark.parametrize("kwargs", LOAD_KWARGS, ids=str)
@pytest.mark.parametrize("son", [False, True])
def test_loads_kwargs(ours, kwargs, son):
    def loaded(lib, text):
        options = lib.JSONOptions(document_class=lib.SON) if son else lib.DEFAULT_JSON_OPTIONS
        return cases.outcome(lib.loads, text, json_options=options, **kwargs)

    for text in ('{"a": [1, 1.5, NaN, {"$numberLong": "5"}]}', '["\n"]', "{}", "[1", '{"b": {}}'):
        assert loaded(ours, text) == loaded(oracle, text)


def test_loads_input(ours):
    text = '{"é": "\U0001f600", "$a": [1]}'
    inputs = [
        text,
        text.encode(),
        bytearray(text.encode()),
        memoryview(b"{}"),
        5,
        None,
        *[
            text.encode(name)
            for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be")
        ],
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"",
        b"\xef\xbb\xbf",
        "\ufeff{}",
        cases.MyStr("{}"),
        cases.MyBytes(b"[]"),
    ]
    for value in inputs:
        mine, theirs = cases.outcome(ours.loads, value), cases.outcome(oracle.loads, value)
        assert mine == theirs, value


def test_loads_arguments(ours):
    calls = [
        lambda lib: lib.loads(),
        lambda lib: lib.loads(s="{}"),
        lambda lib: lib.loads("{}", 5),
        lambda lib: lib.loads("5", json_options=None),
        lambda lib: lib.loads("{}", json_options=5),
        lambda lib: lib.loads("{}", json_options=lib.CodecOptions()),
        lambda lib: lib.loads('{"$date": 5}', json_options=lib.CodecOptions()),
    ]
    for call in calls:
        assert cases.outcome(call, ours) == cases.outcome(call, oracle)


def test_null_object_id_is_a_new_one(ours):
    first, second = ours.loads('[{"$oid": null}, {"$oid": null}]')
    assert isinstance(first, ours.ObjectId)
    assert first != second


def test_timestamp_of_a_bool(ours):
    assert ours.loads('{"$timestamp": {"t": true, "i": 2}}') == ours.Timestamp(1, 2)


def hook_inputs(lib):
    proxy = collections.UserDict
    return [
        {"a": 1},
        {"$oid": "a" * 24},
        {"$oid": b"a" * 12},
        {"$oid": lib.ObjectId(b"a" * 12)},
        {"$date": datetime.datetime(2020, 1, 1)},
        {"$date": lib.DatetimeMS(5)},
        {"$date": lib.Int64(5)},
        {"$date": b"5"},
        {"$date": cases.MyStr("2020-01-01T00:00:00Z")},
        {"$regex": b"a", "$options": "i"},
        {"$regex": lib.Regex("a")},
        {"$regex": cases.MyStr("a"), "$options": ["i", "m"]},
        {"$minKey": cases.MyInt(1)},
        {"$minKey": cases.NumberEnum.A},
        {"$binary": b"YWJj", "$type": 0},
        {"$binary": {"base64": b"YWJj", "subType": "00"}},
        {"$binary": "YWJj", "$type": 5},
        {"$uuid": 5},
        {"$timestamp": lib.SON([("t", 1), ("i", 2)])},
        {"$timestamp": proxy(t=1, i=2)},
        {"$numberDouble": cases.MyStr("1")},
        proxy({"$date": 5}),
        proxy({"$ref": "a", "$id": 5}),
        {1: 2},
        {"$ref": "c", "$id": 1, "$db": "d", "x": 1},
        {"$ref": "c", "$id": 1, "$db": None},
        5,
        None,
        "$oid",
        ["$oid"],
        [("$oid", 1)],
    ]


def test_object_hook(ours):
    for mine, theirs in zip(hook_inputs(ours), hook_inputs(oracle), strict=True):
        got, expected = (
            cases.outcome(ours.object_hook, mine),
            cases.outcome(oracle.object_hook, theirs),
        )
        assert cases.agree(got, expected), (got, expected)
        assert cases.describe(mine) == cases.describe(theirs)  # the same changes in place


def test_object_hook_returns_the_document_itself(ours):
    document = {"a": 1}
    assert ours.object_hook(document) is document


def test_object_pairs_hook(ours):
    for pairs in ([("a", 1)], [("$oid", "a" * 24)], {"a": 1}, [], [("a", 1), ("a", 2)], 5):
        mine = cases.outcome(ours.object_pairs_hook, pairs)
        assert mine == cases.outcome(oracle.object_pairs_hook, pairs)
    options = ours.JSONOptions(document_class=ours.SON)
    assert type(ours.object_pairs_hook([("a", 1)], options)) is ours.SON


def test_get_size(ours):
    values = zip(cases.values(ours), cases.values(oracle), strict=True)
    for mine, theirs in values:
        for limits in ((10**6,), (10,), (0,), (10**6, 7), (10, 50)):
            got = cases.outcome(ours.get_size, mine, *limits)
            assert got == cases.outcome(oracle.get_size, theirs, *limits), (repr(mine), limits)


def test_numbers_with_a_text_of_their_own(ours):
    """Written as numbers in every mode; PyMongo puts the text into the canonical wrappers."""
    values = [cases.ShownInt(5), cases.ShownInt(2**40), cases.ShownFloat(1.5), cases.MixedEnum.A]
    values.append(re.IGNORECASE)  # iterates over itself: endless recursion in PyMongo
    assert ours.dumps(values) == "[5, 1099511627776, 1.5, 1, 2]"
    canonical = ours.dumps(values, json_options=ours.CANONICAL_JSON_OPTIONS)
    assert ours.loads(canonical) == [5, 2**40, 1.5, 1, 2]


def test_generator(ours):
    assert ours.dumps(x for x in (1, b"a", [None])) == (
        '[1, {"$binary": {"base64": "YQ==", "subType": "00"}}, [null]]'
    )


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_loads_nesting_limit(ours, opening):
    depth = cases.deep_limit()
    closing = opening.translate(str.maketrans("[{", "]}", '"a:'))[::-1]
    for text in (opening * depth, opening * depth + "1" + closing * depth):
        with pytest.raises(RecursionError):
            ours.loads(text)
    text = opening * 50 + "1" + closing * 50
    assert ours.loads(text) == json.loads(text)


def test_dumps_nesting_limit(ours):
    endless_list = []
    endless_list.append(endless_list)
    endless_dict = {}
    endless_dict["a"] = endless_dict
    deep = []
    for _ in range(cases.deep_limit()):
        deep = [deep]
    for value in (endless_list, endless_dict, deep, [{"a": endless_list}]):
        with pytest.raises(RecursionError):
            ours.dumps(value)
    value = 1
    for _ in range(50):
        value = [{"a": value}]
    assert ours.dumps(value) == json.dumps(value)


def test_huge_integers(ours):
    for text in ("1" * 5000, '{"$numberLong": "' + "1" * 5000 + '"}', "[-" + "1" * 5000 + "]"):
        mine, theirs = cases.outcome(ours.loads, text), cases.outcome(oracle.loads, text)
        assert cases.agree(mine, theirs)
    assert cases.outcome(ours.dumps, 10**5000) == cases.outcome(oracle.dumps, 10**5000)
    number = 7**4000
    assert ours.loads(ours.dumps([number, -number])) == [number, -number]
