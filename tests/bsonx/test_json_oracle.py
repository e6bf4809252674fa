"""json_util beside PyMongo's: the same values, texts, classes and messages."""

import json_cases as cases
import pytest
from json_documents import DOCUMENTS

oracle = cases.load("bson")


@pytest.fixture
def ours(bx):
    return cases.load("bsonx")


def shown(value):
    try:
        return repr(value)[:80]
    except Exception:
        return type(value).__name__


def agree(mine, theirs):
    """PyMongo says of a value whose conversion fails by a TypeError that its type is unknown."""
    unknown = theirs[0] == "TypeError" and theirs[1].endswith("is not JSON serializable")
    return mine[0] == "TypeError" if unknown else cases.as_pymongo(mine) == theirs


@pytest.mark.parametrize("name", cases.dump_options(oracle))
def test_dumps(ours, name):
    theirs = cases.dump_options(oracle)[name]
    options = cases.dump_options(ours)[name]
    for mine, other in zip(cases.values(ours), cases.values(oracle), strict=True):
        expected = cases.outcome(oracle.dumps, other, json_options=theirs)
        got = cases.outcome(ours.dumps, mine, json_options=options)
        assert agree(got, expected), shown(mine)


@pytest.mark.parametrize("name", cases.dump_options(oracle))
def test_default(ours, name):
    theirs = cases.dump_options(oracle)[name]
    options = cases.dump_options(ours)[name]
    for mine, other in zip(cases.values(ours), cases.values(oracle), strict=True):
        expected = cases.outcome(oracle.default, other, theirs)
        assert cases.as_pymongo(cases.outcome(ours.default, mine, options)) == expected, shown(mine)


@pytest.mark.parametrize("name", cases.load_options(oracle))
def test_loads(ours, name):
    theirs = cases.load_options(oracle)[name]
    options = cases.load_options(ours)[name]
    for text in DOCUMENTS:
        expected = cases.outcome(oracle.loads, text, json_options=theirs)
        got = cases.outcome(ours.loads, text, json_options=options)
        assert cases.agree(got, expected), (text, got, expected)
