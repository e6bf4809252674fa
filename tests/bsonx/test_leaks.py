"""Encoding, decoding and the types, used well or badly, leave nothing behind.

A lost object is seen as a memory block, a lost reference to an object that lives on (a class, a
cached key, None) by the sums of reference counts.
"""

from __future__ import annotations

import copy
import dataclasses
import gc
import itertools
import pickle
import sys
import typing

import fuzz_targets
import msgspec
import pydantic
import pytest
from mutate import mutations
from test_fuzz_corpus import inputs_of

from implementations import tree

ROUND = 40  # calls; what is lost in each of them counts as many
SHARED = (None, NotImplemented, True, False, 0, 1, 5, "", "a", b"", b"a", ())


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


def counts(watched):
    """Memory blocks, and references to the watched objects and to all that have any themselves."""
    gc.collect()
    objects = gc.get_objects()
    return [
        sys.getallocatedblocks(),
        sum(map(sys.getrefcount, watched)),
        sum(map(sys.getrefcount, objects)),
    ]


def rounds(work, watched):
    """Yield by how much the counts grow in one round of calls after the other."""
    watched = [*SHARED, *watched]
    before = counts(watched)
    while True:
        for _ in range(ROUND):
            work()
        after = counts(watched)
        yield [b - a for a, b in zip(before, after, strict=True)]
        before = after


def growth(work, watched=()):
    """Return by how much the counts grew in the last of two steady rounds in a row.

    CPython's own caches fill up in the first rounds; what is lost in each call grows in all twelve.
    """
    steady = 0
    for grown in itertools.islice(rounds(work, watched), 12):
        steady = steady + 1 if max(grown) < ROUND // 2 else 0
        if steady == 2:
            break
    return grown


def assert_no_growth(work, watched=()):
    found = growth(work, watched)
    assert max(found) < ROUND // 2, found


def test_a_lost_reference_is_seen():
    kept = []
    marker = object()

    assert growth(lambda: kept.append(object()))[0] >= ROUND
    assert growth(lambda: kept.append(marker), [marker])[1] >= ROUND
    assert growth(lambda: kept.append(pytest))[2] >= ROUND


# How many bytes of an input come before the data.
PREFIXES = {"decode": 2, "message": 2, "json": 2, "typed": 3, "encode": 2}


def inputs_with_damage(group):
    """Seeds of the fuzzer, and damaged ones whose outer length is mostly right."""
    found = inputs_of(group)
    prefix = PREFIXES[group]
    by_head = {}
    for data in found:
        by_head.setdefault(data[:prefix], []).append(data[prefix:])
    for number, (head, corpus) in enumerate(by_head.items()):
        found += [head + data for data in mutations(number, 400 // len(by_head), corpus)]
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
    "Decimal128((1, 2))",
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


@pytest.mark.parametrize("text", CONSTRUCTED)
def test_types(bx, text):
    import datetime
    import re

    names = {**vars(bx), "datetime": datetime, "re": re}
    code = compile(text, "test", "eval")
    value = None
    try:
        value = eval(code, names)
    except Exception:
        uses = []
    else:
        uses = list(uses_of(value))

    def work():
        attempt(eval, code, names)
        for use in uses:
            attempt(use, value)

    assert_no_growth(work, [value])


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


def test_classes_come_and_go(bx):
    stored = bx.encode({"a": 1})

    def work():
        for kind in make_kinds():
            bx.encode(bx.decode(stored, type=kind))

    # CPython's tables of classes shrink and grow: seven rounds together show what stays.
    grown = list(itertools.islice(rounds(work, ()), 9))[2:]
    for column in zip(*grown, strict=True):
        assert sum(column) < len(grown) * ROUND // 2, grown


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
        attempt(op_msg.message_header, b"short")

    assert_no_growth(work)
