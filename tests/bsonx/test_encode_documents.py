"""Documents of an iterator, encoded one behind the other: what ingestion sends."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from dataclasses import dataclass
from types import MappingProxyType

import bson
import pytest
from mutate import mutations, seeds

from implementations import tree

FIRST = bytes.fromhex("6000000011223344ff000005")


@pytest.fixture
def encode(bx):
    import bsonx._impl as impl

    options = bx.CodecOptions()

    def encode(items, first_id=FIRST, codec_options=options, **limits):
        limits = {"max_count": 1000, "max_bytes": 1 << 24, **limits}
        return impl.encode_documents(iter(items), codec_options, first_id, **limits)

    return encode


def split(data, ends):
    start = 0
    for end in array("I", ends):
        yield data[start:end]
        start = end
    assert start == len(data)


def test_each_document_gets_an_id_in_front(bx, encode):
    data, ends, own, rejects, taken, end = encode([{"n": 1}, {}, {"n": 3, "t": "x" * 5000}])
    documents = [bx.decode(part) for part in split(data, ends)]
    ids = [bx.ObjectId(FIRST[:11] + bytes([5 + number])) for number in range(3)]
    assert documents == [
        {"_id": ids[0], "n": 1},
        {"_id": ids[1]},
        {"_id": ids[2], "n": 3, "t": "x" * 5000},
    ]
    assert [next(iter(document)) for document in documents] == ["_id"] * 3
    assert (own, rejects, taken, end) == (True, [], 3, True)


def test_ids_of_the_documents_stay_and_count(bx, encode):
    data, ends, own, *_ = encode([{"n": 1, "_id": 7}, {"n": 2}, {"_id": None}])
    documents = [bx.decode(part) for part in split(data, ends)]
    assert documents[0] == {"_id": 7, "n": 1}
    assert documents[1]["_id"] == bx.ObjectId(FIRST[:11] + b"\x06")  # the second one's number
    assert documents[2] == {"_id": None}
    assert own is False


def test_no_ids_are_wanted(bx, encode):
    data, ends, own, *_ = encode([{"n": 1}, {"_id": 1}], None)
    assert [bx.decode(part) for part in split(data, ends)] == [{"n": 1}, {"_id": 1}]
    assert own is False


@pytest.mark.parametrize("number", [0, 1, 0xFFFFFA, 0xFFFFFB, 0xFFFFFF])
def test_a_full_counter_carries_into_the_seconds(bx, encode, number):
    first = FIRST[:9] + number.to_bytes(3, "big")
    data, ends, *_ = encode([{}] * 7, first)
    ids = [bx.decode(part)["_id"].binary for part in split(data, ends)]
    whole = int.from_bytes(first[:4] + first[9:], "big")
    assert [int.from_bytes(one[:4] + one[9:], "big") for one in ids] == [*range(whole, whole + 7)]
    assert {one[4:9] for one in ids} == {FIRST[4:9]}


def test_kinds_of_items(bx, encode):
    from bsonx.raw_bson import RawBSONDocument

    @dataclass
    class Point:
        x: int
        y: int

    plain = bx.encode({"x": 1, "y": 2})
    late_id = bx.encode({"x": 1})[:-1] + b"\x10_id\0\x05\0\0\0\0"
    late_id = len(late_id).to_bytes(4, "little") + late_id[4:]
    items = [
        OrderedDict(x=1, y=2),
        MappingProxyType({"x": 1, "y": 2}),
        Point(1, 2),
        plain,
        bytearray(plain),
        memoryview(plain),
        RawBSONDocument(plain),
        RawBSONDocument(late_id),
        late_id,
    ]
    data, ends, own, rejects, *_ = encode(items)
    assert rejects == []
    documents = [bx.decode(part) for part in split(data, ends)]
    ids = [document.pop("_id") for document in documents]
    assert documents == [{"x": 1, "y": 2}] * 7 + [{"x": 1}] * 2
    assert ids[:7] == [bx.ObjectId(FIRST[:11] + bytes([5 + number])) for number in range(7)]
    assert ids[7:] == [5, 5]
    assert own is False


def test_bad_items_are_told_with_what_is_wrong(bx, encode):
    class Odd:
        pass

    good = bx.encode({"n": 1})
    odd = Odd()
    items = [{"a": {"b": [1, odd]}}, {"n": 1}, 5, good[:-1], b"", {1: 2}, {"n": 2}, {"u": "\ud800"}]
    data, ends, own, rejects, taken, end = encode(items)
    assert [bx.decode(part)["n"] for part in split(data, ends)] == [1, 2]
    assert [bx.decode(part)["_id"] for part in split(data, ends)] == [
        bx.ObjectId(FIRST[:11] + bytes([5 + number])) for number in range(2)
    ]
    assert [(number, type(exc).__name__) for number, exc, _ in rejects] == [
        (0, "InvalidDocument"),
        (2, "TypeError"),
        (3, "InvalidBSON"),
        (4, "InvalidBSON"),
        (5, "InvalidDocument"),
        (7, "UnicodeEncodeError"),
    ]
    assert all(item is items[number] for number, _, item in rejects)
    assert rejects[0][1].path == "a.b[1]"
    assert rejects[0][1].__traceback__ is None
    assert str(rejects[2][1]) == "not a BSON document"
    assert (own, taken, end) == (True, 8, True)


def test_what_goes_wrong_in_an_instance_does_not_change_what_follows(bx, encode):
    """Inside instances some kinds are encoded otherwise; a mapping after a bad one is not."""
    from decimal import Decimal

    @dataclass
    class Bad:
        a: Decimal
        b: object

    data, ends, _, rejects, *_ = encode([Bad(Decimal(1), object()), {"d": Decimal(1)}, {"n": 1}])
    assert [number for number, *_ in rejects] == [0, 1]
    assert [bx.decode(part)["n"] for part in split(data, ends)] == [1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1] + b"\x01",
        lambda data: data + b"\0",
        lambda data: data[:4] + b"\x77" + data[5:],
        lambda data: data.replace(b"text\0", b"texts"),
        lambda data: data.replace(b"\x08t\0\x01", b"\x08t\0\x02"),
        lambda data: data.replace(b"\x03in\0\x0c", b"\x03in\0\x0d"),
        lambda data: data.replace(b"\x09\0\0\0code", b"\x08\0\0\0code"),
    ],
)
def test_bytes_are_looked_through(bx, encode, damage):
    from bsonx.code import Code

    scoped = Code("code here"[:8], {"x": 1})
    data = bx.encode({"s": "text", "t": True, "in": {"x": 1}, "c": scoped})
    assert encode([data])[3] == []
    damaged = damage(data)
    assert damaged != data
    ((number, exc, item),) = encode([damaged])[3]
    assert (number, str(exc), item) == (0, "not a BSON document", damaged)


def test_limits(bx, encode):
    size = len(bx.encode({"n": 1})) + 17
    iterator = iter([{"n": n} for n in range(10)])
    counts = []
    for limits in ({"max_count": 3}, {"max_bytes": size + 1}, {"max_bytes": 1}, {"seconds": 0.0}):
        *_, taken, end = encode(iterator, **limits)
        counts.append(taken)
        assert end is None
    assert counts == [3, 2, 1, 1]
    assert [*encode(iterator, max_count=3)[4:]] == [3, None]
    assert [*encode(iterator)[4:]] == [0, True]
    assert encode(iterator)[:4] == (b"", b"", True, [])


def test_an_iterator_that_raises_keeps_what_was_before(bx, encode):
    def numbers():
        yield {"n": 1}
        raise OSError("the source has ended")

    data, ends, _, _, taken, end = encode(numbers())
    assert len(list(split(data, ends))) == taken == 1
    assert type(end) is OSError
    assert str(end) == "the source has ended"


def test_what_is_no_fault_of_an_item_is_raised(encode):
    class Stop:
        @property
        def _type_marker(self):
            raise KeyboardInterrupt

    def numbers():
        yield {"n": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode([{"n": 1}, {"a": Stop()}])
    with pytest.raises(KeyboardInterrupt):
        encode(numbers())


def test_arguments(bx):
    import bsonx._impl as impl

    options = bx.CodecOptions()
    with pytest.raises(TypeError, match="an iterator is needed"):
        impl.encode_documents([{}], options, None, max_count=1, max_bytes=1)
    with pytest.raises(ValueError, match="12 bytes"):
        impl.encode_documents(iter([{}]), options, b"x", max_count=1, max_bytes=1)


def _outcome(name, damaged):
    """What an implementation makes of documents that may be none."""
    with tree(name).active():
        import bsonx._impl as impl
        from bsonx.codec_options import CodecOptions

        given = impl.encode_documents(
            iter(damaged), CodecOptions(), FIRST, max_count=len(damaged), max_bytes=1 << 30
        )
    data, ends, own, rejects, taken, end = given
    told = [(number, type(exc).__name__, str(exc)) for number, exc, _ in rejects]
    return data, ends, own, told, taken, end


@pytest.mark.parametrize(
    "count", [20_000, pytest.param(500_000, marks=[pytest.mark.slow, pytest.mark.timeout(0)])]
)
def test_both_implementations_agree_on_damaged_documents(count):

    damaged = list(mutations(20261, count, seeds(bson)))
    ours, theirs = _outcome("c", damaged), _outcome("py", damaged)
    assert ours == theirs
    assert 0 < len(ours[3]) < count
