"""Keys: equal keys are one str object, whatever came between, and no key is taken for another."""

from __future__ import annotations

import struct
import sys

import pytest


def with_keys(keys):
    """A document of int32 fields with these names (bytes), in this order."""
    fields = b"".join(b"\x10" + key + b"\0" + struct.pack("<i", i) for i, key in enumerate(keys))
    return struct.pack("<i", len(fields) + 5) + fields + b"\0"


def names(prefix, count):
    return [f"{prefix}{i}".encode() for i in range(count)]


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 14, 15, 16, 17, 40])
def test_keys_that_differ_in_one_byte_stay_apart(bx, size):
    keys = [b"k" * size]
    keys += [b"k" * i + b"j" + b"k" * (size - i - 1) for i in range(size)]
    keys += [b"k" * i for i in range(size)]
    for _ in range(3):
        decoded = bx.decode(with_keys(keys))
        assert list(decoded) == [key.decode() for key in keys]
        assert list(decoded.values()) == list(range(len(keys)))
        keys.reverse()


def test_equal_keys_are_one_object(bx):
    if not bx.has_c():
        pytest.skip("pure Python leaves that to the interpreter")
    keys = [
        b"",
        b"a",
        b"name",
        b"a_longer_key",
        b"a key of more than 15 bytes",
        "schlüssel".encode(),
    ]
    bx.decode(with_keys(keys))  # a key is kept from its second sight on
    first = bx.decode(with_keys(keys))
    second = bx.decode(with_keys(keys[::-1]))
    for one, other in zip(first, reversed(second), strict=True):
        assert one is other


def test_more_keys_than_are_remembered(bx):
    many = with_keys(names("key", 140_000))
    few = with_keys(names("other", 10))
    expected = [f"key{i}" for i in range(140_000)]
    for _ in range(2):
        assert list(bx.decode(many)) == expected
        assert list(bx.decode(few)) == [f"other{i}" for i in range(10)]


def test_long_keys_that_begin_alike(bx):
    start = b"sixteen bytes of"
    keys = [start + more for more in (b"", b" it", b" it and", b" is", "é".encode(), b"\xce\xb1")]
    keys += [start[:15], start[:15] + b"F", "ключ длинный".encode(), "ключ длинней".encode()]
    for _ in range(4):
        for order in (keys, keys[::-1], keys[1:] + keys[:1], [*keys[:3], b"new", *keys[3:]]):
            assert list(bx.decode(with_keys(order))) == [key.decode() for key in order]


def test_a_long_key_that_is_cut_off(bx):
    key = b"a key of more than 15 bytes"
    for _ in range(3):
        bx.decode(with_keys([key]))
    data = with_keys([key])
    for size in range(6, len(data) - 4):
        cut = struct.pack("<i", size) + data[4 : size - 1] + b"\0"
        with pytest.raises(bx.InvalidBSON):
            bx.decode_all(cut + data[size - 1 :])


def _native_only(bx):
    if not bx.has_c():
        pytest.skip("pure Python has a dict for its keys")


def test_keys_seen_once_displace_nothing(bx):
    _native_only(bx)
    data = with_keys(names("stays", 50) + names("a name that is long and stays", 50))
    for _ in range(3):
        before = bx.decode(data)
    for i in range(0, 60_000, 100):
        bx.decode(with_keys(names(f"once{i}-", 100)))
    for one, other in zip(before, bx.decode(data), strict=True):
        assert one is other


@pytest.mark.parametrize("count", [1000, 10_000, 50_000])
def test_many_keys_that_come_again_are_kept(bx, count):
    _native_only(bx)
    data = with_keys(names(f"of{count}-", count))
    for _ in range(6):
        before = bx.decode(data)
    after = bx.decode(data)
    assert sum(one is other for one, other in zip(before, after, strict=True)) > count * 9 // 10


def test_keys_that_nobody_uses_are_given_back(bx):
    _native_only(bx)
    many = with_keys(names("was wanted", 40_000))
    for _ in range(6):
        kept = list(bx.decode(many))[20_000:]
    held = sum(map(sys.getrefcount, kept))
    few = with_keys(names("wanted", 10))
    for _ in range(40_000):
        bx.decode(few)
    assert sum(map(sys.getrefcount, kept)) < held - 15_000


def test_a_wide_document_after_fields_that_mislead_about_its_size(bx):
    small = with_keys(names("", 64))[4:-1]
    text = b"\x02text\0" + struct.pack("<i", 1_000_001) + b"x" * 1_000_000 + b"\0"
    data = struct.pack("<i", len(small) + len(text) + 5) + small + text + b"\0"
    decoded = bx.decode(data)
    assert len(decoded) == 65
    assert decoded["text"] == "x" * 1_000_000


def test_a_wide_document_gives_an_ordinary_dict(bx):
    decoded = bx.decode(with_keys(names("field", 1000)))
    assert type(decoded) is dict
    assert decoded.pop("field0") == 0
    decoded[5] = "a key that is no str"
    assert len(decoded) == 1000
    assert bx.encode({k: v for k, v in decoded.items() if k != 5})
