"""Pickles and copies: equal after the trip, and the same for both implementations."""

from __future__ import annotations

import copy
import pickle

import pytest

from implementations import tree

VALUES = [
    "ObjectId('0123456789abcdef01234567')",
    "Timestamp(1, 2)",
    "Decimal128('1.50')",
    "Regex('a.b', 10)",
    "Regex(b'a', 0)",
    "DatetimeMS(-5)",
    "Int64(7)",
    "Binary(b'x', 128)",
    "Code('f', {'a': 1})",
    "Code('f')",
    "DBRef('c', 1, 'd', x=[1])",
    "MinKey()",
    "MaxKey()",
    "SON([('b', 1), ('a', [2])])",
    "CodecOptions(tz_aware=True, document_class=SON)",
    "DatetimeConversion.DATETIME_AUTO",
]


def _make(package, text):
    return eval(text, {**vars(package), "SON": package.SON})


@pytest.mark.parametrize("text", VALUES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(bx, text, protocol):
    value = _make(bx, text)
    data = pickle.dumps(value, protocol)
    assert b"_native" not in data
    assert b"_py" not in data
    clone = pickle.loads(data)
    assert type(clone) is type(value)
    assert clone == value
    assert repr(clone) == repr(value)


@pytest.mark.parametrize("text", VALUES)
def test_copy(bx, text):
    value = _make(bx, text)
    for clone in (copy.copy(value), copy.deepcopy(value)):
        assert type(clone) is type(value)
        assert clone == value


@pytest.mark.parametrize("text", VALUES)
@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("way", [("c", "py"), ("py", "c")], ids="-to-".join)
def test_pickles_cross_implementations(text, protocol, way):
    writer, reader = (tree(name) for name in way)
    with writer.active() as package:
        data = pickle.dumps(_make(package, text), protocol)
    with reader.active() as package:
        value = pickle.loads(data)
        expected = _make(package, text)
        assert type(value) is type(expected)
        assert value == expected


def test_pymongo_pickles_load(bx):
    """Pickles of PyMongo's types, read with the module names replaced."""
    import bson

    for text in VALUES:
        data = pickle.dumps(_make(bson, text), 2).replace(b"cbson", b"cbsonx")
        assert pickle.loads(data) == _make(bx, text)


@pytest.mark.parametrize("state", [None, 5, b"short", "short", {"_ObjectId__id": [0] * 12}])
def test_a_damaged_state_of_an_object_id(bx, state):
    made = bx.ObjectId.__new__(bx.ObjectId)
    with pytest.raises(ValueError, match="the state of an ObjectId must be 12 bytes"):
        made.__setstate__(state)
