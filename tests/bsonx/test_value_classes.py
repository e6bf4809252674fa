"""Binary, Code, Regex, MinKey and MaxKey as Python objects: beside PyMongo's.

The extension keeps their values in fields of the instance; nobody may notice.
"""

from __future__ import annotations

import copy
import gc
import pickle
import re
import types
import weakref

import bson
import pytest

from implementations import CPYTHON, tree

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

MAKERS = {
    "binary": lambda p: p.Binary(b"abc", 5),
    "binary of no subtype": lambda p: p.Binary(b"abc"),
    "empty binary": lambda p: p.Binary(b"", 128),
    "long binary": lambda p: p.Binary(bytes(range(256)) * 5, 2),
    "binary of True": lambda p: p.Binary(b"abc", True),
    "code": lambda p: p.Code("f"),
    "code with scope": lambda p: p.Code("f", {"a": 1}),
    "code not ASCII": lambda p: p.Code("é€\U0001f600", {"a": {"b": 2}}),
    "empty code": lambda p: p.Code(""),
    "regex": lambda p: p.Regex("a", "im"),
    "regex of bytes": lambda p: p.Regex(b"a", 0),
    "min": lambda p: p.MinKey(),
    "max": lambda p: p.MaxKey(),
}

PYMONGO = types.SimpleNamespace(
    Binary=bson.binary.Binary,
    Code=bson.code.Code,
    Regex=bson.regex.Regex,
    MinKey=bson.min_key.MinKey,
    MaxKey=bson.max_key.MaxKey,
    encode=bson.encode,
    decode=bson.decode,
)


def in_order(found):
    """The same with dicts in the order of their keys: that of a field is its own."""
    if isinstance(found, dict):
        return {key: in_order(value) for key, value in sorted(found.items())}
    if isinstance(found, list | tuple):
        return [in_order(part) for part in found]
    return found


def outcome(action, value):
    """What an action gives for a value, or its exception."""
    try:
        return repr(in_order(action(value))).replace("bson.", "bsonx.")
    except Exception as exc:
        return type(exc).__name__, str(exc).replace("bson.", "bsonx.")


def set_attribute(value):
    value.foo = 3
    return value.foo, vars(value)


def set_by_object(value):
    object.__setattr__(value, "foo", 3)
    return value.foo


def delete_attribute(value):
    value.foo = 3
    del value.foo
    return vars(value), value.foo


def set_private(value):
    for name in ("_Binary__subtype", "_Code__scope", "pattern", "flags"):
        if hasattr(value, name):
            setattr(value, name, 7)
    return value


def delete_private(value):
    for name in ("_Binary__subtype", "_Code__scope", "pattern"):
        if hasattr(value, name):
            delattr(value, name)
            getattr(value, name)
    return value


def replace_dict(value):
    value.__dict__ = {"_Binary__subtype": 9, "_Code__scope": None, "foo": 1}
    return value, value.foo


def empty_dict(value):
    value.__dict__ = {}
    return value


def reduced(value):
    return [value.__reduce_ex__(protocol)[1:] for protocol in PROTOCOLS]


