"""Differential fuzzing: C, pure Python and PyMongo agree on damaged and on generated documents.

The slow tests (``make fuzz``) do the same with a million damaged and 20,000 generated documents.
"""

from __future__ import annotations

import importlib

import bson
import generate
import pytest
from hypothesis import HealthCheck, given, settings
from mutate import mutations, seeds
from neutral import attempt
from package import namespace

from implementations import tree

SEED = 20260
LONG = [pytest.mark.slow, pytest.mark.timeout(0)]
DAMAGED = pytest.mark.parametrize(
    "count", [50_000, pytest.param(1_000_000, marks=LONG)], ids=["short", "long"]
)


def _option_sets(names):
    options, son = names["CodecOptions"], names["SON"]
    conversion = names["DatetimeConversion"]
    east = names["offset"](3)
    return [
        options(),
        options(tz_aware=True, uuid_representation=4),
        options(document_class=son, unicode_decode_error_handler="replace"),
        options(datetime_conversion=conversion.DATETIME_AUTO, uuid_representation=3),
        options(datetime_conversion=conversion.DATETIME_CLAMP, tz_aware=True, tzinfo=east),
        options(datetime_conversion=conversion.DATETIME_MS, uuid_representation=5),
        options(unicode_decode_error_handler="ignore", uuid_representation=6, tz_aware=True),
        options(document_class=names["RawBSONDocument"]),
    ]


class Subject:
    """One package to be compared: its names, options and ways to decode."""

    def __init__(self, names):
        self.names = names
        self.options = _option_sets(names)
        self.decode = names["decode"]
        self.decode_all = names["decode_all"]


@pytest.fixture(scope="module")
def pymongo():
    return Subject(namespace("bson"))


def _subject(implementation):
    with tree(implementation).active():
        return Subject(namespace("bsonx"))


@pytest.fixture(scope="module", params=["c", "py"])
def subject(request):
    return _subject(request.param)


@pytest.fixture(scope="module")
def pair():
    return _subject("c"), _subject("py")


@pytest.fixture(scope="module")
def corpus():
    return seeds(bson)


def _agrees(ours, theirs):
    """Same value, or both refuse; the wording of refusals is compared elsewhere."""
    if "gives" in (ours[0], theirs[0]):
        return ours == theirs
    return ours[1] == theirs[1]


@DAMAGED
def test_damaged_documents_against_pymongo(subject, pymongo, corpus, count):
    differences = []
    for number, data in enumerate(mutations(SEED, count, corpus)):
        which = number % len(subject.options) if number % 2 else 0
        ours = attempt(subject.decode, data, subject.options[which])
        theirs = attempt(pymongo.decode, data, pymongo.options[which])
        if not _agrees(ours, theirs):
            differences.append((data, which, ours, theirs))
    assert not differences, f"{len(differences)} differences, first: {differences[0]}"


@DAMAGED
def test_damaged_documents_c_against_pure(pair, corpus, count):
    c, pure = pair
    differences = []
    for number, data in enumerate(mutations(SEED + 1, count, corpus)):
        which = number % len(c.options) if number % 2 else 0
        one = attempt(c.decode, data, c.options[which])
        two = attempt(pure.decode, data, pure.options[which])
        if one != two:
            differences.append((data, which, one, two))
    assert not differences, f"{len(differences)} differences, first: {differences[0]}"


def test_the_mutator_reaches_both_outcomes(pymongo, corpus):
    outcomes = [attempt(pymongo.decode, data)[0] for data in mutations(SEED, 2000, corpus)]
    assert outcomes.count("gives") > 200
    assert outcomes.count("raises") > 200


@DAMAGED
def test_damaged_messages_c_against_pure(pair, corpus, count):
    c, pure = pair
    modules = [_op_msg(name) for name in ("c", "py")]
    bodies = [data for data in corpus if len(data) < 200][:20]
    whole = [generate.op_msg(bodies[:n], flags) for n in (1, 2, 3) for flags in (0, 1, 2, 3)]
    fields = (None, frozenset(["k", "firstBatch"]))
    differences = []
    for number, data in enumerate(mutations(SEED + 2, count // 8, whole)):
        user = fields[number % 2]
        one = attempt(_message, modules[0], data, c.options[2], user)
        two = attempt(_message, modules[1], data, pure.options[2], user)
        if one != two:
            differences.append((data, user, one, two))
    assert not differences, f"{len(differences)} differences, first: {differences[0]}"


def _op_msg(implementation):
    with tree(implementation).active():
        return importlib.import_module("bsonx.op_msg")


def _message(module, data, options, user):
    flags, body = module.decode_message(data, options, user)
    return [flags, body]


def _examples(count):
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def _same_both_ways(subject, pymongo, recipe):
    """Same bytes from the same document; same value from the bytes."""
    stored = attempt(_encoded, pymongo.names, recipe)
    assert attempt(_encoded, subject.names, recipe)[:3] == stored[:3]
    if stored[0] == "gives":
        for ours, theirs in zip(subject.options[:7], pymongo.options[:7], strict=True):
            expected = attempt(pymongo.decode, stored[1], theirs)
            assert _agrees(attempt(subject.decode, stored[1], ours), expected)


def _same_failures(pair, pymongo, recipe):
    """C and pure Python fail alike, path included; PyMongo with the same class and text."""
    c, pure = (attempt(_encoded, one.names, recipe) for one in pair)
    assert c == pure
    kind, result, *told = c
    if told and told[1][1]:  # PyMongo's texts do not tell the place
        told[0] = told[0].rpartition(" - at ")[0] or told[0]
    assert (kind, result, *told[:1]) == attempt(_encoded, pymongo.names, recipe)[:3]


@_examples(100)
@given(recipe=generate.documents())
def test_generated_documents(subject, pymongo, recipe):
    _same_both_ways(subject, pymongo, recipe)


@_examples(100)
@given(recipe=generate.documents(invalid=True))
def test_generated_documents_with_invalid_values(pair, pymongo, recipe):
    _same_failures(pair, pymongo, recipe)


@pytest.mark.slow
@pytest.mark.timeout(0)
@_examples(20_000)
@given(recipe=generate.documents())
def test_many_generated_documents(subject, pymongo, recipe):
    _same_both_ways(subject, pymongo, recipe)


@pytest.mark.slow
@pytest.mark.timeout(0)
@_examples(20_000)
@given(recipe=generate.documents(invalid=True))
def test_many_generated_documents_with_invalid_values(pair, pymongo, recipe):
    _same_failures(pair, pymongo, recipe)


def _encoded(names, recipe):
    options = names["CodecOptions"](uuid_representation=4)
    return names["encode"](generate.build(names, recipe), codec_options=options)
