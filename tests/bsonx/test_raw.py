"""RawBSONDocument: a mapping over shared bytes that decodes what is read."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest


@pytest.fixture
def document(bx):
    return bx.encode(
        {
            "_id": 1,
            "name": "n",
            "inner": {"x": [1, {"y": 2}]},
            "list": [{"z": 3}],
            "ref": bx.DBRef("c", 5),
            "code": bx.Code("f", {"s": 1}),
        }
    )


@pytest.fixture
def raw(bx, document):
    from bsonx.raw_bson import RawBSONDocument

    return RawBSONDocument(document)


def test_fields(bx, raw):
    from bsonx.raw_bson import RawBSONDocument

    assert raw["_id"] == 1
    assert raw["name"] == "n"
    assert type(raw["inner"]) is RawBSONDocument
    assert raw["inner"]["x"][1]["y"] == 2
    assert type(raw["list"][0]) is RawBSONDocument
    assert type(raw["ref"]) is RawBSONDocument
    assert type(raw["code"].scope) is RawBSONDocument
    assert raw["code"].scope["s"] == 1


def test_mapping(raw):
    assert list(raw) == ["_id", "name", "inner", "list", "ref", "code"]
    assert list(raw.keys()) == list(raw)
    assert len(raw) == 6
    assert "name" in raw
    assert "nope" not in raw
    assert raw.get("nope", 7) == 7
    assert dict(raw)["name"] == "n"
    assert dict(raw.items())["name"] == "n"
    for key in ("nope", "", "nam", "names", "\ud800", 5, None):
        with pytest.raises(KeyError):
            raw[key]


def test_same_answers_after_reading_everything(raw, document):
    before = {key: raw[key] for key in ("_id", "name", "inner", "list")}
    fields = dict(raw.items())
    assert {key: raw[key] for key in before} == before
    assert all(fields[key] == value for key, value in before.items())
    assert raw.raw == document


def test_the_last_of_equal_keys_wins(bx):
    from bsonx.raw_bson import RawBSONDocument

    data = b"\x13\0\0\0\x10a\0\1\0\0\0\x10a\0\2\0\0\0\0"
    assert RawBSONDocument(data)["a"] == 2
    assert dict(RawBSONDocument(data)) == bx.decode(data) == {"a": 2}


def test_immutable_and_unhashable(raw):
    with pytest.raises(TypeError):
        raw["x"] = 1
    with pytest.raises(TypeError):
        del raw["_id"]
    with pytest.raises(AttributeError):
        raw.raw = b""
    with pytest.raises(AttributeError):
        raw.attribute = 1
    with pytest.raises(TypeError):
        hash(raw)


def test_equality_is_of_bytes(bx, raw, document):
    from bsonx.raw_bson import RawBSONDocument

    assert raw == RawBSONDocument(document)
    assert raw != RawBSONDocument(bx.encode({}))
    assert raw != bx.decode(document)
    assert raw["inner"] == RawBSONDocument(bx.encode({"x": [1, {"y": 2}]}))


def test_encoding_copies_the_bytes(bx, raw, document):
    assert bx.encode(raw) == document
    # As they are: the order of _id and anything else inside is not touched.
    odd = b"\x16\0\0\0\x10b\0\1\0\0\0\x10_id\0\2\0\0\0\0\0"
    odd = (len(odd) - 1).to_bytes(4, "little") + odd[4:-1]
    from bsonx.raw_bson import RawBSONDocument

    assert bx.encode(RawBSONDocument(odd)) == odd
    assert bx.encode({"a": RawBSONDocument(odd)})[7:-1] == odd
    assert bx.decode(bx.encode({"a": raw["inner"]})) == {"a": {"x": [1, {"y": 2}]}}


def test_a_mutable_buffer_is_copied(bx, document):
    from bsonx.raw_bson import RawBSONDocument

    buffer = bytearray(document)
    raw = RawBSONDocument(buffer)
    inner = bx.decode(buffer, bx.CodecOptions(document_class=RawBSONDocument))["inner"]
    buffer[:] = bytes(len(buffer))
    assert raw["name"] == "n"
    assert inner["x"][0] == 1
    assert raw.raw == document


def test_views_keep_their_buffer_and_nothing_more(bx, document):
    from bsonx.raw_bson import RawBSONDocument

    options = bx.CodecOptions(document_class=RawBSONDocument)
    documents = bx.decode_all(document * 3, options)
    inner = documents[1]["inner"]
    del documents
    gc.collect()
    assert inner["x"][1]["y"] == 2
    assert inner.raw == bx.encode({"x": [1, {"y": 2}]})


def test_raw_is_bytes_whatever_it_came_from(bx, document):
    from bsonx.raw_bson import RawBSONDocument

    options = bx.CodecOptions(document_class=RawBSONDocument)
    for data in (
        document,
        bytearray(document),
        memoryview(document),
        memoryview(b"x" + document)[1:],
    ):
        assert type(RawBSONDocument(data).raw) is bytes
        found = bx.decode(data, options)
        assert type(found.raw) is bytes
        assert type(found["inner"].raw) is bytes
        assert found["inner"]["x"][0] == 1
        assert bx.encode(found) == document


def test_pickle_and_copy(bx, raw, document):
    for clone in (
        pickle.loads(pickle.dumps(raw)),
        copy.copy(raw),
        copy.deepcopy(raw),
        pickle.loads(pickle.dumps(raw["inner"])),
    ):
        assert clone == (raw["inner"] if "x" in clone else raw)
        assert bx.encode(clone) == clone.raw
    # Not the whole buffer for a part of it.
    assert (
        len(pickle.dumps(raw["inner"])) - len(raw["inner"].raw)
        < len(pickle.dumps(bx.raw_bson.DEFAULT_RAW_BSON_OPTIONS)) + 200
    )


def test_bad_bytes(bx):
    from bsonx.raw_bson import RawBSONDocument

    for data in (b"", b"\x05\0\0\0", b"\x06\0\0\0\0", b"\x05\0\0\0\0\0", b"\x05\0\0\0\1"):
        with pytest.raises(bx.InvalidBSON):
            RawBSONDocument(data)
    # Inside, they are found when they are read.
    broken = RawBSONDocument(b"\x09\0\0\0\x10a\0\1\0")
    for read in (
        lambda: broken["a"],
        lambda: broken["b"],
        lambda: list(broken),
        lambda: len(broken),
    ):
        with pytest.raises(bx.InvalidBSON):
            read()


def test_options(bx, document):
    from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument

    with pytest.raises(TypeError, match="cannot use CodecOptions with document class"):
        RawBSONDocument(document, bx.CodecOptions())
    options = bx.CodecOptions(document_class=RawBSONDocument, tz_aware=True)
    when = bx.encode({"a": {"t": bx.DatetimeMS(0)}})
    assert RawBSONDocument(when, options)["a"]["t"].tzinfo is bx.utc
    assert DEFAULT_RAW_BSON_OPTIONS.document_class is RawBSONDocument


def test_subclass(bx, document):
    from bsonx.raw_bson import RawBSONDocument

    class Mine(RawBSONDocument):
        def shout(self):
            return self["name"].upper()

    options = bx.CodecOptions(document_class=Mine)
    found = bx.decode(document, options)
    assert found.shout() == "N"
    assert type(found["inner"]) is Mine


def test_replaced_characters_in_names(bx):
    from bsonx.raw_bson import RawBSONDocument

    options = bx.CodecOptions(
        document_class=RawBSONDocument, unicode_decode_error_handler="replace"
    )
    raw = RawBSONDocument(b"\x0c\0\0\0\x10\xff\0\1\0\0\0\0", options)
    assert raw["\ufffd"] == 1
    assert list(raw) == ["\ufffd"]
