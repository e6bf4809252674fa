"""Dicts in every form that the interpreter keeps them in are written in their order."""

import random

import pytest


class Thing:
    pass


def instance_dict():
    """The dict of an instance, whose class shares the keys."""
    things = [Thing() for _ in range(3)]
    for i, thing in enumerate(things):
        thing.one, thing.two, thing.three = i, "x", None
    return vars(things[1])


def without_some(count, every):
    document = {f"key {i}": i for i in range(count)}
    for i in range(0, count, every):
        del document[f"key {i}"]
    return document


def emptied_and_filled():
    document = dict.fromkeys("abcdefghij", 1)
    document.clear()
    document["z"] = 2
    return document


def popped_at_the_end():
    document = {str(i): i for i in range(12)}
    while len(document) > 5:
        document.popitem()
    return document


def once_with_another_key():
    document = {"a": 1, 5: 2, "b": 3}
    del document[5]
    return document


def with_surrogate_free_text():
    return {"å": 1, "日本": [{"ü": 2}], "a" * 300: 3}


MAKERS = [
    dict,
    instance_dict,
    lambda: without_some(6, 2),
    lambda: without_some(400, 3),
    lambda: without_some(5, 1),
    emptied_and_filled,
    popped_at_the_end,
    once_with_another_key,
    with_surrogate_free_text,
    lambda: dict.fromkeys((str(i) for i in range(70_000)), True),
]


@pytest.mark.parametrize("make", MAKERS, ids=range(len(MAKERS)))
def test_every_pair_in_its_order(bx, make):
    document = make()
    for outer in (document, {"inner": document}, {"list": [document]}):
        decoded = bx.decode(bx.encode(outer))
        assert decoded == outer
        assert [*decoded] == [*outer]
    assert [*bx.decode(bx.encode({"inner": document}))["inner"]] == [*document]


def test_random_changes(both):
    c, py = both
    chance = random.Random(5)
    document = {}
    for _ in range(3000):
        key = f"k{chance.randrange(60)}"
        if chance.random() < 0.5:
            document[key] = chance.randrange(9)
        else:
            document.pop(key, None)
        if chance.random() < 0.05:
            document = dict(document)
        assert c.encode(document) == py.encode(document)


@pytest.mark.parametrize("key", [5, None, b"a"])
def test_a_key_of_another_type(bx, key):
    with pytest.raises(bx.errors.InvalidDocument, match="must have only string keys"):
        bx.encode({"a": 1, key: 2})
