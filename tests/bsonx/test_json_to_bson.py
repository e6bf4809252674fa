"""json_util.to_bson: text to BSON without Python values, held to loads_strict and encode."""

import random

import json_cases as cases
import pytest
from test_json_fuzz import ROUNDS, damaged, random_value, without_fresh_ids
from test_json_strict import FAITHFUL, LOST

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
