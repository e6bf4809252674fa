"""OP_MSG: framing, document sequences, batches, hostile input."""

from __future__ import annotations

import struct

import pytest
from generate import op_msg


@pytest.fixture
def options(bx):
    return bx.CodecOptions()


@pytest.fixture
def wire(bx):
    import bsonx.op_msg

    return bsonx.op_msg


LIMITS = {"max_count": 1000, "max_document_size": 1 << 24, "max_message_size": 48_000_000}


def test_message_round_trip(bx, wire, options):
    body = {"ping": 1, "$db": "admin", "_id": 5}
    message = wire.encode_message(7, 0, body, options)
    assert wire.message_header(message) == (len(message), 7, 0, wire.OP_MSG)
    assert message[16:21] == b"\0\0\0\0\0"
    assert message[21:] == bx.encode(body)
    assert wire.decode_message(message, options) == (0, {"_id": 5, "ping": 1, "$db": "admin"})
    assert wire.message_header(b"xx" + message, 2)[1] == 7


@pytest.mark.parametrize("flags", [0, 1, 2, 1 << 16, 1 << 31])
def test_flags(bx, wire, options, flags):
    message = op_msg([bx.encode({"a": 1})], flags)
    assert wire.decode_message(message, options) == (flags, {"a": 1})


def test_negative_request_ids(wire, options):
    message = wire.encode_message(-1, 0, {}, options)
    assert wire.message_header(message)[1] == -1


def test_sections_in_any_order(bx, wire, options):
    body = b"\0" + bx.encode({"insert": "c"})
    one = bx.encode({"x": 1})
    sequence = b"documents\0" + one * 2
    sequence = b"\x01" + struct.pack("<i", len(sequence) + 4) + sequence
    empty = b"\x01" + struct.pack("<i", 4 + 2) + b"e\0"
    for sections in ((body, sequence, empty), (sequence, body, empty), (empty, sequence, body)):
        payload = b"".join(sections)
        message = struct.pack("<iiiiI", len(payload) + 20, 1, 0, 2013, 0) + payload
        _, found = wire.decode_message(message, options)
        assert found == {"insert": "c", "documents": [{"x": 1}, {"x": 1}], "e": []}


def test_any_bytes_like_input(bx, wire, options):
    message = op_msg([bx.encode({"a": 1})], 0)
    for data in (bytearray(message), memoryview(message), memoryview(b"xx" + message)[2:]):
        assert wire.decode_message(data, options) == (0, {"a": 1})
        assert wire.message_header(data)[3] == 2013


# ---- two sets of options ----


def test_user_fields(bx, wire):
    from bsonx.raw_bson import RawBSONDocument
    from bsonx.son import SON

    reply = {
        "cursor": {
            "firstBatch": [{"a": {"b": 1}}],
            "id": 0,
            "x": {"y": 1},
            "cursor": {"firstBatch": [{}]},
        },
        "value": {"c": 1},
        "ok": 1.0,
        "$clusterTime": {"z": 1},
    }
    message = wire.encode_message(1, 0, reply, bx.CodecOptions())
    fields = frozenset(["firstBatch", "value"])
    _, found = wire.decode_message(message, bx.CodecOptions(document_class=SON), fields)
    assert found == reply
    assert type(found) is dict
    assert type(found["cursor"]) is dict
    assert type(found["cursor"]["x"]) is dict
    assert type(found["cursor"]["firstBatch"][0]) is SON
    assert type(found["cursor"]["firstBatch"][0]["a"]) is SON
    assert type(found["cursor"]["cursor"]["firstBatch"][0]) is dict  # one level only
    assert type(found["value"]) is SON
    assert type(found["$clusterTime"]) is dict

    options = bx.CodecOptions(document_class=RawBSONDocument)
    _, found = wire.decode_message(message, options, fields)
    assert type(found["cursor"]["firstBatch"][0]) is RawBSONDocument
    assert found["cursor"]["firstBatch"][0]["a"]["b"] == 1
    assert found["ok"] == 1.0

    _, found = wire.decode_message(message, bx.CodecOptions(document_class=SON), None)
    assert type(found) is SON
    _, found = wire.decode_message(message, options, None)
    assert type(found) is RawBSONDocument


