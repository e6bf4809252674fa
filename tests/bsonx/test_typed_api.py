"""Where types can be asked for, and what errors carry."""

import copy
import dataclasses
import inspect
import io
import pickle
import struct
import threading
import typing

import pytest

msgspec = pytest.importorskip("msgspec")


@dataclasses.dataclass
class Doc:
    x: int
    inner: "Doc | None" = None


class Movie(typing.TypedDict):
    title: str


def many(bx):
    return b"".join(bx.encode({"x": i}) for i in range(5))


EXPECTED = [Doc(i) for i in range(5)]


def test_every_decoding_function_takes_a_type(bx):
    data = many(bx)
    assert bx.decode(bx.encode({"x": 1}), type=Doc) == Doc(1)
    assert bx.decode_all(data, type=Doc) == EXPECTED
    assert list(bx.decode_iter(data, type=Doc)) == EXPECTED
    assert list(bx.decode_file_iter(io.BytesIO(data), type=Doc)) == EXPECTED
    assert bx.decode_all(data, bx.CodecOptions(tz_aware=True), type=Doc) == EXPECTED
    assert bx.decode(memoryview(bx.encode({"x": 1})), type=Doc) == Doc(1)
    assert bx.decode(bytearray(bx.encode({"x": 1})), type=Doc) == Doc(1)


