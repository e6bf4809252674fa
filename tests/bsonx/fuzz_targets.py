"""What the coverage-guided fuzzer calls, in groups that it runs one at a time.

An input's first byte chooses the function of the group, the second the options; the rest is the
data. tests/fuzz/fuzz_bsonx.py drives them, test_fuzz_corpus.py replays the seeds.
"""

from __future__ import annotations

import array
import copy
import datetime
import importlib
import pickle
import re
import struct
from collections.abc import Callable
from typing import Any

import fuzz_values
from typed_shapes import make_classes, make_holders, neutral


class Side:
    """One implementation, and what the targets need of it."""

    def __init__(self) -> None:
        """Take the `bsonx` that imports find."""
        for name in ("op_msg", "json_util", "csv", "ndjson", "raw_bson", "codec_options", "typed"):
            setattr(self, name, importlib.import_module(f"bsonx.{name}"))
        self.bx: Any = importlib.import_module("bsonx")
        self.options = self._codec_options()
        self.converting = self._converting()
        self.json_options = self._json_options()
        self.types = [*make_holders(self.bx), *[tp for tp, _ in make_classes(self.bx)]]

    def _codec_options(self) -> list[Any]:
        options, conversion = self.bx.CodecOptions, self.bx.DatetimeConversion
        return [
            options(),
            options(datetime_conversion=conversion.DATETIME_AUTO, uuid_representation=3),
            options(datetime_conversion=conversion.DATETIME_CLAMP, tz_aware=True),
            options(datetime_conversion=conversion.DATETIME_MS, document_class=self.bx.SON),
            options(uuid_representation=4, tz_aware=True),
            options(uuid_representation=5, unicode_decode_error_handler="replace"),
            options(unicode_decode_error_handler="ignore", profile="python"),
            options(document_class=self.raw_bson.RawBSONDocument),
        ]

    def _converting(self) -> list[Any]:
        """Options with type decoders, encoders and zones: other code runs in between."""
        options, registry = self.bx.CodecOptions, self.bx.codec_options.TypeRegistry
        zone = datetime.timezone(datetime.timedelta(hours=-5, minutes=30))
        all_types = [self._decoder(tp) for tp in (str, int, float, bytes, list, dict)]
        own_types = [self._decoder(tp) for tp in (self.bx.Int64, self.bx.Binary, self.bx.ObjectId)]
        encoder = self._encoder()
        return [
            options(type_registry=registry([*all_types, encoder], lambda value: repr(value))),
            options(type_registry=registry([*own_types, encoder]), tz_aware=True, tzinfo=zone),
            options(
                type_registry=registry([], lambda value: {"value": [str(value)]}),
                document_class=self.bx.SON,
            ),
            options(
                type_registry=registry([self._decoder(str), encoder]),
                document_class=self.raw_bson.RawBSONDocument,
                datetime_conversion=self.bx.DatetimeConversion.DATETIME_CLAMP,
                tz_aware=True,
                tzinfo=zone,
            ),
        ]

    def _decoder(self, kind: type) -> Any:
        class Decoder(self.bx.codec_options.TypeDecoder):  # type: ignore[misc,name-defined]
            bson_type = kind

            def transform_bson(self, value: Any) -> Any:
                if isinstance(value, list | dict | str) and len(value) == 3:
                    raise ValueError("three is too many")
                return ["converted", value]

        return Decoder()

    def _encoder(self) -> Any:
        class Encoder(self.bx.codec_options.TypeEncoder):  # type: ignore[misc,name-defined]
            python_type = set

            def transform_python(self, value: Any) -> Any:
                return {"set": sorted(value), "none": None}

        return Encoder()

    def _json_options(self) -> list[Any]:
        make, mode = self.json_util.JSONOptions, self.json_util.JSONMode
        return [
            make(json_mode=mode.LEGACY, uuid_representation=3),
            make(json_mode=mode.RELAXED, uuid_representation=4),
            make(json_mode=mode.CANONICAL, uuid_representation=5, tz_aware=False),
            make(json_mode=mode.CANONICAL, document_class=self.bx.SON, datetime_conversion=4),
        ]


def buffer(choice: int, data: bytes) -> Any:
    """The data as bytes or in a buffer without the NUL that ends bytes objects."""
    return data if choice < 128 else array.array("B", data)


# ---- the decoder ----


def decode(side: Side, choice: int, data: bytes) -> Any:
    return side.bx.decode(buffer(choice, data), side.options[choice % 8])


def decode_all(side: Side, choice: int, data: bytes) -> Any:
    return side.bx.decode_all(buffer(choice, data), side.options[choice % 8])


