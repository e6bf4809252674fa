"""Documents that callbacks change while they are encoded: as Python's own iterators have it."""

import collections
import datetime

import pytest

from implementations import CPYTHON


class Mark:
    """A value whose type encoder calls what it holds."""

    def __init__(self, change):
        self.change = change


def encode(bx, document):
    def transform(self, value):
        value.change()
        return 1

    members = {"python_type": Mark, "transform_python": transform}
    encoder = type("Encoder", (bx.codec_options.TypeEncoder,), members)()
    registry = bx.codec_options.TypeRegistry([encoder])
    return bx.encode(document, codec_options=bx.CodecOptions(type_registry=registry))


def add(target, key="z"):
    return Mark(lambda: target.__setitem__(key, 2))


@pytest.mark.parametrize("before", [{}, {"a": 1}], ids=["first", "second"])
@pytest.mark.parametrize("after", [{}, {"b": 1}], ids=["last", "not last"])
@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("kind", [dict, collections.OrderedDict, collections.UserDict])
def test_a_key_added(bx, before, after, top, kind):
    document = kind(before)
    document["m"] = add(document)
    document.update(after)
    # Its iterator has seen the end by then.
    if kind is collections.OrderedDict and not after and CPYTHON:
        assert encode(bx, document)
        return
    with pytest.raises(RuntimeError, match=r"changed size|mutated") as caught:
        encode(bx, document if top else {"v": document})
    assert caught.value.path == ("" if top else "v")


@pytest.mark.parametrize("key", ["_id", "m"])
def test_a_key_added_beside_an_id(bx, key):
    document = {"a": 1, "_id": 2, "b": 3}
    document[key] = add(document)
    with pytest.raises(RuntimeError, match="dictionary changed size during iteration"):
        encode(bx, document)


def test_a_key_removed(bx):
    document = {"a": 1, "b": 2, "c": 3}
    document["b"] = Mark(lambda: document.pop("c"))
    with pytest.raises(RuntimeError, match="dictionary changed size during iteration"):
        encode(bx, document)


def test_a_key_replaced_by_another(bx):
    def later():
        del document["b"]
        document["z"] = 3

    document = {"a": Mark(later), "b": 2}
    assert bx.decode(encode(bx, document)) == {"a": 1, "z": 3}

    def earlier():
        del document["a"]
        document["z"] = 3

    document = {"a": 1, "b": Mark(earlier)}
    if not CPYTHON:  # iterators of PyPy's dicts do not see it
        assert bx.decode(encode(bx, document)).items() >= {"a": 1, "b": 1}.items()
        return
    with pytest.raises(RuntimeError, match="dictionary keys changed during iteration"):
        encode(bx, document)


def test_a_value_replaced(bx):
    document = {"b": 2}
    document = {"a": add(document, "b"), **document}
    document["a"] = add(document, "b")
    assert bx.decode(encode(bx, document)) == {"a": 1, "b": 2}


def test_a_document_around_the_callback(bx):
    outer = {"a": 1}
    outer["inner"] = {"x": [add(outer)]}
    with pytest.raises(RuntimeError, match="dictionary changed size during iteration"):
        encode(bx, outer)


def test_a_zone_that_adds_a_key(bx):
    class Zone(datetime.tzinfo):
        def utcoffset(self, moment):
            document["z"] = 1

    document = {"when": datetime.datetime(2020, 1, 1, tzinfo=Zone())}
    with pytest.raises(RuntimeError, match="dictionary changed size during iteration"):
        encode(bx, document)


def test_lists_are_read_as_they_are_when_read(bx):
    grows = []
    grows += [Mark(lambda: len(grows) < 5 and grows.append(7)), 8]
    assert bx.decode(encode(bx, {"v": grows}))["v"] == [1, 8, 7]
    shrinks = []
    shrinks += [Mark(shrinks.pop), 8, 9]
    assert bx.decode(encode(bx, {"v": shrinks}))["v"] == [1, 8]