def test_user_fields_keep_converters_out_of_the_rest(bx, wire):
    class Double(bx.codec_options.TypeDecoder):
        bson_type = int

        def transform_bson(self, value):
            return value * 2

    options = bx.CodecOptions(type_registry=bx.codec_options.TypeRegistry([Double()]))
    message = wire.encode_message(1, 0, {"n": 1, "value": {"n": 1}}, bx.CodecOptions())
    _, found = wire.decode_message(message, options, frozenset(["value"]))
    assert found == {"n": 1, "value": {"n": 2}}


# ---- batches of a reply as bytes ----

BATCH = frozenset(["firstBatch"])


def _joined(wire, options, batch, **more):
    message = wire.encode_message(1, 0, {"cursor": {"firstBatch": batch, **more}}, options)
    return wire.decode_message(message, options, BATCH, True)[1]["cursor"]["firstBatch"]


@pytest.mark.parametrize("count", [0, 1, 2, 11, 101, 1500])
def test_documents_are_joined(bx, wire, options, count):
    documents = [{"_id": i, "text": "x" * (i % 7)} for i in range(count)]
    encoded = [bx.encode(document) for document in documents]
    data = b"".join(encoded)
    last = len(data) - len(encoded[-1]) if encoded else 0
    assert _joined(wire, options, documents) == (data, count, last)


def test_only_the_users_arrays_of_documents_are_joined(bx, wire, options):
    body = {"other": [{"a": 1}], "cursor": {"firstBatch": [{"b": [{"c": 1}]}], "x": [{"d": 1}]}}
    message = wire.encode_message(1, 0, body, options)
    one = bx.encode({"b": [{"c": 1}]})
    found = wire.decode_message(message, options, BATCH, True)[1]
    assert found == {"other": [{"a": 1}], "cursor": {"firstBatch": (one, 1, 0), "x": [{"d": 1}]}}
    assert wire.decode_message(message, options, None, True)[1] == body
    assert wire.decode_message(message, options, BATCH, False)[1] == body


@pytest.mark.parametrize("batch", [[1], [{}, "x"], [[{}]], [{}, None], {"0": {}}, "x", None])
def test_what_is_no_array_of_documents_is_decoded(wire, options, batch):
    assert _joined(wire, options, batch) == batch


def test_a_damaged_array_is_refused_as_without(bx, wire, options):
    """Whatever byte is changed: joined, or the error of the same message that is not."""
    message = wire.encode_message(1, 0, {"cursor": {"firstBatch": [{"a": 1}, {"b": 2}]}}, options)
    raw = bx.CodecOptions(document_class=bx.raw_bson.RawBSONDocument)
    start = message.index(b"firstBatch")
    joined = refused = 0
    for at in range(start, len(message)):
        for value in (0, 1, 3, 4, 5, 127, 255):
            damaged = message[:at] + bytes([value]) + message[at + 1 :]
            outcomes = []
            for flag in (True, False):
                try:
                    found = wire.decode_message(damaged, raw, BATCH, flag)[1]
                except bx.InvalidBSON as exc:
                    found = str(exc)
                outcomes.append(found)
            ours, plain = outcomes
            if isinstance(plain, dict) and isinstance(plain.get("cursor"), dict):
                batch = plain["cursor"].get("firstBatch")
                if isinstance(ours["cursor"].get("firstBatch"), tuple):
                    data, count, last = ours["cursor"]["firstBatch"]
                    parts = [one.raw for one in batch]
                    assert (data, count) == (b"".join(parts), len(parts))
                    assert data[last:] == (parts[-1] if parts else b"")
                    joined += 1
                    continue
            assert ours == plain
            refused += isinstance(ours, str)
    assert joined > 100
    assert refused > 100


# ---- batches ----


def _documents(message, wire, options):
    return wire.decode_message(message, options)[1]["documents"]