def round_trip(side: Side, choice: int, data: bytes) -> Any:
    options = side.options[choice % 8]
    return side.bx.encode(side.bx.decode(buffer(choice, data), options), codec_options=options)


def raw_fields(side: Side, choice: int, data: bytes) -> Any:
    document = side.raw_bson.RawBSONDocument(buffer(choice, data))
    found = [document.get(key) for key in ("a", "\u00e9", "a name of more than 15 bytes")]
    return found, list(document.items()), [document[key] for key in document]


def decode_iter(side: Side, choice: int, data: bytes) -> Any:
    return list(side.bx.decode_iter(data, side.options[choice % 8]))


def decode_converted(side: Side, choice: int, data: bytes) -> Any:
    return side.bx.decode(buffer(choice, data), side.converting[choice % 4])


def decode_nested(side: Side, choice: int, data: bytes) -> Any:
    """The data as a document many levels below others and arrays."""
    levels, kind = 990 if choice > 252 else choice // 8, b"\x03\x04"[choice % 2]
    for _ in range(levels):
        data = struct.pack("<iB", len(data) + 8, kind) + b"0\0" + data + b"\0"
    found = side.bx.decode(data, side.options[choice % 4])
    for _ in range(levels):
        found = found[0] if isinstance(found, list) else found["0"]
    return found


def decode_repeated(side: Side, choice: int, data: bytes) -> Any:
    """The data as the documents of a long array, with many keys around."""
    count = 600 if choice > 252 else choice // 8 + 1
    items = b"".join([b"\x03%d\0" % number + data for number in range(count)])
    whole = struct.pack("<i", len(items) + 5) + items + b"\0"
    found = side.bx.decode(whole, side.options[choice % 4])
    return len(found), found[str(count - 1)]


def raw_whole(side: Side, choice: int, data: bytes) -> Any:
    """A raw document with options of its own, as a value and as a state."""
    made = side.raw_bson.RawBSONDocument(buffer(choice, data), side.options[7])
    copied = copy.copy(made)
    inner = [value for value in made.values() if isinstance(value, type(made))]
    parts = [(bytes(part.raw), dict(part), "a" in part, part == made) for part in inner]
    written = side.bx.encode({"a": made, "b": inner}, codec_options=side.options[choice % 8])
    return parts, written, copied == made, bytes(pickle.loads(pickle.dumps(made)).raw), len(made)


# ---- OP_MSG ----

_USER_FIELDS = (None, frozenset({"firstBatch", "nextBatch"}), frozenset({"a"}))


