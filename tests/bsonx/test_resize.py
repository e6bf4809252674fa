"""Buffers of another length, as streams gather long messages in them."""

from __future__ import annotations

import pytest


@pytest.fixture
def resize(bx):
    import bsonx._impl

    return bsonx._impl.resize


@pytest.mark.parametrize("size", [0, 1, 3, 4, 6, 7, 4096, 1 << 22])
def test_what_was_there_stays(resize, size):
    buffer = bytearray(b"abcdef")
    assert resize(buffer, size) is None
    assert len(buffer) == size
    assert buffer[:6] == b"abcdef"[:size]
    buffer[:] = b"x" * size
    assert buffer == b"x" * size


@pytest.mark.parametrize("size", [0, 3, 4096])
def test_not_under_a_view(resize, size):
    buffer = bytearray(b"abcdef")
    view = memoryview(buffer)
    with pytest.raises(BufferError):
        resize(buffer, size)
    assert view == b"abcdef"
    assert buffer == b"abcdef"


def test_the_same_size_under_a_view(resize):
    buffer = bytearray(b"abcdef")
    with memoryview(buffer) as view:
        resize(buffer, 6)
        assert view == b"abcdef"


def test_sizes_that_are_none(resize):
    buffer = bytearray(b"abcdef")
    with pytest.raises(ValueError, match="negative"):
        resize(buffer, -1)
    for wrong in (None, "5", 2.5):
        with pytest.raises(TypeError):
            resize(buffer, wrong)
    with pytest.raises((OverflowError, MemoryError)):
        resize(buffer, 1 << 70)
    assert buffer == b"abcdef"
