"""Short strings: those that repeat are one object, and none is taken for another."""

from __future__ import annotations

import struct

import pytest


def with_text(*values):
    """A document of one array of strings, given as bytes."""
    items = b""
    for i, value in enumerate(values):
        items += b"\x02%d\0" % i + struct.pack("<i", len(value) + 1) + value + b"\0"
    array = struct.pack("<i", len(items) + 5) + items + b"\0"
    body = b"\x04a\0" + array
    return struct.pack("<i", len(body) + 5) + body + b"\0"


SHORT = ["", "a", "ab", "EUR", "1234567", "12345678", "123456789", "a" * 15, "a" * 16, "a" * 17]
ODD = ["a\0", "a\0\0", "\0", "\0" * 15, "1234567\0", "12345678\0", "é", "aé", "日本", "😀"]


@pytest.mark.parametrize("value", SHORT + ODD)
def test_every_time_it_is_the_same_value(bx, value):
    data = with_text(value.encode(), b"between, a longer one", value.encode())
    for _ in range(4):
        decoded = bx.decode(data)["a"]
        assert decoded[0] == decoded[2] == value


def test_strings_that_differ_in_one_byte_stay_apart(bx):
    values = [b"a" * i + b"b" + b"a" * (14 - i) for i in range(15)]
    values += [b"a" * i + b"\0" for i in range(15)] + [b"a" * i for i in range(17)]
    for _ in range(4):
        assert bx.decode(with_text(*values))["a"] == [v.decode() for v in values]
        values.reverse()


@pytest.mark.parametrize("value", ["ab", "Berlin", "a" * 15])
def test_those_that_repeat_are_one_object(bx, value):
    if not bx.has_c():
        pytest.skip("pure Python makes each string anew")
    data = with_text(value.encode(), b"the end is not too near")
    first, second, third = (bx.decode(data)["a"][0] for _ in range(3))
    assert second is third
    assert first == second


def test_many_different_ones(bx):
    values = [f"value {i}" for i in range(30_000)]
    data = with_text(*(v.encode() for v in values))
    for _ in range(2):
        assert bx.decode(data)["a"] == values


def test_damaged_text_is_read_by_the_handler_of_each_call(bx):
    from bsonx.codec_options import CodecOptions

    data = with_text(b"a\xff", b"the end is not too near")
    for _ in range(3):
        for handler, text in (("replace", "a�"), ("ignore", "a")):
            options = CodecOptions(unicode_decode_error_handler=handler)
            assert bx.decode(data, options)["a"][0] == text
        with pytest.raises(bx.errors.InvalidBSON):
            bx.decode(data)