def test_batch(bx, wire, options):
    documents = [{"_id": i, "x": "y" * i} for i in range(5)]
    message, stop = wire.encode_batch(
        9, 2, {"insert": "c"}, "documents", documents, 0, options, **LIMITS
    )
    assert stop == 5
    assert wire.message_header(message) == (len(message), 9, 0, 2013)
    assert wire.decode_message(message, options) == (2, {"insert": "c", "documents": documents})


def test_split_by_count(wire, options):
    documents = [{"_id": i} for i in range(7)]
    sent, start, sizes = [], 0, []
    while start < len(documents):
        message, stop = wire.encode_batch(
            1,
            0,
            {"insert": "c"},
            "documents",
            documents,
            start,
            options,
            **{**LIMITS, "max_count": 3},
        )
        sizes.append(stop - start)
        sent += _documents(message, wire, options)
        start = stop
    assert sizes == [3, 3, 1]
    assert sent == documents


def test_split_by_bytes_exactly(bx, wire, options):
    documents = [{"_id": i, "s": "x" * 100} for i in range(10)]
    each = len(bx.encode(documents[0]))
    whole, _ = wire.encode_batch(
        1, 0, {"insert": "c"}, "documents", documents[:4], 0, options, **LIMITS
    )
    for limit, expected in ((len(whole), 4), (len(whole) - 1, 3), (len(whole) + each - 1, 4)):
        limits = {**LIMITS, "max_message_size": limit}
        message, stop = wire.encode_batch(
            1, 0, {"insert": "c"}, "documents", documents, 0, options, **limits
        )
        assert stop == expected
        assert len(message) <= limit
        assert _documents(message, wire, options) == documents[:expected]


def test_at_least_one_document(wire, options):
    for limits in ({"max_count": 0}, {"max_message_size": 1}):
        message, stop = wire.encode_batch(
            1, 0, {}, "documents", [{"_id": 1}, {"_id": 2}], 0, options, **{**LIMITS, **limits}
        )
        assert stop == 1
        assert _documents(message, wire, options) == [{"_id": 1}]


def test_no_documents(wire, options):
    message, stop = wire.encode_batch(1, 0, {}, "documents", [], 0, options, **LIMITS)
    assert stop == 0
    assert _documents(message, wire, options) == []


def test_a_document_too_large(bx, wire, options):
    documents = [{"_id": 0}, {"_id": 1, "s": "x" * 100}, {"_id": 2}]
    limits = {**LIMITS, "max_document_size": 100}
    _, stop = wire.encode_batch(1, 0, {}, "documents", documents, 0, options, **limits)
    assert stop == 1
    with pytest.raises(wire.DocumentTooLarge) as caught:
        wire.encode_batch(1, 0, {}, "documents", documents, 1, options, **limits)
    assert isinstance(caught.value, bx.InvalidDocument)
    assert (caught.value.index, caught.value.limit) == (1, 100)
    assert caught.value.size == len(bx.encode(documents[1]))


def test_ids_are_added_to_the_callers_documents(bx, wire, options):
    from bsonx.raw_bson import RawBSONDocument
    from bsonx.son import SON

    raw = RawBSONDocument(bx.encode({"r": 1}))
    documents = [{"a": 1}, {"_id": 5, "a": 2}, SON(b=1), raw, {"_id": None}]
    ids = []
    message, stop = wire.encode_batch(
        1, 0, {"insert": "c"}, "documents", documents, 0, options, add_ids=True, ids=ids, **LIMITS
    )
    assert stop == 5
    assert isinstance(documents[0]["_id"], bx.ObjectId)
    assert list(documents[0]) == ["a", "_id"]
    sent = _documents(message, wire, options)
    assert list(sent[0]) == ["_id", "a"]
    assert ids == [documents[0]["_id"], 5, documents[2]["_id"], None, None]
    assert sent[3] == {"r": 1}
    assert len({str(found) for found in ids[:3]}) == 3


