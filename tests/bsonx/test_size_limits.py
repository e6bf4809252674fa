"""What no int32 can count is refused, before there is room for it.

Zeros that are never read take no memory: the values here are large only by their number.
"""

from __future__ import annotations

import sys
import sysconfig

import pytest

pytestmark = pytest.mark.skipif(sys.maxsize < 2**32, reason="such values need 64 bits")

LARGEST = 2**31 - 1


@pytest.fixture
def zeros():
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("the allocator of that build writes zeros, and keeps what is freed")

    def make(size):
        try:
            return bytes(size)
        except MemoryError:
            pytest.skip("the system refuses so large a reservation")

    return make


@pytest.fixture
def without_room():
    """Fails a test that allocates more than a little."""
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def around(bx, value):
    """Documents with a value in every kind of place, and the path to it."""
    return [
        ({"a": value}, "a"),
        ({"_id": value}, "_id"),
        ({"a": 1, "b": {"c": value}}, "b.c"),
        ({"a": [0, value]}, "a[1]"),
        ({"a": (value,)}, "a[0]"),
        (bx.SON(a=bx.SON(b=value)), "a.b"),
        ({"a": bx.Code("f()", {"b": value})}, "a.b"),
        ({"a": bx.DBRef("c", value)}, "a.$id"),
    ]


def refusals(bx, value):
    for document, path in around(bx, value):
        with pytest.raises((bx.InvalidStringData, bx.InvalidDocument)) as info:
            bx.encode(document)
        text = info.value.args[0].removeprefix("Invalid document: ")
        yield type(info.value), text, info.value.path == path


def test_a_binary_that_is_too_long(bx, zeros, request):
    payload = zeros(LARGEST - 3)
    request.getfixturevalue("without_room")
    expected = (bx.InvalidStringData, "Binary length must be <= 2147483647", True)
    assert set(refusals(bx, payload)) == {expected}


@pytest.mark.parametrize("left", [0, 4, 10])
def test_a_binary_that_no_document_has_room_for(bx, zeros, request, left):
    payload = zeros(LARGEST - 4 - left)
    request.getfixturevalue("without_room")
    expected = (bx.InvalidDocument, "Document would overflow BSON size limit", True)
    if left <= 4:
        assert set(refusals(bx, payload)) == {expected}
    with pytest.raises(bx.InvalidDocument, match="would overflow BSON size limit"):
        bx.encode({"a long name": payload})


def test_messages_have_the_same_limit(bx, zeros, request):
    from bsonx import op_msg

    payload = zeros(LARGEST - 4)
    request.getfixturevalue("without_room")
    options = bx.CodecOptions()
    with pytest.raises(bx.InvalidDocument, match="would overflow BSON size limit"):
        op_msg.encode_message(1, 0, {"a": payload}, options)
    with pytest.raises(bx.InvalidDocument, match="would overflow BSON size limit"):
        op_msg.encode_batch(
            1,
            0,
            {"insert": "c"},
            "documents",
            [{"a": payload}],
            0,
            options,
            max_count=1,
            max_document_size=100,
            max_message_size=200,
        )


@pytest.mark.parametrize("limit", [40, 100])
def test_sums_are_checked_in_pure_python(bx, monkeypatch, limit):
    """With a smaller number for the largest one: what C adds up, it checks where it grows."""
    if bx.has_c():
        pytest.skip("of the pure implementation")
    from bsonx._py import encode

    monkeypatch.setattr(encode, "_LARGEST", limit)
    fits = {"a": "x" * (limit - 13)}
    assert len(bx.encode(fits)) == limit
    too_long = "x" * limit
    for document, error, text in (
        ({"a": "x" * (limit - 12)}, bx.InvalidDocument, "would overflow"),
        ({"a": [1] * limit}, bx.InvalidDocument, "would overflow"),
        ({"a": bx.Code("f", {"a": "x" * (limit - 20)})}, bx.InvalidDocument, "would overflow"),
        ({"a": too_long}, bx.InvalidStringData, "String length must be <="),
        ({"a": type("S", (str,), {})(too_long)}, bx.InvalidStringData, "String length must be <="),
        ({"a": bx.Code(too_long)}, bx.InvalidStringData, "String length must be <="),
        ({"a": bx.Binary(bytes(limit), 5)}, bx.InvalidStringData, "Binary length must be <="),
        ({"a": bx.Binary(bytes(limit - 12), 5)}, bx.InvalidDocument, "would overflow"),
        ({"a": bx.Binary(bytes(limit - 16), 2)}, bx.InvalidDocument, "would overflow"),
    ):
        with pytest.raises(error, match=text):
            bx.encode(document)