def test_a_document_class_may_be_a_type(bx):
    options = bx.CodecOptions(document_class=Doc)
    data = many(bx)
    assert bx.decode_all(data, options) == EXPECTED
    assert bx.decode_all(data, bx.CodecOptions().with_options(document_class=Doc)) == EXPECTED
    assert bx.decode(data[: len(data) // 5], bx.CodecOptions(Doc)) == Doc(0)
    assert options.document_class is Doc
    movie = bx.encode({"title": "x", "year": 1})
    assert bx.decode(movie, bx.CodecOptions(Movie)) == {"title": "x"}
    either = bx.CodecOptions(typing.Union[Doc, None])  # noqa: UP007
    assert bx.decode_all(data, either) == EXPECTED


def test_mapping_classes_still_are_what_they_were(bx):
    data = bx.encode({"x": {"y": 1}})
    assert type(bx.decode(data, type=dict)) is dict
    assert type(bx.decode(data, type=bx.SON)["x"]) is bx.SON
    assert bx.decode(data, bx.CodecOptions(dict[str, typing.Any])) == {"x": {"y": 1}}

    @dataclasses.dataclass
    class Own(dict):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    assert type(bx.decode(data, bx.CodecOptions(Own))) is Own


def test_mappings_with_typed_values(bx):
    from bsonx.typed import TypedDecodeError

    data = bx.encode({"a": {"x": 1}, "b": {"x": 2}})
    assert bx.decode(data, type=dict[str, Doc]) == {"a": Doc(1), "b": Doc(2)}
    with pytest.raises(TypedDecodeError):
        bx.decode(data, type=dict[str, int])


@pytest.mark.parametrize("bad", [int, str, object, 5, "x", type("Plain", (), {})])
def test_what_is_no_document_class(bx, bad):
    with pytest.raises(TypeError, match="document_class must be dict"):
        bx.CodecOptions(document_class=bad)


def test_a_class_that_cannot_be_decoded_to_is_refused_early(bx):
    @dataclasses.dataclass
    class Bad:
        a: dict[int, str]

    with pytest.raises(TypeError, match=r"Bad\.a: the keys of a document are of type str"):
        bx.CodecOptions(document_class=Bad)
    from bsonx.typed import prepare

    with pytest.raises(TypeError, match=r"Bad\.a"):
        prepare(Bad)
    prepare(Doc)


def test_type_is_no_part_of_the_visible_signature(bx):
    assert str(inspect.signature(bx.decode)).startswith("(data: ")
    for name in ("decode", "decode_all", "decode_iter", "decode_file_iter"):
        parameters = list(inspect.signature(getattr(bx, name)).parameters)
        assert parameters[1:] == ["codec_options"], name


def test_options_are_checked(bx):
    with pytest.raises(TypeError, match="codec_options must be an instance of CodecOptions"):
        bx.decode(bx.encode({}), 5, type=Doc)


def test_errors(bx):
    from bsonx.errors import BSONError, InvalidBSON
    from bsonx.typed import TypedDecodeError

    data = bx.encode({"x": 1, "inner": {"x": 2, "inner": {"x": "no"}}})
    with pytest.raises(TypedDecodeError) as info:
        bx.decode(data, type=Doc)
    error = info.value
    assert error.path == "inner.inner.x"
    assert data[error.offset : error.offset + 4] == b"\3\0\0\0"
    assert error.reason == "expected int, got string"
    assert str(error) == f"expected int, got string - at inner.inner.x (byte {error.offset})"
    assert isinstance(error, BSONError) and isinstance(error, ValueError)
    assert not isinstance(error, InvalidBSON)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.offset) == (str(error), error.path, error.offset)
    assert str(copy.copy(error)) == str(error)
    with pytest.raises(
        TypedDecodeError, match=r"Doc needs the field 'x' - at top level \(byte 0\)"
    ):
        bx.decode(bx.encode({}), type=Doc)


def test_offsets_are_those_of_the_whole_input(bx):
    from bsonx.typed import TypedDecodeError

    good, bad = bx.encode({"x": 1}), bx.encode({"x": "n"})
    with pytest.raises(TypedDecodeError) as info:
        bx.decode_all(good + bad, type=Doc)
    assert info.value.offset == len(good) + 7
    with pytest.raises(bx.InvalidBSON) as info:
        bx.decode_all(good + good[:-2], type=Doc)
    assert info.value.offset >= len(good)


def reply(bx, document):
    from bsonx.op_msg import encode_message

    return encode_message(1, 0, document, bx.CodecOptions())


def test_replies_of_the_server(bx):
    from bsonx.op_msg import decode_message

    options = bx.CodecOptions(document_class=Doc)
    batch = [{"x": 1}, {"x": 2, "inner": {"x": 3}}]
    cursor = {"id": 5, "ns": "a.b", "firstBatch": batch, "x": {"y": 1}}
    message = reply(bx, {"cursor": cursor, "ok": 1.0})
    fields = frozenset(["firstBatch", "nextBatch", "value"])
    _, body = decode_message(message, options, fields)
    assert type(body) is dict and type(body["cursor"]) is dict
    assert body["cursor"]["firstBatch"] == [Doc(1), Doc(2, Doc(3))]
    assert body["cursor"]["x"] == {"y": 1} and body["ok"] == 1.0
    _, body = decode_message(reply(bx, {"value": {"x": 1}, "ok": 1}), options, fields)
    assert body["value"] == Doc(1)
    _, body = decode_message(reply(bx, {"value": None, "ok": 1}), options, fields)
    assert body["value"] is None
    _, body = decode_message(reply(bx, {"value": [1, {"x": 2}, None]}), options, fields)
    assert body["value"] == [1, Doc(2), None]
    # without fields of the user's it is no document of the user's
    _, body = decode_message(reply(bx, {"x": 4, "cursor": {"firstBatch": [{"x": 1}]}}), options)
    assert body == {"x": 4, "cursor": {"firstBatch": [{"x": 1}]}}


def test_errors_in_replies(bx):
    from bsonx.op_msg import decode_message
    from bsonx.typed import TypedDecodeError

    options = bx.CodecOptions(document_class=Doc)
    message = reply(bx, {"cursor": {"firstBatch": [{"x": 1}, {"x": "no"}]}})
    with pytest.raises(TypedDecodeError) as info:
        decode_message(message, options, frozenset(["firstBatch"]))
    assert info.value.path == "x"
    assert message[info.value.offset :].startswith(struct.pack("<i", 3) + b"no\0")


def test_batches_take_instances(bx):
    from bsonx.op_msg import decode_message, encode_batch

    class Item(msgspec.Struct):
        id: int
        name: str

    items = [Item(1, "a"), Item(2, "b"), {"_id": 3, "name": "c"}]
    message, stop = encode_batch(
        1,
        0,
        {"insert": "c"},
        "documents",
        items,
        0,
        bx.CodecOptions(),
        max_count=10,
        max_document_size=10000,
        max_message_size=10000,
    )
    assert stop == 3
    _, body = decode_message(message, bx.CodecOptions())
    assert body["documents"] == [
        {"_id": 1, "name": "a"},
        {"_id": 2, "name": "b"},
        {"_id": 3, "name": "c"},
    ]


def test_encoding_errors_name_the_path(bx):
    @dataclasses.dataclass
    class Holder:
        a: object

    with pytest.raises(bx.InvalidDocument, match="cannot encode object") as info:
        bx.encode(Holder([1, {"b": Holder(object())}]))
    assert info.value.path == "a[1].b.a"
    loop = Holder(None)
    loop.a = loop
    with pytest.raises(RecursionError):
        bx.encode(loop)


def test_a_fallback_encoder_is_asked_first(bx):
    registry = bx.codec_options.TypeRegistry(fallback_encoder=lambda value: f"<{value.x}>")
    options = bx.CodecOptions(type_registry=registry)
    assert bx.decode(bx.encode({"a": Doc(1)}, codec_options=options)) == {"a": "<1>"}
    both = options.with_options(profile="python")
    assert bx.decode(bx.encode({"a": Doc(1)}, codec_options=both)) == {"a": {"x": 1, "inner": None}}


def test_a_type_encoder_is_asked_first(bx):
    class AsText(bx.codec_options.TypeEncoder):
        python_type = Doc

        def transform_python(self, value):
            return f"<{value.x}>"

    options = bx.CodecOptions(type_registry=bx.codec_options.TypeRegistry([AsText()]))
    assert bx.decode(bx.encode({"a": Doc(1)}, codec_options=options)) == {"a": "<1>"}


def test_check_keys_holds_for_instances(bx):
    @dataclasses.dataclass
    class Dotted:
        a: int = dataclasses.field(metadata={"bson": "a.b"})

    assert bx.decode(bx.encode(Dotted(1))) == {"a.b": 1}
    with pytest.raises(bx.InvalidDocument, match=r"must not contain '\.'"):
        bx.encode(Dotted(1), check_keys=True)


def test_a_class_is_no_instance(bx):
    with pytest.raises(TypeError, match="expected a mapping type"):
        bx.encode(Doc)
    with pytest.raises(bx.InvalidDocument):
        bx.encode({"a": Doc})


def test_threads_compile_and_use_a_plan_at_once(bx):
    classes = [
        dataclasses.make_dataclass(f"C{i}", [("x", int), ("y", list[int])]) for i in range(5)
    ]
    data = bx.encode({"x": 1, "y": [1, 2]})
    start = threading.Barrier(4)
    right = []

    def work():
        start.wait()
        for cls in classes:
            right.extend(bx.decode(data, type=cls) == cls(1, [1, 2]) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * (4 * 5 * 50)


def test_no_package_is_imported_for_its_classes(bx):
    import subprocess
    import sys

    code = """
import sys, dataclasses, bsonx
@dataclasses.dataclass
class D:
    x: int
assert bsonx.decode(bsonx.encode(D(1)), type=D) == D(1)
bsonx.encode({"a": D(1)})
print(sorted({"msgspec", "attr", "attrs", "pydantic", "numpy"} & set(sys.modules)))
"""
    import os
    import pathlib

    environment = dict(os.environ, BSONX_IMPL="c" if bx.has_c() else "py")
    environment["PYTHONPATH"] = str(pathlib.Path(bx.__file__).parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_options_of_fields_are_derived_once(bx):
    """Not for each value: of fields of `SON` and `RawBSONDocument`, alone and in others."""
    from bsonx.raw_bson import RawBSONDocument

    derived = []

    class Counting(bx.CodecOptions):
        def with_options(self, **kwargs):
            derived.append(kwargs)
            return super().with_options(**kwargs)

    @dataclasses.dataclass
    class Mixed:
        son: bx.SON
        raw: RawBSONDocument
        sons: list[bx.SON]
        named: dict[str, RawBSONDocument | None]

    data = bx.encode(
        {"son": {"a": 1}, "raw": {"b": 2}, "sons": [{"c": 3}] * 3, "named": {"x": {"d": 4}}}
    )
    options = Counting(document_class=Mixed, tz_aware=True)
    derived.clear()
    for _ in range(3):
        found = bx.decode(data, options)
        assert (found.son, found.raw["b"], found.sons[2]) == ({"a": 1}, 2, {"c": 3})
        assert (type(found.sons[2]), type(found.named["x"])) == (bx.SON, RawBSONDocument)
    assert bx.decode_all(data * 3, options) == [found] * 3
    classes = [kwargs["document_class"] for kwargs in derived]
    assert sorted(classes, key=repr) == sorted({bx.SON, RawBSONDocument}, key=repr)
    # Nor again because a few others come between.
    for _ in range(64):
        options = Counting(document_class=Mixed, tz_aware=True)
        derived.clear()
        for _ in range(4):
            bx.decode(data, options)
            assert bx.decode(data, bx.CodecOptions())["son"] == {"a": 1}
        assert len(derived) == 2
    # Other options have their own.
    other = bx.decode(data, Counting(document_class=Mixed, tz_aware=False))
    assert other == found
    assert len(derived) == 4
