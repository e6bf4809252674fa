"""What raw documents are made of: buffers, damage, subclasses, threads, memory; C as pure."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import gc
import importlib
import inspect
import itertools
import pickle
import struct
import sys
import threading
import weakref
from collections.abc import Mapping

import bson
import pytest
from mutate import mutations, seeds
from neutral import attempt

from implementations import CPYTHON, tree


@pytest.fixture
def raw_class(bx):
    from bsonx.raw_bson import RawBSONDocument

    return RawBSONDocument


@pytest.fixture
def raw_options(bx, raw_class):
    return bx.CodecOptions(document_class=raw_class)


def raised(call, *args):
    with pytest.raises(Exception) as info:
        call(*args)
    return info.value


def document_of(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


# ---- damage ----


def _repaired(data: bytes) -> bytes:
    """The same with an outer size and final NUL that fit: the damage left is inside."""
    body = (data + bytes(5))[4 : max(len(data), 5) - 1]
    return document_of(body)


class Reader:
    """The ways of reading a document in one implementation."""

    NAMES = ("k", "k0", "k3", "a", "", "missing", "\u00e9", "\ud800", "k\0", "a" * 40, 5)

    def __init__(self, implementation):
        with tree(implementation).active() as package:
            from bsonx.raw_bson import RawBSONDocument

            self.kind = RawBSONDocument
            self.options = [
                None,
                package.CodecOptions(
                    document_class=RawBSONDocument, unicode_decode_error_handler="replace"
                ),
            ]

    def readings(self, data):
        """Return what all of them give, one after the other."""
        return [outcome for options in self.options for outcome in self._with(data, options)]

    def _with(self, data, options):
        def read(use):
            return attempt(lambda: use(self.kind(data, options)))

        yield from (read(lambda d, n=name: d[n]) for name in self.NAMES)
        yield read(lambda d: dict(d.items()))
        yield read(len)
        yield read(lambda d: "k" in d)
        yield read(lambda d: d.get("k0", 5))


@pytest.fixture(scope="module")
def readers():
    return Reader("c"), Reader("py")


def test_damaged_documents_read_alike(readers):
    c, pure = readers
    for number, data in enumerate(mutations(77, 6000, seeds(bson))):
        damaged = _repaired(data) if number % 4 else data
        assert c.readings(damaged) == pure.readings(damaged), damaged


@pytest.mark.parametrize("size", [1, 7, 8, 15, 16, 17, 31, 32, 33, 70])
def test_names_of_any_length_near_the_end(raw_class, size):
    name = "n" * size
    element = b"\x10" + name.encode() + b"\0" + struct.pack("<i", 7)
    for before in range(4):
        data = document_of(*[b"\x0ax\0"] * before, element)
        assert raw_class(data)[name] == 7
        assert name[:-1] not in raw_class(data)
        assert name + "n" not in raw_class(data)
        cut = document_of(*[b"\x0ax\0"] * before, element[:-1])
        assert str(raised(raw_class(cut).__getitem__, "x")) == "invalid length or type code"
        unended = document_of(b"\x10" + name.encode())
        assert str(raised(raw_class(unended).__getitem__, name)) == "field name too large"


def test_every_type_is_stepped_over(bx, raw_class):
    for data in seeds(bson):
        if attempt(bx.decode, data)[0] == "gives":
            wanted = document_of(data[4:-1], b"\x10wanted\0\x05\0\0\0", data[4:-1])
            assert raw_class(wanted)["wanted"] == 5


def test_a_damaged_later_element_is_found(bx, raw_class):
    good = b"\x10a\0\1\0\0\0"
    for bad in (b"\x77b\0", b"\x02b\0\xff\xff\xff\xff", b"\x03b\0\3\0\0\0", b"\x0bb\0x", b"\x10b"):
        raw = raw_class(document_of(good, bad))
        assert type(raised(raw.__getitem__, "a")) is bx.InvalidBSON
        assert type(raised(raw.get, "a")) is bx.InvalidBSON
        assert type(raised(raw.__contains__, "a")) is bx.InvalidBSON


def test_error_offsets(bx, raw_class, raw_options):
    assert raised(raw_class, b"\1").offset == 0
    assert raised(raw_class, b"\6\0\0\0\0").offset == 0
    assert raised(raw_class, b"\5\0\0\0\1").offset == 4
    data = document_of(b"\x0aa\0", b"\x03b\0" + document_of(b"\x10c\0\1"))
    inner = bx.decode(data, raw_options)["b"]
    at = data.index(b"\x10c\0") + 3
    assert raised(inner.__getitem__, "c").offset == at
    assert len(inner.raw) == 9  # now they are bytes of their own, and remember where they were
    assert raised(inner.__getitem__, "c").offset == at
    shifted = bx.decode(memoryview(b"xx" + data)[2:], raw_options)["b"]
    assert raised(shifted.__getitem__, "c").offset == at


# ---- names ----


def test_names_that_are_not_ascii(bx, raw_class):
    raw = raw_class(bx.encode({"\u00e9": 1, "\u4e2d": 2, "\U0001f600": 3, "a": 4}))
    assert [raw[name] for name in ("\u00e9", "\u4e2d", "\U0001f600", "a")] == [1, 2, 3, 4]
    assert "\xe9a" not in raw
    assert "\ud800" not in raw
    lone = raw_class(document_of(b"\x0aa\0", b"\x10\xed\xa0\x80\0\1\0\0\0"))
    assert lone["a"] is None
    error = raised(lone.__getitem__, "\ud800")
    assert type(error) is bx.InvalidBSON
    assert error.offset == 8


def test_names_that_are_no_plain_str(bx, raw_class):
    class Name(str):
        pass

    raw = raw_class(bx.encode({"a": 1}))
    assert raw[Name("a")] == 1
    for name in (5, None, b"a", ("a", "b"), "a\0", "b"):
        error = raised(raw.__getitem__, name)
        assert type(error) is KeyError
        assert error.args == (name,)
        assert raw.get(name) is None
        assert name not in raw
    dict(raw)
    assert raised(raw.__getitem__, ("a", "b")).args == (("a", "b"),)


def test_get_and_contains(bx, raw_class):
    raw = raw_class(bx.encode({"a": None}))
    for _ in range(2):
        assert raw.get("a", 5) is None
        assert raw.get("b", default=5) == 5
        assert raw.get(key="b") is None
        assert "a" in raw
        assert "b" not in raw
        len(raw)  # the second time they look into the decoded fields
    for call in (lambda: raw.get(), lambda: raw.get(1, 2, 3), lambda: raw.get("a", other=1)):
        assert type(raised(call)) is TypeError


def test_an_overridden_getitem_is_what_get_and_contains_ask(bx, raw_class):
    class Shouting(raw_class):
        def __getitem__(self, item):
            if item == "broken":
                raise ValueError(item)
            return super().__getitem__(item.lower())

    raw = Shouting(bx.encode({"a": 1}))
    assert raw["A"] == raw.get("A") == 1
    assert "A" in raw
    assert raw.get("B", 2) == 2
    assert "B" not in raw
    assert type(raised(raw.get, "broken")) is ValueError
    assert type(raised(raw.__contains__, "broken")) is ValueError


def test_a_decoder_that_raises_keyerror(bx, raw_class):
    class Decoder(bx.codec_options.TypeDecoder):
        bson_type = str

        def transform_bson(self, value):
            raise KeyError("inside")

    registry = bx.codec_options.TypeRegistry([Decoder()])
    options = bx.CodecOptions(document_class=raw_class, type_registry=registry)
    raw = raw_class(bx.encode({"a": "x"}), options)
    assert raised(raw.__getitem__, "a").args == ("inside",)
    assert raw.get("a", 7) == 7
    assert "a" not in raw


# ---- construction ----


def test_arguments(bx, raw_class, raw_options):
    data = bx.encode({"a": 1})
    for raw in (
        raw_class(data, raw_options),
        raw_class(bson_bytes=data, codec_options=raw_options),
        raw_class(data, codec_options=None),
    ):
        assert raw["a"] == 1
    for call in (lambda: raw_class(), lambda: raw_class(data, None, 1), lambda: raw_class(x=data)):
        assert type(raised(call)) is TypeError
    assert list(inspect.signature(raw_class).parameters) == ["bson_bytes", "codec_options"]


def test_options_that_do_not_fit(bx, raw_class):
    class Alike:
        document_class = raw_class

    class Other:
        document_class = int

    data = bx.encode({})
    text = "RawBSONDocument cannot use CodecOptions with document class <class '{}'>"
    for wrong, kind, message in (
        (5, AttributeError, "'int' object has no attribute 'document_class'"),
        (Alike(), TypeError, "codec_options must be an instance of CodecOptions"),
        (Other(), TypeError, text.format("int")),
        (bx.CodecOptions(), TypeError, text.format("dict")),
        (bx.CodecOptions(document_class=bx.SON), TypeError, text.format("bsonx.son.SON")),
    ):
        error = raised(raw_class, data, wrong)
        assert (type(error), str(error)) == (kind, message)


def test_data_that_is_no_buffer(raw_class):
    for wrong in (5, "x", None, [1]):
        error = raised(raw_class, wrong)
        assert type(error) is TypeError
        text = f"a bytes-like object is required, not '{type(wrong).__name__}'"
        assert str(error) == (f"memoryview: {text}" if CPYTHON else text)


def test_kinds_of_buffers(bx, raw_class, raw_options):
    import array

    class Bytes(bytes):
        pass

    data = bx.encode({"a": 1, "b": {"c": 2}, "pad": "x" * (-len(bx.encode({"pad": ""})) % 4)})
    spread = bytearray(2 * len(data))
    spread[::2] = data
    buffers = [
        Bytes(data),
        bx.Binary(data),
        bytearray(data),
        array.array("B", data),
        memoryview(data),
        memoryview(data).cast("b"),
        memoryview(data).cast("B", [1, len(data)]),
        memoryview(bytearray(data)),
        memoryview(bytearray(data)).toreadonly(),
        memoryview(spread)[::2],
        memoryview(bytes(spread))[::2],
        memoryview(b"xyz" + data + b"xyz")[3:-3],
    ]
    for buffer in buffers:
        raw = raw_class(buffer)
        assert raw["b"]["c"] == 2
        assert raw.raw == data
        assert type(raw.raw) is bytes


def test_released_views_do_not_matter(bx, raw_class, raw_options):
    data = bx.encode({"a": {"b": 1}})
    view = memoryview(b"x" + data)[1:]
    documents = [raw_class(view), bx.decode(view, raw_options)]
    documents += [documents[1]["a"]]
    view.release()
    assert documents[1]["a"]["b"] == documents[2]["b"] == 1
    assert documents[0].raw == documents[1].raw == data


def test_over(bx, raw_class, raw_options):
    data = bx.encode({"a": 1})
    buffer = b"xx" + data + b"yyy"
    for source in (buffer, memoryview(buffer), memoryview(b"z" + buffer)[1:]):
        raw = raw_class._over(source, 2, 2 + len(data), raw_options)
        assert raw["a"] == 1
        assert raw.raw == data
        assert raw._options is raw_options
    end = len(buffer)
    for start, stop in ((-1, end), (0, end + 1), (5, 4), (end + 1, end + 1), (2**62, 2**62)):
        error = raised(raw_class._over, buffer, start, stop, raw_options)
        assert type(error) is ValueError
        assert str(error) == "the document is outside the data"
    # What lies between the positions is looked at when it is read.
    for start, stop in ((0, 0), (0, 3), (2, 2 + len(data) - 1), (1, end)):
        raw = raw_class._over(buffer, start, stop, raw_options)
        assert type(raised(raw.__getitem__, "a")) is bx.InvalidBSON
        assert type(raised(len, raw)) is bx.InvalidBSON
        assert type(raised(bx.encode, raw)) is bx.InvalidBSON


def test_a_document_without_init(raw_class):
    empty = raw_class.__new__(raw_class)
    for read in (
        lambda: empty["a"],
        lambda: len(empty),
        lambda: empty.raw,
        lambda: empty._options,
        lambda: empty.get("a"),
        lambda: "a" in empty,
        lambda: pickle.dumps(empty),
    ):
        assert type(raised(read)) is AttributeError


def test_init_again(bx, raw_class, raw_options):
    raw = raw_class(bx.encode({"a": 1}))
    assert dict(raw) == {"a": 1}
    assert raw.__init__(bx.encode({"b": 2}), raw_options) is None
    assert dict(raw) == {"b": 2}
    assert raw._options is raw_options
    for wrong in (b"", b"\5\0\0\0\1"):
        assert type(raised(raw.__init__, wrong)) is bx.InvalidBSON
        assert raw["b"] == 2


# ---- subclasses ----


def test_a_subclass_with_its_own_init(bx, raw_class):
    class Mine(raw_class):
        def __init__(self, data, options=None):
            super().__init__(data, options or bx.CodecOptions(document_class=Mine))
            self.made = True

    data = bx.encode({"a": {"b": 1}})
    options = bx.CodecOptions(document_class=Mine)
    assert Mine(data).made
    assert type(Mine(data)["a"]) is Mine
    for source in (data, bytearray(data)):  # what is decoded is made without __init__
        raw = bx.decode(source, options)
        assert type(raw) is Mine
        assert not hasattr(raw, "made")
        assert raw["a"]["b"] == 1


def test_a_subclass_with_its_own_over(bx, raw_class):
    calls = []

    class Mine(raw_class):
        @classmethod
        def _over(cls, data, start, end, codec_options):
            calls.append(bytes(data[start:end]))
            return super()._over(data, start, end, codec_options)

    class Derived(Mine):
        pass

    data = bx.encode({"a": {"b": 1}})
    inner = bx.encode({"b": 1})
    for kind, source in itertools.product((Mine, Derived), (data, memoryview(b"x" + data)[1:])):
        calls.clear()
        raw = bx.decode(source, bx.CodecOptions(document_class=kind))
        assert type(raw) is type(raw["a"]) is kind
        assert raw["a"]["b"] == 1
        assert calls == [data, inner, inner]


def test_a_subclass_with_its_own_raw(bx, raw_class):
    other = bx.encode({"other": 1})

    class Mine(raw_class):
        @property
        def raw(self):
            return other

    mine = Mine(bx.encode({"a": 1}))
    assert bx.encode(mine) == other
    assert bx.decode(bx.encode({"x": mine})) == {"x": {"other": 1}}
    assert pickle.loads(pickle.dumps(raw_class(other))) == mine


def test_a_subclass_with_its_own_defaults(bx, raw_class):
    class Mine(raw_class):
        _default_options = bx.CodecOptions(document_class=raw_class, tz_aware=True)

    raw = Mine(bx.encode({"a": bx.DatetimeMS(0)}))
    assert raw["a"].tzinfo is bx.utc
    assert raw._options is Mine._default_options


def test_a_subclass_with_attributes(bx, raw_class):
    class Mine(raw_class):
        pass

    raw = Mine(bx.encode({"a": 1}))
    raw.attribute = raw
    assert raw.attribute["a"] == 1
    del raw
    gc.collect()


def test_an_abstract_subclass_cannot_be_made(bx, raw_class):
    import abc

    class Abstract(raw_class):
        @abc.abstractmethod
        def method(self): ...

    data = bx.encode({"a": 1})
    options = bx.CodecOptions(document_class=Abstract)
    for call in (
        lambda: Abstract(data),
        lambda: Abstract._over(data, 0, len(data), options),
        lambda: bx.decode(data, options),
        lambda: bx.decode(bytearray(data), options),
    ):
        assert type(raised(call)) is TypeError


def test_it_is_a_mapping(bx, raw_class):
    raw = raw_class(bx.encode({"a": 1}))
    assert isinstance(raw, Mapping)
    match raw:
        case {"a": value}:
            assert value == 1
        case _:
            pytest.fail("a raw document does not match a mapping pattern")


# ---- pickles and copies ----


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("way", list(itertools.product(("c", "py"), repeat=2)), ids="-to-".join)
def test_pickles_cross_implementations(protocol, way):
    value = {"a": 1, "inner": {"x": [1, {"y": 2}]}}
    writer, reader = (tree(name) for name in way)
    with writer.active() as package:
        options = package.CodecOptions(
            document_class=package.raw_bson.RawBSONDocument, tz_aware=True
        )
        raw = package.decode(package.encode(value), options)
        data = pickle.dumps([raw, raw["inner"], raw], protocol)
        expected = raw.raw, raw["inner"].raw
    assert b"_native" not in data
    with reader.active() as package:
        first, inner, again = pickle.loads(data)
        assert type(first) is type(inner) is package.raw_bson.RawBSONDocument
        assert again is first
        assert (first.raw, inner.raw) == expected
        assert first["inner"]["x"][1]["y"] == 2
        assert first._options == package.CodecOptions(document_class=type(first), tz_aware=True)


def test_the_state_of_pickles(bx, raw_class, raw_options):
    data = bx.encode({"a": 1})
    raw = raw_class(data, raw_options)
    state = raw.__getstate__()
    assert state == (data, raw_options)
    clone = raw_class.__new__(raw_class)
    clone.__setstate__(list(state))
    assert clone == raw
    for wrong in (5, (), (b"",), (data, 5), (data, raw_options, 1)):
        raised(raw_class.__new__(raw_class).__setstate__, wrong)


def test_copies(bx, raw_class, raw_options):
    raw = bx.decode(bx.encode({"a": {"b": [1]}}), raw_options)
    len(raw)
    for clone in (copy.copy(raw), copy.deepcopy(raw), copy.deepcopy([raw["a"]])[0]):
        assert type(clone) is raw_class
        assert clone.raw in (raw.raw, raw["a"].raw)
        assert clone._options == raw_options


# ---- encoding ----


def _peak(call, *args):
    """What a call returns, and how many bytes it needed at once."""
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy has not
    tracemalloc.start()
    try:
        return call(*args), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_views_are_encoded(bx, raw_options):
    large = bx.encode({"a": {"text": "x" * 1_000_000}, "b": 1})
    expected = bx.encode({"text": "x" * 1_000_000})
    view, own = (bx.decode(large, raw_options)["a"] for _ in range(2))
    assert own.raw == expected
    encoded, needed = _peak(bx.encode, {"k": view})
    _, least = _peak(bx.encode, {"k": own})
    assert encoded[7:-1] == bx.encode(view) == expected
    if bx.has_c():  # the bytes of a view are copied once, to where they go
        assert needed < least + 100_000
    listed = bx.encode({"list": [view, own]})
    assert listed == bx.encode({"list": [bx.decode(expected)] * 2})


# ---- threads ----


def test_threads_that_read_and_replace_the_buffer(bx, raw_class, raw_options):
    inner = {"n": 5, "text": "t" * 50, "deep": {"m": 6}}
    data = bx.encode({"pad": "p" * 100, "inner": inner, "last": 1})
    rounds = 30 if bx.has_c() else 5
    failures = []

    def work(documents, barrier):
        for document in documents:
            barrier.wait()
            for step in (
                lambda d: d["n"] == 5,
                lambda d: d["deep"]["m"] == 6,
                lambda d: d.raw == bx.encode(inner),
                lambda d: len(d) == 3,
                lambda d: d.get("text") == "t" * 50,
                lambda d: bx.encode(d) == d.raw,
                lambda d: d.__init__(d.raw, d._options) is None,
                lambda d: dict(d)["n"] == 5,
            ):
                try:
                    if not step(document):
                        failures.append("a wrong value")
                except Exception as exc:
                    failures.append(exc)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        documents = [bx.decode(data, raw_options)["inner"] for _ in range(rounds)]
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=work, args=(documents, barrier)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures


def test_a_type_decoder_that_replaces_the_buffer(bx, raw_class):
    """What is being read stays, whatever the code that is called in between does."""
    documents = []

    class Decoder(bx.codec_options.TypeDecoder):
        bson_type = int

        def transform_bson(self, value):
            documents[0].__init__(bx.encode({"other": "x"}))
            return value + 1

    registry = bx.codec_options.TypeRegistry([Decoder()])
    options = bx.CodecOptions(document_class=raw_class, type_registry=registry)
    data = bx.encode({"a": 1, "b": 2, "c": 3})
    for read in (lambda d: d["b"], lambda d: list(d._inflate().values())[1]):
        documents[:] = [bx.decode(bytes(bytearray(data)), options)]
        assert read(documents[0]) == 3


# ---- memory ----


def _memory_after(work):
    """Bytes that are still held after a piece of work and what it returned."""
    tracemalloc = pytest.importorskip("tracemalloc")
    work()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = work()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        del kept
        return after - before
    finally:
        tracemalloc.stop()


def test_the_buffer_is_freed_with_its_last_view(bx, raw_class, raw_options):
    def part():
        big = {"x": "x" * 600_000, "b": 1}
        return bx.decode(bx.encode({"big": "x" * 400_000, "a": big}), raw_options)["a"]

    def narrowed():
        inner = part()
        assert inner.raw
        return inner

    def inflated():
        inner = part()
        assert inner.raw
        return dict(inner)

    assert _memory_after(lambda: None) < 100_000
    assert _memory_after(part) > 900_000
    assert _memory_after(narrowed) < 700_000
    assert _memory_after(inflated) < 700_000
    assert _memory_after(lambda: part()["b"]) < 100_000


def test_a_small_part_does_not_keep_its_batch(bx, raw_class, raw_options):
    holder = dataclasses.make_dataclass("Holder", [("sub", raw_class)])
    document = bx.encode({"sub": {"z": {"y": 1}}, "list": [{"z": 1}], "pad": "x" * 2000})
    batch = [
        lambda: bx.decode_all(document * 500, raw_options)[7],
        lambda: bx.decode_all(document * 500, raw_options)[7]["sub"],
        lambda: bx.decode_all(document * 500, raw_options)[7]["sub"]["z"],
        lambda: bx.decode_all(document * 500, raw_options)[7]["list"][0],
        lambda: bx.decode_all(document * 500, type=holder)[7],
        lambda: raw_class._over(document * 500, 0, len(document), raw_options)["sub"],
        lambda: raw_class(memoryview(document * 500)[: len(document)])["sub"],
        lambda: dict(raw_class(memoryview(document * 500)[: len(document)]))["sub"],
        lambda: _in_reply(bx, document * 500, raw_options)["documents"][7]["sub"],
    ]
    for kept in batch:
        assert _memory_after(kept) < 100_000


def _in_reply(bx, documents, options):
    op_msg = importlib.import_module("bsonx.op_msg")
    body = bx.encode({"ok": 1})
    section = struct.pack("<i", 14 + len(documents)) + b"documents\0" + documents
    payload = struct.pack("<I", 0) + b"\0" + body + b"\1" + section
    message = struct.pack("<iiii", 16 + len(payload), 1, 0, 2013) + payload
    return op_msg.decode_message(message, options, frozenset({"documents"}))[1]


def test_offsets_in_copied_parts_count_from_the_start_of_the_input(bx, raw_class, raw_options):
    pad = {"pad": "x" * 5000}
    inner = {"deep": [{"deeper": {"c": 5, **pad}, **pad}], **pad}
    data = bytearray(bx.encode({**pad, "a": inner}) * 3)
    where = data.rindex(b"\x10c\0")
    data[where] = 0x55
    for convert in (lambda raw: raw, lambda raw: raw.raw and raw):
        outer = convert(bx.decode_all(bytes(data), raw_options)[2])
        deep = convert(convert(outer["a"])["deep"][0])
        assert raised(convert(deep["deeper"]).__getitem__, "c").offset == where
        assert raised(deep["deeper"]._inflate).offset == where


def test_a_nested_error_of_the_users_keeps_its_offset(bx, raw_class):
    class Nested(bx.codec_options.TypeDecoder):
        bson_type = bytes

        def transform_bson(self, value):
            return bx.decode(value)

    registry = bx.codec_options.TypeRegistry([Nested()])
    options = bx.CodecOptions(document_class=raw_class, type_registry=registry)
    data = bx.encode({"pad": "x" * 5000, "a": {"b": b"\5\0\0\0\1"}})
    assert raised(bx.decode(data, options)["a"].__getitem__, "b").offset == 4


def _read_in_many_ways(bx, raw_class, raw_options, source, data):
    for raw in (raw_class(source), bx.decode(source, raw_options)):
        assert raw["a"]["b"] == 1
        assert raw.raw == data
        assert bx.encode(raw["a"])
        assert dict(raw.items())["c"] == 2
        assert "x" not in raw
        raised(raw.__getitem__, "x")
    raised(raw_class, source, bx.CodecOptions())
    raised(raw_class._over, source, 1, 500, raw_options)


@pytest.mark.skipif(not CPYTHON, reason="PyPy counts no references")
def test_no_reference_to_the_buffer_is_left(bx, raw_class, raw_options):
    data = bx.encode({"a": {"b": 1}, "c": 2})
    before = sys.getrefcount(data)
    for _ in range(20):
        _read_in_many_ways(bx, raw_class, raw_options, data, data)
        _read_in_many_ways(bx, raw_class, raw_options, memoryview(data), data)
    gc.collect()
    assert sys.getrefcount(data) == before


def test_cycles_are_collected(bx, raw_class):
    """A document that its own options refer to, once the codec has forgotten the options."""

    class Fallback:
        def __call__(self, value):
            raise TypeError(value)

    def make():
        fallback = Fallback()
        registry = bx.codec_options.TypeRegistry(fallback_encoder=fallback)
        options = bx.CodecOptions(document_class=raw_class, type_registry=registry)
        fallback.document = raw_class(bx.encode({"a": {"b": 1}}), options)
        assert fallback.document["a"]["b"] == 1
        assert len(fallback.document) == 1
        return weakref.ref(fallback)

    references = [make() for _ in range(20)]
    for number in range(300):
        options = bx.CodecOptions(
            tzinfo=datetime.timezone(datetime.timedelta(minutes=number)), tz_aware=True
        )
        bx.decode(bx.encode({}), options)
    gc.collect()
    assert [reference() for reference in references] == [None] * 20


def _least_growth(work):
    """The least growth of memory, in blocks, of three rounds of calls after a warm-up."""
    marks = []
    for count in (60, 50, 50, 50):
        for _ in range(count):
            work()
        gc.collect()
        marks.append(sys.getallocatedblocks())
    return min(after - before for before, after in itertools.pairwise(marks))


@pytest.mark.skipif(not CPYTHON, reason="PyPy counts no memory blocks")
def test_nothing_is_left_behind(bx, raw_class, raw_options):
    data = bx.encode({"a": {"b": [1, {"c": 2}]}, "\u00e9": "x", "d": bx.Code("f", {"s": 1})})
    broken = document_of(b"\x10a\0\1\0\0\0", b"\x77b\0")
    replace = bx.CodecOptions(document_class=raw_class, unicode_decode_error_handler="replace")

    class Mine(raw_class):
        pass

    mine = bx.CodecOptions(document_class=Mine)

    def work():
        for choice in (raw_options, replace, mine):
            for source in (data, bytearray(data), memoryview(b"x" + data)[1:]):
                raw = bx.decode(source, choice)
                for name in ("a", "\u00e9", "d", "missing", 5):
                    attempt(lambda d=raw, n=name: d[n])
                    raw.get(name)
                assert raw["a"]["b"][1]["c"] == 2
                assert raw.raw == bx.encode(raw) == data
                assert list(raw) == list(dict(raw))
                copy.copy(raw["a"])
            attempt(lambda c=choice: raw_class(broken, c)["a"])
            attempt(lambda c=choice: raw_class(broken, c).get("a"))
            attempt(lambda c=choice: dict(raw_class(broken, c)))
        for wrong in (b"", b"\5\0\0\0\1", 5, data[:-1]):
            attempt(raw_class, wrong)
        attempt(raw_class, data, 5)
        attempt(raw_class, data, bx.CodecOptions())
        attempt(raw_class._over, data, 5, 4, raw_options)
        attempt(raw_class._over, data, 0, 5, 5)
        attempt(raw_class.__new__(raw_class).__setstate__, (b"",))

    assert _least_growth(work) < 25
