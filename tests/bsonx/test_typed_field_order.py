"""Fields in any order, missing or repeated: instances are filled in the order of their class."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

# They have no wheels for every interpreter.
pydantic = pytest.importorskip("pydantic")


def model(count):
    """A pydantic model of int fields; each second one has a default."""
    fields = {f"f{i}": (int, ...) if i % 2 == 0 else (int, -i) for i in range(count)}
    return pydantic.create_model(f"Model{count}", **fields)


def document(bx, pairs):
    """A document of int fields that may repeat."""
    body = b"".join(b"\x10" + f"f{i}".encode() + b"\0" + struct.pack("<i", v) for i, v in pairs)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def check(bx, cls, pairs):
    decoded = bx.decode(document(bx, pairs), type=cls)
    expected = cls.model_validate({f"f{i}": v for i, v in pairs})
    assert decoded == expected
    assert list(decoded.__dict__) == list(expected.__dict__)
    assert decoded.model_fields_set == expected.model_fields_set
    assert decoded.model_dump_json() == expected.model_dump_json()


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_few_fields_in_any_order(bx, order):
    check(bx, model(4), [(i, i * 10) for i in order])


@pytest.mark.parametrize("count", [1, 5, 6, 7, 40])
def test_shuffled_with_gaps_and_repetitions(bx, count):
    cls, rng = model(count), random.Random(count)
    needed = list(range(0, count, 2))
    for _ in range(60):
        optional = [i for i in range(1, count, 2) if rng.random() < 0.6]
        repeated = [rng.randrange(count) for _ in range(rng.randrange(3))]
        order = needed + optional + repeated
        if rng.random() < 0.7:
            rng.shuffle(order)
        else:
            order.sort()
        check(bx, cls, [(i, rng.randrange(1000)) for i in order])


@pytest.mark.parametrize("count", [3, 8])
def test_a_required_field_is_missed(bx, count):
    cls = model(count)
    for missing in range(0, count, 2):
        for step in (1, -1):
            pairs = [(i, i) for i in range(count)[::step] if i != missing]
            with pytest.raises(bx.typed.TypedDecodeError, match=f"at f{missing} "):
                bx.decode(document(bx, pairs), type=cls)


def test_a_model_that_refers_to_itself(bx):
    class Node(pydantic.BaseModel):
        value: str | Node | list[str | Node] = ""
        next: Node | str | None = None

    Node.model_rebuild(_types_namespace={"Node": Node})
    data = {"value": {"value": ["a", {"value": "b"}]}, "next": {"next": "c"}}
    assert bx.decode(bx.encode(data), type=Node) == Node.model_validate(data)