ACTIONS = {
    "repr": repr,
    "str": str,
    "vars": vars,
    "getstate": lambda value: value.__getstate__(),
    "reduce": reduced,
    "set": set_attribute,
    "set by object": set_by_object,
    "delete": delete_attribute,
    "set private": set_private,
    "delete private": delete_private,
    "replace dict": replace_dict,
    "empty dict": empty_dict,
    "no dict": lambda value: setattr(value, "__dict__", 5),
    "weakref": lambda value: weakref.ref(value)() is value,
    "equal to itself": lambda value: (value == copy.copy(value), value != copy.copy(value)),
    "equal to its base": lambda value: [
        (value == other, other == value, value != other)
        for other in (b"abc", "f", "abc", 5, None, re.compile("a"))
    ],
    "order": lambda value: (value < type(value)(b"b", 0), value > b"a", sorted([value, b"a"])),
    "order of text": lambda value: (value < "g", value > "a"),
    "unhashable": lambda value: hash(value) and "hashed",
    "subtype": lambda value: value.subtype,
    "set subtype": lambda value: setattr(value, "subtype", 3),
    "scope": lambda value: value.scope,
    "set scope": lambda value: setattr(value, "scope", {}),
    "pattern": lambda value: (value.pattern, value.flags),
    "new arguments": lambda value: value.__getnewargs__(),
    "slice": lambda value: (value[1:], type(value[1:]), type(value[:])),
    "add": lambda value: type(value + value),
    "bytes": lambda value: (bytes(value), type(bytes(value))),
    "length": len,
    "as base": lambda value: [isinstance(value, kind) for kind in (bytes, str, type(value))],
    "upper": lambda value: (value.upper(), type(value.upper())),
    "compile": lambda value: value.try_compile(),
    "encode": lambda value: value.encode(),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("action", ACTIONS)
def test_like_pymongo(bx, maker, action):
    theirs = outcome(ACTIONS[action], MAKERS[maker](PYMONGO))
    assert outcome(ACTIONS[action], MAKERS[maker](bx)) == theirs


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("action", ["repr", "vars", "getstate", "reduce", "set", "delete private"])
def test_decoded_ones_like_pymongo(bx, maker, action):
    def decoded(package):
        return package.decode(package.encode({"v": MAKERS[maker](package)}))["v"]

    assert outcome(ACTIONS[action], decoded(bx)) == outcome(ACTIONS[action], decoded(PYMONGO))


CALLS = {
    "binary without data": lambda p: p.Binary(),
    "binary by names": lambda p: p.Binary(subtype=3, data=b"x"),
    "binary of str": lambda p: p.Binary("x"),
    "binary of three": lambda p: p.Binary(b"x", 1, 2),
    "binary of -1": lambda p: p.Binary(b"x", -1),
    "binary of 256": lambda p: p.Binary(b"x", 256),
    "binary of text": lambda p: p.Binary(b"x", "1"),
    "binary of a part": lambda p: p.Binary(memoryview(b"abcdef")[::2], 3),
    "binary of binary": lambda p: p.Binary(p.Binary(b"x", 3)),
    "bytes.__new__": lambda p: bytes.__new__(p.Binary, b"x").subtype,
    "code without code": lambda p: p.Code(),
    "code by names": lambda p: p.Code(scope={"a": 1}, code="x"),
    "code with more": lambda p: p.Code("x", {"a": 1}, b=2),
    "code of code": lambda p: p.Code(p.Code("x", {"a": 1}), b=2),
    "code of bytes": lambda p: p.Code(b"x"),
    "code with a bad scope": lambda p: p.Code("x", 5),
    "str.__new__": lambda p: str.__new__(p.Code, "x").scope,
    "regex without pattern": lambda p: p.Regex(),
    "regex by names": lambda p: p.Regex(flags="x", pattern="a"),
    "regex of int": lambda p: p.Regex(3),
    "regex of no flags": lambda p: p.Regex("a", None),
    "regex not initialised": lambda p: p.Regex.__new__(p.Regex).pattern,
    "regex of native": lambda p: p.Regex.from_native(re.compile("a", re.I)),
    "regex of text": lambda p: p.Regex.from_native("a"),
    "min of 1": lambda p: p.MinKey(1),
    "max of 1": lambda p: p.MaxKey(x=1),
    "min is min": lambda p: p.MinKey() is p.MinKey(),
}


@pytest.mark.parametrize("call", CALLS)
def test_calls_like_pymongo(bx, call):
    assert outcome(CALLS[call], bx) == outcome(CALLS[call], PYMONGO)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("source", ["pymongo", "c", "py"])
def test_pickles_of_others(bx, maker, protocol, source):
    if source == "pymongo":
        value = MAKERS[maker](PYMONGO)
        data = pickle.dumps(value, protocol).replace(b"\x8c\x0bbson.", b"\x8c\x0cbsonx.")
        for size in (9, 10, 12):  # the length before a name of protocol 4
            data = data.replace(b"\x8c%cbson." % size, b"\x8c%cbsonx." % (size + 1))
        data = data.replace(b"cbson.", b"cbsonx.")
        if protocol >= 4:
            data = b"\x80" + bytes([protocol]) + data[11:]  # the frame has another length now
    else:
        with tree(source).active() as package:
            data = pickle.dumps(MAKERS[maker](package), protocol)
    clone = pickle.loads(data)
    assert clone == MAKERS[maker](bx)
    assert repr(clone) == repr(MAKERS[maker](bx))
    assert type(clone) is type(MAKERS[maker](bx))


@pytest.mark.parametrize("maker", ["binary", "code with scope"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_attributes_survive(bx, maker, protocol):
    value = MAKERS[maker](bx)
    value.foo = [1]
    for clone in (pickle.loads(pickle.dumps(value, protocol)), copy.copy(value)):
        assert clone == value
        assert clone.foo == [1]
        assert vars(clone) == vars(value)
    deep = copy.deepcopy(value)
    assert deep.foo == [1]
    assert deep.foo is not value.foo


def test_a_shallow_copy_shares_and_a_deep_one_does_not(bx):
    value = bx.Code("x", {"a": []})
    assert copy.copy(value).scope is value.scope
    assert copy.deepcopy(value).scope["a"] is not value.scope["a"]


def subclasses(package):
    class B(package.Binary):
        pass

    class C(package.Code):
        __slots__ = ("extra",)

    class R(package.Regex):
        pass

    class M(package.MinKey):
        __slots__ = ()

    return [B(b"abc", 3), C("x", {"a": 1}), R("a", 2), M()]


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_subclasses_like_pymongo(bx, index, protocol):
    def states(package):
        value = subclasses(package)[index]
        if index < 3:
            value.extra = 1
        clone = copy.copy(value)
        found = [repr(clone), clone == value, getattr(clone, "extra", None)]
        found += [str(in_order(part)) for part in value.__reduce_ex__(protocol)[2:]]
        return [*found, package.encode({"v": value})]

    assert states(bx) == states(PYMONGO)


def test_cycles_are_collected(bx):
    class B(bx.Binary):
        pass

    class C(bx.Code):
        pass

    class R(bx.Regex):
        pass

    for decode in (False, True):
        for kind in (bx.Binary, B, bx.Code, C, bx.Regex, R):
            value = kind(b"abc", 5) if issubclass(kind, bytes) else kind("a")
            if decode and kind.__module__.startswith("bsonx"):
                value = bx.decode(bx.encode({"v": value}))["v"]
            token = frozenset([object()])
            alive = weakref.ref(token)
            if issubclass(kind, bx.Regex):
                value.pattern = [value, token]
            else:
                value.me = [value, token]
            if CPYTHON:
                assert gc.is_tracked(value)
            del value, token
            gc.collect()
            assert alive() is None


def test_the_scope_may_hold_the_code(bx):
    scope = {"token": frozenset([object()])}
    alive = weakref.ref(scope["token"])
    scope["code"] = bx.Code("x", scope)
    del scope
    gc.collect()
    assert alive() is None


def test_weak_references_end(bx):
    value = bx.Code("x")
    ended = []
    reference = weakref.ref(value, lambda _: ended.append(1))
    del value
    if not CPYTHON:  # nothing counts references there
        gc.collect()
    assert reference() is None
    assert ended == [1]


@pytest.mark.parametrize("maker", ["binary", "code", "regex"])
def test_a_deleted_field_is_an_error(bx, maker):
    value = MAKERS[maker](bx)
    name = {"binary": "_Binary__subtype", "code": "_Code__scope", "regex": "pattern"}[maker]
    delattr(value, name)
    with pytest.raises(AttributeError):
        bx.encode({"v": value})
    setattr(value, name, {"binary": 300, "code": 5, "regex": 5}[maker])
    with pytest.raises((ValueError, TypeError)):
        bx.encode({"v": value})


@pytest.mark.parametrize("size", [*range(20), 255, 256, 4095])
def test_every_size(bx, size):
    value = bx.Binary(bytes(range(size % 256)), 7)
    value.foo = size
    value.more = [size]
    assert (bytes(value), value.subtype, value.foo) == (bytes(range(size % 256)), 7, size)
    assert bx.decode(bx.encode({"v": value}))["v"] == value
    assert hash(value) == hash(bx.Binary(bytes(value), 7))


def test_decoded_extreme_keys_are_equal_to_all(bx):
    data = bx.encode({"a": bx.MinKey(), "b": bx.MaxKey()})
    one, two = bx.decode(data), bx.decode(data)
    assert one == two == {"a": bx.MinKey(), "b": bx.MaxKey()}
    assert one["a"] < one["b"]
    assert type(one["a"]) is bx.MinKey