def test_ids_of_documents_that_stay_behind_are_not_reported(wire, options):
    documents = [{"a": i} for i in range(5)]
    ids = []
    _, stop = wire.encode_batch(
        1,
        0,
        {},
        "documents",
        documents,
        0,
        options,
        add_ids=True,
        ids=ids,
        **{**LIMITS, "max_count": 2},
    )
    assert stop == len(ids) == 2
    _, stop = wire.encode_batch(
        1, 0, {}, "documents", documents, stop, options, add_ids=True, ids=ids, **LIMITS
    )
    assert ids == [document["_id"] for document in documents]


def test_an_invalid_document_in_a_batch(bx, wire, options):
    with pytest.raises(bx.InvalidDocument) as caught:
        wire.encode_batch(1, 0, {}, "documents", [{}, {"a": {"b": {1}}}], 0, options, **LIMITS)
    assert caught.value.path == "a.b"
    assert caught.value.document == {"a": {"b": {1}}}
    with pytest.raises(TypeError):
        wire.encode_batch(1, 0, {}, "documents", [5], 0, options, **LIMITS)


# ---- malformed input ----


def _with(message, at, value):
    return message[:at] + value + message[at + len(value) :]


def test_malformed_messages(bx, wire, options):
    body = bx.encode({"a": 1})
    good = op_msg([body], 0)
    pair = op_msg([body, body], 0)
    kind1 = 21 + len(body)
    cases = {
        "no bytes": b"",
        "half a header": good[:10],
        "header only": _with(good[:16], 0, struct.pack("<i", 16)),
        "flags only": _with(good[:20], 0, struct.pack("<i", 20)),
        "cut off": good[:-1],
        "trailing byte": good + b"\0",
        "length too small": _with(good, 0, struct.pack("<i", len(good) - 1)),
        "length negative": _with(good, 0, struct.pack("<i", -1)),
        "another opcode": _with(good, 12, struct.pack("<i", 1)),
        "unknown required flag": _with(good, 16, struct.pack("<I", 4)),
        "unknown section kind": _with(good, 20, b"\x02"),
        "no body": _with(good, 20, b"\x01"),
        "two bodies": op_msg([body], 0)[:20] + (b"\0" + body) * 2,
        "body too long": _with(good, 21, struct.pack("<i", len(body) + 1)),
        "body too short": _with(good, 21, struct.pack("<i", len(body) - 1)),
        "sequence too long": _with(pair, kind1 + 1, struct.pack("<i", 10_000)),
        "sequence negative": _with(pair, kind1 + 1, struct.pack("<i", -4)),
        "sequence without name": _with(pair, kind1 + 5, b"documentsxxxxx"),
        "name not UTF-8": _with(pair, kind1 + 5, b"\xff"),
        "checksum missing": _with(good, 16, struct.pack("<I", 1)),
    }
    cases["two bodies"] = _with(cases["two bodies"], 0, struct.pack("<i", len(cases["two bodies"])))
    for name, message in cases.items():
        for fields in (None, frozenset(["a"])):
            with pytest.raises(bx.InvalidBSON) as caught:
                wire.decode_message(message, options, fields)
            assert 0 <= caught.value.offset <= len(message), name


def test_a_sequence_named_like_a_field(bx, wire, options):
    message = op_msg([bx.encode({"documents": 1}), bx.encode({})], 0)
    with pytest.raises(bx.InvalidBSON, match="duplicate field 'documents'"):
        wire.decode_message(message, options)


def test_header_out_of_reach(bx, wire):
    for data, offset in ((b"x" * 15, 0), (b"x" * 20, 5), (b"x" * 20, -1)):
        with pytest.raises(bx.InvalidBSON):
            wire.message_header(data, offset)


# ---- running coroutines ----


def test_run_coroutine(bx):
    import asyncio

    from bsonx._impl import run_coroutine

    async def inner():
        return 5

    async def outer():
        return await inner() + 1

    async def fails():
        raise KeyError("x")

    async def suspends():
        await asyncio.sleep(0)

    assert run_coroutine(outer()) == 6
    with pytest.raises(KeyError):
        run_coroutine(fails())
    with pytest.raises(RuntimeError):
        run_coroutine(suspends())
