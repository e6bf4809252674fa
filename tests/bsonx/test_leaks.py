"""Encoding, decoding and the types, used well or badly, leave nothing behind.

A lost object is seen as a memory block, a lost reference to an object that lives on (a class, a
cached key, a small int) by the sums of reference counts.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import functools
import gc
import importlib
import itertools
import pickle
import re
import statistics
import sys
import types
import typing
import uuid

import bson.raw_bson
import fuzz_targets
import pytest
from mutate import mutations
from test_fuzz_corpus import inputs_of

from implementations import tree

msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")

ROUND = 40  # calls; what is lost in each of them counts as many
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        sys.getallocatedblocks() == 0, reason="the memory allocator in use does not count"
    ),
]


@pytest.fixture
def bx():
    """The extension: pure Python has no references to lose."""
    with tree("c").active() as package:
        yield package


@pytest.fixture
def side(bx):
    return fuzz_targets.Side()


def attempt(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        return


LASTING = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, enum.Enum)
_lasting = []


@pytest.fixture(scope="module", autouse=True)
def settled():
    """Put aside what lives already: with a large suite in memory a collection takes long.

    Of that the codec can only have classes, functions, modules, and values of its own.
    """
    gc.unfreeze()  # that is where tests are kept (conftest.py)
    gc.collect()
    _lasting[:] = [
        one
        for one in gc.get_objects()
        if isinstance(one, LASTING) or type(one).__module__.startswith("bsonx")
    ]
    leaves()
    gc.freeze()
    yield
    leaves.cache_clear()
    _lasting.clear()
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@functools.cache
def leaves():
    """Objects that live long and have no references themselves: strings, numbers, ...

    Those of classes, functions and modules, and those in their dictionaries and tuples.
    """
    gc.collect()
    # CPython before 3.12.6 gives out freed objects of _asyncio's (gh-122695), and puts them among
    # the free ones again: a collection may go round in them for ever. Its classes refer to it.
    asked = [thing for thing in _lasting if thing is not sys.modules.get("_asyncio")]
    held = [one for one in gc.get_referents(*asked) if not isinstance(one, types.ModuleType)]
    found = [*held, *gc.get_referents(*held), *range(-5, 257), NotImplemented, Ellipsis]
    return list({id(one): one for one in found if not gc.is_tracked(one)}.values())


def counts(watched):
    """Memory blocks; references to leaves and watched objects, and to those that have any."""
    gc.collect()
    # It keeps a reference to each attribute's name for each version that a class has had.
    getattr(sys, "_clear_internal_caches", getattr(sys, "_clear_type_cache", int))()
    return [
        sys.getallocatedblocks(),
        sum(map(sys.getrefcount, leaves())) + sum(map(sys.getrefcount, watched)),
        sum(map(sys.getrefcount, _lasting)) + sum(map(sys.getrefcount, gc.get_objects())),
    ]


def rounds(work, watched):
    """Yield by how much the counts grow in one round of calls after the other."""
    before = counts(watched)
    while True:
        for _ in range(ROUND):
            work()
        after = counts(watched)
        yield [b - a for a, b in zip(before, after, strict=True)]
        before = after


def growth(work, watched=()):
    """Return by how much the counts grew: in the last of two steady rounds in a row, else usually.

    CPython's own caches fill up in the first rounds; what is lost in each call grows in all twelve,
    though what else lives in the process may hide it in one of them.
    """
    seen = []
    for grown in itertools.islice(rounds(work, watched), 12):
        seen.append(grown)
        if len(seen) > 1 and all(max(one) < ROUND // 2 for one in seen[-2:]):
            return grown
    return [statistics.median(column) for column in zip(*seen, strict=True)]


def assert_no_growth(work, watched=()):
    found = growth(work, watched)
    assert max(found) < ROUND // 2, found


def assert_nothing_adds_up(work, watched=(), most=38):
    """As assert_no_growth, for work that changes classes.

    CPython's tables of classes shrink and grow by hundreds of blocks, and come back to where they
    were. What is lost in each call adds up.
    """
    total = [0, 0, 0]
    for count, grown in enumerate(itertools.islice(rounds(work, watched), 2, 2 + most), 1):
        total = [a + b for a, b in zip(total, grown, strict=True)]
        if count >= 15 and max(total) < count * ROUND // 2:
            break
    assert max(total) < count * ROUND // 2, (count, total)


def test_a_lost_reference_is_seen():
    kept = []
    marker = object()

    assert growth(lambda: kept.append(object()))[0] >= ROUND // 2
    with pytest.raises(AssertionError):
        assert_nothing_adds_up(lambda: kept.append(object()), most=16)
    assert growth(lambda: kept.append(marker), [marker])[1] >= ROUND // 2
    assert growth(lambda: kept.append(pytest))[2] >= ROUND // 2


# How many bytes of an input come before the data.
PREFIXES = {**dict.fromkeys(fuzz_targets.GROUPS, 2), "typed": 3}


def inputs_with_damage(group):
    """Seeds of the fuzzer, and damaged ones whose outer length is mostly right."""
    found = inputs_of(group)
    prefix = PREFIXES[group]
    by_head = {}
    for data in found:
        by_head.setdefault(data[:prefix], []).append(data[prefix:])
    for number, (head, corpus) in enumerate(by_head.items()):
        found += [head + data for data in mutations(number, 200 // len(by_head), corpus)]
    return found


@pytest.mark.parametrize("group", fuzz_targets.GROUPS)
def test_the_seeds_of_the_fuzzer(side, group):
    """Every entry point with every type, and its errors."""
    inputs = inputs_with_damage(group)

    def work():
        for data in inputs:
            attempt(fuzz_targets.call, side, group, data)

    keys = list(side.bx.decode(side.bx.encode({"a": 1, "a name of more than 15 bytes": 2})))
    assert_no_growth(work, [*side.options, *side.json_options, *keys])


CONSTRUCTED = (
    "ObjectId()",
    "ObjectId('0123456789abcdef01234567')",
    "ObjectId(b'0123456789ab')",
    "ObjectId('short')",
    "ObjectId(5)",
    "ObjectId.from_datetime(datetime.datetime(2020, 1, 1))",
    "ObjectId.from_datetime(5)",
    "ObjectId.from_datetime(datetime.datetime(1900, 1, 1))",
    "ObjectId.from_datetime(datetime.datetime(9000, 1, 1))",
    "ObjectId('g' * 24)",
    "Timestamp(1, 2)",
    "Timestamp(True, 2)",
    "Timestamp(datetime.datetime(2020, 1, 1), 2)",
    "Timestamp(-1, 2)",
    "Timestamp(1, 2**32)",
    "Timestamp('1', 2)",
    "Decimal128('1.50')",
    "Decimal128('NaN')",
    "Decimal128('1E+7000')",
    "Decimal128('x')",
    "Decimal128((2**63, 2))",
    "Decimal128((1, 'x'))",
    "Decimal128((1,))",
    "Decimal128(decimal.Decimal('1.5'))",
    "Decimal128(5)",
    "Decimal128.from_bid(bytes(16))",
    "Decimal128.from_bid(b'')",
    "DatetimeMS(5)",
    "DatetimeMS(2**62)",
    "DatetimeMS(2**70)",
    "DatetimeMS(datetime.datetime(2020, 1, 1))",
    "DatetimeMS('5')",
    "Regex('a.b', 'im')",
    "Regex(b'a', 2)",
    "Regex(5)",
    "Regex.from_native(re.compile('a', re.I))",
    "Int64(5)",
    "Int64('x')",
    "Binary(b'x', 5)",
    "Binary(b'x', 500)",
    "Code('f', {'a': 1})",
    "DBRef('c', ObjectId(), 'd', x=[1])",
    "MinKey()",
    "MaxKey()",
    "SON([('b', 1)])",
)


def uses_of(value):
    """Functions of one argument that have all been tried with a value by `use`."""
    yield from (repr, str, hash, copy.copy, copy.deepcopy, bool, bytes, int)
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        yield lambda v, protocol=protocol: pickle.loads(pickle.dumps(v, protocol))
    for other in (value, copy.copy(value), 5, None):
        for compare in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
            yield lambda v, other=other, compare=compare: getattr(type(v), compare)(v, other)
    for name in ("as_datetime", "to_decimal", "try_compile", "__getstate__", "as_doc"):
        yield lambda v, name=name: getattr(v, name)()
    for name in ("binary", "generation_time", "bid", "time", "inc", "_value", "__dict__"):
        yield lambda v, name=name: getattr(v, name)
    for state in (None, 5, b"", {"_ObjectId__id": b"x"}, (1,)):
        yield lambda v, state=state: copy.copy(v).__setstate__(state)


def made(bx, text):
    """The code that makes a value, the names for it, the value and its uses."""
    names = {**vars(bx), "datetime": datetime, "decimal": decimal, "re": re}
    code = compile(text, "test", "eval")
    try:
        value = eval(code, names)
    except Exception:
        return code, names, None, []
    return code, names, value, list(uses_of(value))


@pytest.mark.parametrize("part", range(4))
def test_types(bx, part):
    cases = [made(bx, text) for text in CONSTRUCTED[part::4]]

    def work():
        for code, names, value, uses in cases:
            attempt(eval, code, names)
            for use in uses:
                attempt(use, value)

    assert_no_growth(work, [value for _, _, value, _ in cases])


class NewOffset(datetime.tzinfo):
    """A zone that makes its offset anew each time, or gives what is none."""

    def __init__(self, offset):
        self.offset = offset

    def utcoffset(self, moment):
        return self.offset if self.offset is None else datetime.timedelta(0, 7201)

    def dst(self, moment):
        return None


class Marked:
    """An object that says it is of a BSON type, with attributes as given."""

    def __init__(self, marker, **attributes):
        self._type_marker = marker
        vars(self).update(attributes)

    def __int__(self):
        return 2**40

    def as_doc(self):
        return types.MappingProxyType({"$ref": "c" * 20, "$id": 2**40})


class MarkedText(str):
    _type_marker = 13
    scope = types.MappingProxyType({"a": 2**40})


def unusual_values():
    """Values that take the longer ways of the encoder, and ones that it refuses there."""
    moment = datetime.datetime(2020, 1, 1)
    foreign = [bson.Binary(b"x", 128), bson.Timestamp(1, 2), bson.Decimal128("1"), bson.Int64(5)]
    foreign += [bson.Regex("a", "i"), bson.DatetimeMS(5), bson.Code("f", {"a": 1}), bson.MinKey()]
    foreign += [bson.ObjectId(), bson.DBRef("c", 1, x=2), bson.SON(a=1), bson.Code("f")]
    foreign.append(bson.raw_bson.RawBSONDocument(bson.encode({"a": 1})))
    marked = [Marked(number) for number in (5, 7, 9, 11, 13, 17, 18, 19, 100, 101, 127, 255, 99)]
    marked += [
        Marked(7, binary=bytes(12)),
        Marked(7, binary=b"short"),
        Marked("7"),
        MarkedText("f"),
    ]
    marked += [Marked(17, time=2**31, inc=300), Marked(17, time="x", inc=1), Marked(17, inc=2**40)]
    marked += [Marked(19, bid=bytes(16)), Marked(11, pattern=b"a\xff", flags=0), Marked(101, raw=5)]
    marked += [Marked(11, pattern=b"ab" * 9, flags=300), Marked(101, raw=b"not a document")]
    marked += [Marked(13, scope={}), Marked(5, subtype="x"), Marked(5, subtype=300)]
    return [
        *foreign,
        *marked,
        *(moment.replace(tzinfo=NewOffset(offset)) for offset in (None, 5)),
        uuid.UUID(int=2**100),
        re.compile(b"a.b" * 9, re.I),
        re.compile("a.b" * 9, re.M | re.X),
        types.MappingProxyType({"b" * 30: 2**40, "_id": 2**41, "c" * 30: {}}),
        collections.OrderedDict(b="x" * 30, a=2**40),
        decimal.Decimal("1.5"),
        datetime.date(2020, 1, 1),
        {1, 2},
        "\ud800",
        2**70,
    ]


def test_unusual_values(bx):
    sets = [
        bx.CodecOptions(uuid_representation=4),
        bx.CodecOptions(uuid_representation=5),
        bx.CodecOptions(profile="python"),
        bx.CodecOptions(),
    ]
    values = unusual_values()
    documents = [*({"a": [{"b": value}]} for value in values), *values]

    def work():
        for options in sets:
            for document in documents:
                attempt(bx.encode, document, False, options)
        attempt(bx.encode, documents, False)

    assert_no_growth(work, [*sets, *values])


def test_unusual_values_as_json(bx):
    json_util = importlib.import_module("bsonx.json_util")
    sets = [json_util.JSONOptions(json_mode=n % 3, uuid_representation=n) for n in (3, 4, 5)]
    values = [*unusual_values(), Marked(5), {1: Marked(9)}, {(1, 2): 3}, float("nan"), "\u00e9" * 9]

    def work():
        for options, value in itertools.product(sets, values):
            attempt(json_util.dumps, [value], json_options=options)
            attempt(json_util.dumps, value, json_options=options, indent=1, sort_keys=True)

    assert_no_growth(work, [*sets, *values])


class Foreign:
    """A raw document class that is not ours."""

    _type_marker = 101

    def __init__(self, data, options):
        self.raw = data


def raw_classes(bx):
    raw = importlib.import_module("bsonx.raw_bson").RawBSONDocument

    class Own(raw):
        @classmethod
        def _over(cls, data, start, end, options):
            return cls(bytes(data[start:end]), options)

    class Refusing(raw):
        @classmethod
        def _over(cls, data, start, end, options):
            raise LookupError("no")

    return raw, Own, Foreign, Refusing


def test_options_of_decoding(bx):
    """Everything that the types do not show: zones, raw documents, buffers, long arrays."""
    east = datetime.timezone(datetime.timedelta(hours=3))
    sets = [bx.CodecOptions(document_class=raw) for raw in raw_classes(bx)]
    for zone in (east, NewOffset(5), NewOffset(None)):
        sets.append(bx.CodecOptions(tz_aware=True, tzinfo=zone, datetime_conversion=4))
        sets.append(bx.CodecOptions(tz_aware=True, tzinfo=zone, datetime_conversion=2))
    moments = [datetime.datetime(2020, 1, 1), bx.DatetimeMS(2**60), bx.DatetimeMS(-(2**60))]
    value = {"a": [*moments, *({"b": i, "c": "text" * i} for i in range(150))], "d": {"e": {}}}
    good = bx.encode(value)
    inputs = [good, good.replace(b"\x10b", b"\x55b"), good.replace(b"\x02c", b"\x07c"), good[:-9]]

    def work():
        for options, data in itertools.product(sets, inputs):
            for form in (data, bytearray(data), memoryview(data), memoryview(b"xx" + data)[2:]):
                attempt(lambda o=options, f=form: list(bx.decode(f, o).items()))
                attempt(bx.decode_all, form, options)

    assert_no_growth(work, sets)


def fail(*args):
    raise LookupError("no")


class Failing(dict):
    def __setitem__(self, key, value):
        raise LookupError("no")

    def items(self):
        raise LookupError("no")


def converters(bx):
    """Options whose conversions work, and options whose conversions fail."""
    from bsonx import codec_options

    encoder = type("E", (codec_options.TypeEncoder,), {"python_type": complex})
    decoder = type("D", (codec_options.TypeDecoder,), {"bson_type": int})
    for convert in (lambda self, value: 5, fail):
        encoder.transform_python = decoder.transform_bson = convert
        one = type("E", (encoder,), {"transform_python": convert})()
        two = type("D", (decoder,), {"transform_bson": convert})()
        for fallback in (None, lambda value: str(value), fail):
            registry = codec_options.TypeRegistry([one, two], fallback_encoder=fallback)
            yield bx.CodecOptions(type_registry=registry)


def test_conversions(bx):
    options = list(converters(bx))
    documents = [{"a": 1j}, {"a": [{"b": 1j}]}, {"a": fail}, {"a": 5}, {5: 5}, {"_id": fail}]
    stored = bx.encode({"a": 5, "b": [5, {"c": 5}]})

    def work():
        for choice in options:
            for document in documents:
                attempt(bx.encode, document, codec_options=choice)
            attempt(bx.decode, stored, choice)
            attempt(bx.decode_all, stored * 2, choice)

    assert_no_growth(work, options)


def test_mappings_that_fail(bx):
    options = bx.CodecOptions(document_class=Failing)
    stored = bx.encode({"a": {"b": 5}})
    awkward = [Failing(a=1), {"a": Failing(a=1)}, {"a": [Failing(a=1)]}]

    def work():
        attempt(bx.decode, stored, options)
        for document in awkward:
            attempt(bx.encode, document)
            attempt(bx.encode, document, True)
        attempt(bx.encode, 5)
        attempt(bx.encode, {}, codec_options=None)
        attempt(bx.decode, 5)
        attempt(bx.decode, stored, 5)
        attempt(bx.decode, stored, type=5)

    assert_no_growth(work, [options, Failing])


def test_buffers_are_released(bx):
    stored = bytearray(bx.encode({"a": [5, "x" * 20]}))
    broken = bytearray(stored)
    broken[8] = 0x55
    for data in (stored, broken):
        for function in (bx.decode, bx.decode_all):
            attempt(function, data)
            attempt(function, data, bx.CodecOptions(unicode_decode_error_handler="none"))
        data += b"\0"  # BufferError if one of them still had it


def test_keys_come_and_go(bx):
    """The key cache forgets; once it is full nothing grows."""
    number = itertools.count()

    def work():
        for size in (1, 12, 40):
            bx.decode(bx.encode({f"{next(number):0{size}}": 1 for _ in range(600)}))

    for _ in range(30):
        work()
    assert_no_growth(work)


def test_options_come_and_go(bx):
    """More options than are kept compiled."""
    stored = bx.encode({"a": "text"})
    registries = [options.type_registry for options in converters(bx)]
    handlers = ("strict", "replace", "ignore")

    def work():
        for registry, handler in itertools.product(registries, handlers):
            options = bx.CodecOptions(bx.SON, True, 4, handler, type_registry=registry)
            bx.encode(bx.decode(stored, options), codec_options=options)
        for wrong in (bx.CodecOptions(uuid_representation=4)[:3], 5, None, object()):
            attempt(bx.encode, {}, False, wrong)
            attempt(bx.decode, stored, wrong)

    assert_no_growth(work, [bx.SON, *registries])


def make_kinds():
    """New classes of the kinds that typed documents have."""
    model = pydantic.create_model("Model", a=(int, ...))
    struct = msgspec.defstruct("Struct", [("a", int)])
    data = dataclasses.make_dataclass("Data", [("a", int)])
    return [model, struct, data, typing.NamedTuple("Pair", [("a", int)])]


def test_typed_documents(bx):
    kinds = make_kinds()
    good, bad = bx.encode({"a": 1}), bx.encode({"a": "x", "b": [1, {"c": 2}]})

    def work():
        for kind in kinds:
            attempt(lambda kind=kind: bx.encode(bx.decode(good, type=kind)))
            attempt(bx.decode, good[:-1], type=kind)
            attempt(bx.decode, bad, type=kind)
            attempt(bx.decode_all, good * 3 + bad, type=kind)
            attempt(bx.decode, bx.encode({"b": 1}), type=kind)

    assert_no_growth(work, kinds)


def instances():
    """Instances whose attributes are read in every way, and such as cannot be encoded."""

    class Dumped(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: typing.Annotated[int, pydantic.PlainSerializer(lambda a: [a])] = 1
        b: typing.Any = None

        @pydantic.computed_field
        @property
        def c(self) -> int:
            return 5

    class Whole(pydantic.BaseModel):
        a: typing.Any = None

        @pydantic.model_serializer
        def whole(self):
            return {"a": self.a}

    class Tagged(msgspec.Struct, tag="t", omit_defaults=True):
        a: typing.Any = None
        b: list = []

    slots = dataclasses.make_dataclass("Slots", [("a", typing.Any)], slots=True)
    data = dataclasses.make_dataclass("Data", [("a", typing.Any), ("b", int, 7)])
    wrong = dataclasses.field(metadata={"bson": "a\0"})
    wrong_key = dataclasses.make_dataclass("Wrong", [("a", int, wrong)])
    for value in (None, "x", [1], collections.deque([1]), {"a": {1}}, object()):
        yield Dumped(b=value, more=value)
        yield Whole(a=value)
        yield Tagged(value, [1])
        yield slots(value)
        yield data(value)
    vars(data(1))
    no_slot, no_entry = slots(1), data(1)
    del no_slot.a, no_entry.a, no_entry.b
    yield from (no_slot, no_entry, wrong_key(1), pydantic.RootModel[typing.Any](5))


def test_instances(bx):
    values = list(instances())
    changing = type(values[4])

    def work():
        for value in values:
            attempt(bx.encode, value)
            attempt(bx.encode, {"a": [value, value]})
            attempt(bx.encode, value, check_keys=True)
        changing.b = property(lambda self: 5, lambda self, value: None)
        bx.encode(values[4])
        changing.b = 7
        bx.encode(values[4])

    assert_nothing_adds_up(work, {type(value) for value in values})


def test_classes_come_and_go(bx):
    stored = bx.encode({"a": 1})

    def work():
        for kind in make_kinds():
            bx.encode(bx.decode(stored, type=kind))

    assert_nothing_adds_up(work)


def test_object_ids_for_a_batch(bx):
    from bsonx import op_msg

    limits = {"max_count": 9, "max_document_size": 99, "max_message_size": 999}

    def work(name="documents", **changes):
        given = {**limits, **changes}
        documents = [{"a": 1}, {"_id": 5}, [], {"a": "x" * 90}]
        for last in (2, 3, 4):
            arguments = (7, 0, {"insert": "c"}, name, documents[:last], 0, bx.CodecOptions())
            attempt(op_msg.encode_batch, *arguments, add_ids=True, ids=[], **given)
            attempt(op_msg.encode_batch, *arguments, **{**given, "max_document_size": 5})
        attempt(op_msg.encode_message, 7, 0, {"a": 1}, bx.CodecOptions())
        attempt(op_msg.encode_message, 7, 0, {"a": fail}, bx.CodecOptions())
        attempt(op_msg.message_header, bytes(5))
        attempt(op_msg.message_header, bytes(16))

    assert_no_growth(work)