def message(side: Side, choice: int, data: bytes) -> Any:
    fields = _USER_FIELDS[choice // 8 % 3]
    return side.op_msg.decode_message(buffer(choice, data), side.options[choice % 8], fields)


def message_typed(side: Side, choice: int, data: bytes) -> Any:
    """The first byte of the data chooses the type of the user's documents."""
    chosen = side.types[data[0] % len(side.types)] if data else dict
    options = side.typed.options_for(chosen, side.options[choice % 7])
    fields = _USER_FIELDS[1 + choice // 8 % 2]
    return side.op_msg.decode_message(buffer(choice, data[1:]), options, fields)


def message_converted(side: Side, choice: int, data: bytes) -> Any:
    fields = _USER_FIELDS[choice // 8 % 3]
    return side.op_msg.decode_message(buffer(choice, data), side.converting[choice % 4], fields)


def header(side: Side, choice: int, data: bytes) -> Any:
    return side.op_msg.message_header(buffer(choice & 128, data), choice & 127)


# ---- extended JSON ----


def json_loads(side: Side, choice: int, data: bytes) -> Any:
    text = data.decode("utf-8", "surrogatepass" if choice & 4 else "replace")
    return side.json_util.loads(text, json_options=side.json_options[choice % 4])


def json_loads_bytes(side: Side, choice: int, data: bytes) -> Any:
    given = bytearray(data) if choice & 4 else data
    return side.json_util.loads(given, json_options=side.json_options[choice % 4])


def json_loads_strict(side: Side, choice: int, data: bytes) -> Any:
    given = data if choice & 4 else data.decode("utf-8", "replace")
    return side.json_util.loads_strict(given, json_options=side.json_options[choice % 4])


def json_dumps(side: Side, choice: int, data: bytes) -> Any:
    value = side.bx.decode(data, side.options[choice // 4 % 8])
    return side.json_util.dumps(value, json_options=side.json_options[choice % 4])


def json_layout(side: Side, choice: int, data: bytes) -> Any:
    value = fuzz_values.document(side.bx, fuzz_values.Reader(data), 0)
    options = side.json_options[choice % 4]
    layout: dict[str, Any] = {"sort_keys": bool(choice & 8), "ensure_ascii": bool(choice & 16)}
    if choice & 32:
        layout["indent"] = choice >> 6
    return side.json_util.dumps(value, json_options=options, **layout)


def json_cycle(side: Side, choice: int, data: bytes) -> Any:
    options = side.json_options[choice % 4]
    value = side.json_util.loads(data.decode("utf-8", "replace"), json_options=options)
    return side.json_util.dumps(value, json_options=options)


def json_to_bson(side: Side, choice: int, data: bytes) -> Any:
    given = (
        data if choice & 1 else data.decode("utf-8", "surrogatepass" if choice & 2 else "replace")
    )
    return side.json_util.to_bson(given)


def json_from_bson(side: Side, choice: int, data: bytes) -> Any:
    options = side.json_options[choice % 4]
    if choice & 4:
        return side.ndjson.write_lines(data, options, ensure_ascii=bool(choice & 8))
    return side.json_util.from_bson(data, options, ensure_ascii=bool(choice & 8))


def json_records(side: Side, choice: int, data: bytes) -> Any:
    read = side.ndjson.read_values if choice & 1 else side.ndjson.read_lines
    batch = read(
        data,
        final=bool(choice & 2),
        first_id=b"0123456789ab" if choice & 4 else None,
        id_field="k" if choice & 8 else None,
        max_documents=choice >> 4 or 100,
    )
    found = [(r.line, r.start, r.end, type(r.error).__name__) for r in batch.rejects]
    place = (batch.consumed, batch.line, batch.state, batch.made_ids)
    return batch.data, [*batch.ends], [*batch.lines], found, place


# ---- CSV ----

_KINDS = ("int?", "float?", "date?", "bool?", "int", "float", "decimal", "bool", "date")


def csv_rows(side: Side, choice: int, data: bytes) -> Any:
    """Every kind of column."""
    csv = side.csv
    kinds = (*_KINDS, "objectid", "str", "skip")[choice % 7 :]
    columns = [csv.Column(f"c{n}", kind, ("", "NA")) for n, kind in enumerate(kinds)]
    longest = 30 if choice & 8 else 1000
    dialect = csv.Dialect(b",;\t0"[choice % 4], 13 if choice & 16 else 10, longest)
    plan = csv.Plan(tuple(columns), dialect, bool(choice & 32), 0 if choice & 64 else -1)
    return csv.Converter(plan).read(data, at_end=bool(choice & 128), first_id=b"0123456789ab")


def csv_values(side: Side, choice: int, data: bytes) -> Any:
    """Many values of one kind."""
    csv = side.csv
    plan = csv.Plan((csv.Column("v", _KINDS[choice % len(_KINDS)]),), id_column=0)
    return csv.Converter(plan).read(data)


# ---- typed documents ----


def typed(side: Side, choice: int, data: bytes) -> Any:
    """The first byte of the data chooses the type."""
    chosen = side.types[data[0] % len(side.types)] if data else dict
    return side.bx.decode(buffer(choice, data[1:]), side.options[choice % 7], type=chosen)


def typed_cycle(side: Side, choice: int, data: bytes) -> Any:
    options = side.options[choice % 7]
    value = typed(side, choice, data)
    return side.bx.encode(value, codec_options=options)


def typed_all(side: Side, choice: int, data: bytes) -> Any:
    chosen = side.types[data[0] % len(side.types)] if data else dict
    options = side.converting[choice % 4]
    found = side.bx.decode_all(buffer(choice, data[1:]), options, type=chosen)
    return [side.bx.encode(one, codec_options=options) for one in found]


# ---- the encoder ----


def encode(side: Side, choice: int, data: bytes) -> Any:
    document = fuzz_values.document(side.bx, fuzz_values.Reader(data), 0)
    return side.bx.encode(document, bool(choice & 8), side.options[choice % 8])


def encode_converted(side: Side, choice: int, data: bytes) -> Any:
    document = fuzz_values.document(side.bx, fuzz_values.Reader(data), 0)
    return side.bx.encode(document, bool(choice & 8), side.converting[choice % 4])


def batch(side: Side, choice: int, data: bytes) -> Any:
    """Write documents as batches, small limits included, and read them again."""
    read = fuzz_values.Reader(data)
    documents = [fuzz_values.document(side.bx, read, 0) for _ in range(choice % 8)]
    limits = {
        "max_count": read.byte() % 5,
        "max_document_size": 16 << read.byte() % 8,
        "max_message_size": 48 << read.byte() % 8,
    }
    found, start, options = [], 0, side.options[choice // 8 % 8]
    while start < len(documents):
        ids: list[Any] = []
        made, start = side.op_msg.encode_batch(
            7,
            choice & 2,
            {"insert": "c"},
            "documents",
            documents,
            start,
            options,
            ids=ids,
            **limits,
        )
        found.append((made, ids, side.op_msg.decode_message(made, side.options[1])))
    return found


# ---- the types of values ----

_OWN = ("ObjectId", "Decimal128", "DatetimeMS", "Timestamp", "Int64", "Binary", "Code", "Regex")
_WITH_TWO = ("Binary", "Code", "Regex")


def shown(value: Any) -> Any:
    return type(value).__name__, repr(value), str(value), hash(value)


def from_text(side: Side, choice: int, data: bytes) -> Any:
    """What is read from a text or from bytes."""
    made = getattr(side.bx, _OWN[choice % 2])
    text = data if choice & 16 else data.decode("utf-8", "replace")
    value = made(text)
    return shown(value), value == made(str(value)), value.bid if choice % 2 else value.binary


def constructed(side: Side, choice: int, data: bytes) -> Any:
    """A value made of one or two others, then compared with them, copied and written."""
    read, name = fuzz_values.Reader(data), _OWN[choice % 8]
    count = 2 if name == "Timestamp" else 1 + (choice // 8 % 2 if name in _WITH_TWO else 0)
    given = [fuzz_values.value(side.bx, read, 30) for _ in range(count)]
    if name == "ObjectId" and given == [None]:
        return None  # a new one
    made = getattr(side.bx, name)(*given)
    same = [(made == one, made != one) for one in given]
    return same, side.bx.encode({"a": made}), copy.deepcopy(made) == made


def from_state(side: Side, choice: int, data: bytes) -> Any:
    """A value that is given any state, as a damaged pickle may. What it says to that is not
    compared."""
    kind = getattr(side.bx, _OWN[choice % 8])
    made = kind.__new__(kind)
    try:
        made.__setstate__(fuzz_values.value(side.bx, fuzz_values.Reader(data), 30))
        repr(made)
        side.bx.encode({"a": made})
    except Exception:
        pass


Target = Callable[[Side, int, bytes], Any]
GROUPS: dict[str, tuple[Target, ...]] = {
    "decode": (
        decode,
        decode_all,
        round_trip,
        raw_fields,
        decode_iter,
        decode_converted,
        decode_nested,
        decode_repeated,
        raw_whole,
    ),
    "message": (message, header, message_typed, message_converted),
    "json": (
        json_loads,
        json_loads_bytes,
        json_dumps,
        json_layout,
        json_cycle,
        json_loads_strict,
        json_to_bson,
        json_from_bson,
        json_records,
    ),
    "csv": (csv_rows, csv_values),
    "typed": (typed, typed_cycle, typed_all),
    "encode": (encode, batch, encode_converted),
    "values": (from_text, constructed, from_state),
}


def call(side: Side, group: str, data: bytes) -> Any:
    """Call the function that an input of at least two bytes chooses."""
    targets = GROUPS[group]
    return targets[data[0] % len(targets)](side, data[1], data[2:])


REFUSALS = (ValueError, TypeError, ArithmeticError, RecursionError, MemoryError)


def is_refusal(group: str, error: Exception) -> bool:
    """Whether an exception is a proper answer to a malformed input."""
    if isinstance(error, REFUSALS):
        return True
    if group == "json" and isinstance(error, (KeyError, AttributeError)):
        return True  # as PyMongo, for wrappers such as {"$binary": {}}
    return type(error).__module__ in ("bsonx.errors", "bsonx.op_msg")


def outcome(side: Side, group: str, data: bytes) -> Any:
    """What an input gives, in a form that compares; other exceptions than refusals are raised."""
    try:
        return ("gives", neutral(call(side, group, data)))
    except (RecursionError, MemoryError) as error:
        return ("raises", type(error).__name__)
    except Exception as error:
        if not is_refusal(group, error):
            raise
        where = getattr(error, "offset", None), getattr(error, "path", None)
        return ("raises", type(error).__name__, str(error), where)


_TOO_DEEP = re.compile("RecursionError|maximum recursion depth exceeded")


def agree(one: Any, two: Any) -> bool:
    """Whether two outcomes are the same; equal values of unequal types are not.

    Where nesting becomes too deep depends on the stack.
    """
    if any(given[0] == "raises" and _TOO_DEEP.search(str(given)) for given in (one, two)):
        return True
    return repr(one) == repr(two)
