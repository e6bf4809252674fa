"""Where errors point: paths in documents, offsets in bytes; and the limits of nesting."""

from __future__ import annotations

import codecs
import dataclasses
import datetime
import importlib
import io
import pickle

import pytest


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"a": {1}}, "a"),
        ({"items": [0, 1, 2, {"price": {1}}]}, "items[3].price"),
        ({"a": {"b": {"c": object()}}}, "a.b.c"),
        ({"a": [[1, [object()]]]}, "a[0][1][0]"),
        ({"a": ({"b": object()},)}, "a[0].b"),
        ({"a": {"": object()}}, "a."),
        ({"_id": {"x": object()}}, "_id.x"),
        ({"a": {1: 2}}, "a"),
        ({1: 2}, ""),
        ({"a": {"b\0": 2}}, "a.b\0"),
    ],
)
def test_path_of_invalid_document(bx, document, path):
    with pytest.raises(bx.InvalidDocument) as caught:
        bx.encode(document)
    assert caught.value.path == path
    assert caught.value.document is document
    shown = path.replace("\0", "\\0")
    assert str(caught.value) == caught.value.args[0] + (f" - at {shown}" if path else "")


def test_the_text_of_an_invalid_document(bx):
    with pytest.raises(bx.InvalidDocument) as caught:
        bx.encode({"items": [{"price": {1}}]})
    error = caught.value
    own = "Invalid document: cannot encode object: {1}, of type: <class 'set'>"  # PyMongo's
    assert error.args == (own,)
    assert str(error) == f"{own} - at items[0].price"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.document) == (str(error), error.path, error.document)
    with pytest.raises(bx.InvalidDocument) as caught:
        bx.encode({"k" * 100_000: {1}})
    assert len(str(caught.value)) < 500
    assert str(bx.errors.InvalidDocument("own")) == "own"


def test_path_through_every_kind_of_container(bx):
    from bsonx.code import Code
    from bsonx.dbref import DBRef
    from bsonx.son import SON

    bad = object()
    for document, path in [
        ({"a": SON([("b", bad)])}, "a.b"),
        ({"a": Code("f", {"b": bad})}, "a.b"),
        ({"a": DBRef("c", bad)}, "a.$id"),
        (SON([("a", [bad])]), "a[0]"),
    ]:
        with pytest.raises(bx.InvalidDocument) as caught:
            bx.encode(document)
        assert caught.value.path == path


@pytest.mark.parametrize(
    ("value", "error"),
    [(2**63, OverflowError), ("\ud800", UnicodeEncodeError)],
)
def test_path_of_other_errors(bx, value, error):
    with pytest.raises(error) as caught:
        bx.encode({"a": [{"b": value}]})
    assert caught.value.path == "a[0].b"


def test_path_of_a_check_keys_error(bx):
    with pytest.raises(bx.InvalidDocument, match="must not start") as caught:
        bx.encode({"a": [{"$b": 1}]}, check_keys=True)
    assert caught.value.path == "a[0].$b"


def test_errors_of_the_users_converters_pass_through(bx):
    class Stop(Exception):
        __slots__ = ()

    def fail(value):
        raise Stop

    registry = bx.codec_options.TypeRegistry(fallback_encoder=fail)
    with pytest.raises(Stop):
        bx.encode({"a": [object()]}, codec_options=bx.CodecOptions(type_registry=registry))


class Mine(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [
        Mine("mine"),
        PermissionError("mine"),
        ValueError("mine"),
        OverflowError("mine"),
        RecursionError("mine"),
        MemoryError("mine"),
        LookupError("mine"),
        KeyboardInterrupt("mine"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "mine"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_the_users_classes_pass_through_decoding(bx, error):
    """They say nothing about the input: the very exception arrives."""

    def fail(*args):
        raise error

    def in_class(**methods):
        return bx.CodecOptions(document_class=type("Own", (dict,), methods))

    def in_decoder(kind):
        methods = {"bson_type": kind, "transform_bson": fail}
        decoder = type("Own", (bx.codec_options.TypeDecoder,), methods)()
        return bx.CodecOptions(type_registry=bx.codec_options.TypeRegistry([decoder]))

    reference = {"a": {"$ref": "c", "$id": 1}}
    nested = {"d": {"e": [{"f": "text"}]}}
    cases = [
        (nested, in_class(__init__=fail)),
        (nested, in_class(__setitem__=fail)),
        (reference, in_class(__contains__=fail)),
        (nested, in_decoder(str)),
        (nested, in_decoder(dict)),
        (nested, in_decoder(list)),
    ]
    for document, options in cases:
        data = bx.encode(document)
        for call in (bx.decode, bx.decode_all, lambda *args: list(bx.decode_iter(*args))):
            with pytest.raises(type(error)) as caught:
                call(data, options)
            assert caught.value is error


def test_errors_of_handlers_and_zones_are_the_cause(bx):
    """What they are asked about is the input: InvalidBSON, as PyMongo, and the reason."""
    error = Mine("mine")

    def fail(*args):
        raise error

    codecs.register_error("bsonx-fails", fail)
    zone = type("Zone", (datetime.tzinfo,), {"fromutc": fail, "utcoffset": fail})()
    handler = bx.CodecOptions(unicode_decode_error_handler="bsonx-fails")
    aware = bx.CodecOptions(tz_aware=True, tzinfo=zone)
    for data, options, offset in (
        (b"\x0e\0\0\0\x02a\0\2\0\0\0\xff\0\0", handler, 11),
        (b"\x08\0\0\0\x0a\xff\0\0", handler, 5),
        (bx.encode({"d": datetime.datetime(2020, 1, 1)}), aware, 7),
    ):
        with pytest.raises(bx.InvalidBSON, match="mine") as caught:
            bx.decode(data, options)
        assert caught.value.__cause__ is error
        assert caught.value.offset == offset


@pytest.mark.parametrize("passes", [MemoryError, RecursionError, KeyboardInterrupt])
def test_what_says_nothing_of_the_input_passes_handlers(bx, passes):
    def fail(*args):
        raise passes("mine")

    codecs.register_error("bsonx-passes", fail)
    options = bx.CodecOptions(unicode_decode_error_handler="bsonx-passes")
    with pytest.raises(passes, match="mine"):
        bx.decode(b"\x0e\0\0\0\x02a\0\2\0\0\0\xff\0\0", options)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_length_that_is_cut_off(bx, size):
    document = bx.encode({"i": 1})
    data = document + document[:size]
    for read in (
        lambda: bx.decode_all(data),
        lambda: list(bx.decode_iter(data)),
        lambda: list(bx.decode_iter(memoryview(data))),
        lambda: list(bx.decode_file_iter(io.BytesIO(data))),
    ):
        with pytest.raises(bx.InvalidBSON):
            read()
    documents = bx.decode_iter(data)
    assert next(documents) == {"i": 1}
    with pytest.raises(bx.InvalidBSON) as caught:
        next(documents)
    assert caught.value.offset == len(document)


def test_invalid_document_pickles(bx):
    with pytest.raises(bx.InvalidDocument) as caught:
        bx.encode({"a": [{1}]})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.path, copy.document) == (str(caught.value), "a[0]", {"a": [{1}]})


@pytest.mark.parametrize(
    ("data", "offset", "message"),
    [
        (b"", 0, "not enough data"),
        (b"\x04\0\0\0\0", 0, "invalid message size"),
        (b"\x09\0\0\0\0", 0, "objsize too large"),
        (b"\x05\0\0\0\1", 4, "bad eoo"),
        (b"\x05\0\0\0\0\0", 5, "bad eoo"),
        (b"\x08\0\0\0\x0aaa\0", 5, "field name too large"),
        (b"\x09\0\0\0\x08a\0\2\0", 7, "invalid boolean value"),
        (b"\x08\0\0\0\x30a\0\0", 4, "unknown BSON type"),
        (b"\x09\0\0\0\x10a\0\1\0", 7, "invalid length"),
        (b"\x10\0\0\0\x02a\0\4\0\0\0a\xffa\0\0", 11, "invalid start byte"),
        (b"\x09\0\0\0\x0a\xffa\0\0", 5, "invalid start byte"),
        (b"\x10\0\0\0\x03a\0\x08\0\0\0\x30b\0\0\0", 11, "fieldname 'b'"),
        (b"\x10\0\0\0\x04a\0\x08\0\0\0\x30b\0\0\0", 11, "fieldname 'a'"),
    ],
)
def test_offset_of_invalid_bson(bx, data, offset, message):
    with pytest.raises(bx.InvalidBSON, match=message) as caught:
        bx.decode(data)
    assert caught.value.offset == offset


def test_offset_counts_from_the_start_of_all_documents(bx):
    with pytest.raises(bx.InvalidBSON) as caught:
        bx.decode_all(b"\x05\0\0\0\0" * 3 + b"\x05\0\0\0\1")
    assert caught.value.offset == 19


# ---- nesting ----


def _nested(depth):
    document = {}
    for _ in range(depth):
        document = {"a": document}
    return document


def _stored(depth, kind=b"\x03"):
    data = b"\x05\0\0\0\0"
    for _ in range(depth):
        body = kind + b"a\0" + data + b"\0"
        data = (len(body) + 4).to_bytes(4, "little") + body
    return data


def test_500_levels_in_both_directions(bx):
    assert bx.encode(_nested(500)) == _stored(500)
    assert bx.decode(_stored(500)) == _nested(500)


@pytest.mark.parametrize("depth", [2000, 50000])
def test_too_deep_to_encode(bx, depth):
    document = _nested(depth)
    with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
        bx.encode(document)
    while document:  # a recursive deallocation is Python's business, not ours
        document = document["a"]


@pytest.mark.parametrize("kind", [b"\x03", b"\x04"])
def test_too_deep_to_decode(bx, kind):
    with pytest.raises(bx.InvalidBSON, match="maximum recursion depth exceeded"):
        bx.decode(_stored(2000, kind))


def test_recursive_containers(bx):
    document = {}
    document["self"] = document
    items = []
    items.append(items)
    for value in (document, {"a": items}):
        with pytest.raises(RecursionError):
            bx.encode(value)


def test_buffers_with_gaps(bx):
    data = bx.encode({"a": 1})
    gaps = memoryview(b"".join(bytes([byte, 0]) for byte in data))[::2]
    assert gaps.tobytes() == data
    for decode in (bx.decode, bx.decode_all, lambda data: [*bx.decode_iter(data)]):
        with pytest.raises(BufferError, match="underlying buffer is not C-contiguous"):
            decode(gaps)


@pytest.mark.parametrize("form", [bytes, bytearray, lambda data: memoryview(bytearray(data))])
def test_offsets_in_lazy_documents_count_from_the_start_of_the_input(bx, form):
    raw = importlib.import_module("bsonx.raw_bson").RawBSONDocument
    options = bx.CodecOptions(document_class=raw)
    data = bytearray(bx.encode({"a": {"b": {"c": 5}}}))
    where = data.index(b"\x10c\0")
    data[where] = 0x55
    inner = bx.decode(form(data), options)["a"]["b"]
    with pytest.raises(bx.InvalidBSON) as caught:
        inner["c"]
    assert caught.value.offset == where
    holder = dataclasses.make_dataclass("Holder", [("a", raw)])
    with pytest.raises(bx.InvalidBSON) as caught:
        bx.decode(form(data), type=holder).a["b"]["c"]
    assert caught.value.offset == where


@pytest.mark.parametrize("words", [("a", 3), (3, None), (1.5, 0), ("a", "b")])
def test_words_of_a_decimal_are_ints(bx, words):
    odd = next(word for word in words if not isinstance(word, int))
    text = f"^'{type(odd).__name__}' object cannot be interpreted as an integer$"
    with pytest.raises(TypeError, match=text):
        bx.Decimal128(words)
    with pytest.raises(TypeError, match=text):
        bx.Decimal128.__new__(bx.Decimal128).__setstate__(words)


def test_a_damaged_state_of_a_decimal(bx):
    made = bx.Decimal128.__new__(bx.Decimal128)
    with pytest.raises(TypeError, match="a pair of words is needed"):
        made.__setstate__(5)
    with pytest.raises(ValueError, match="exactly 2 elements"):
        made.__setstate__((1, 2, 3))
    made.__setstate__([2**64 + 1, -1])
    assert made.bid == b"\xff" * 8 + b"\1" + b"\0" * 7


@pytest.mark.parametrize("flags", [2**63, -(2**63) - 1, 2**200])
def test_flags_of_a_regex_that_no_word_holds(bx, flags):
    with pytest.raises(OverflowError, match="Python int too large to convert to C long"):
        bx.encode({"a": bx.Regex("x", flags)})


def test_types_of_a_timestamp_come_before_ranges(bx):
    moment = datetime.datetime(1960, 1, 1)
    for time in (moment, -1, 2**32):
        with pytest.raises(TypeError, match="inc must be an instance of int, not <class 'str'>"):
            bx.Timestamp(time, "x")
        for inc in (1, 2**32):
            with pytest.raises(ValueError, match=r"time must be contained in \[0, 2\*\*32\)"):
                bx.Timestamp(time, inc)
    for inc in ("x", 1, 2**32):
        with pytest.raises(TypeError, match="time must be an instance of int, not <class 'str'>"):
            bx.Timestamp("x", inc)


@pytest.mark.parametrize("pattern", [b"\xff\0", b"\0\xff", b"a\0", "a\0"])
def test_a_nul_in_a_pattern_is_told_first(bx, pattern):
    with pytest.raises(bx.InvalidDocument, match="must not contain the NULL byte"):
        bx.encode({"a": bx.Regex(pattern)})
