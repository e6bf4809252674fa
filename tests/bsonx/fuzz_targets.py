"""What the coverage-guided fuzzer calls, in groups that it runs one at a time.

An input's first byte chooses the function of the group, the second the options; the rest is the
data. tests/fuzz/fuzz_bsonx.py drives them, test_fuzz_corpus.py replays the seeds.
"""

from __future__ import annotations

import array
import importlib
from collections.abc import Callable
from typing import Any

import fuzz_values
from typed_shapes import make_classes, make_holders, neutral


class Side:
    """One implementation, and what the targets need of it."""

    def __init__(self) -> None:
        """Take the `bsonx` that imports find."""
        for name in ("op_msg", "json_util", "raw_bson", "codec_options", "typed"):
            setattr(self, name, importlib.import_module(f"bsonx.{name}"))
        self.bx: Any = importlib.import_module("bsonx")
        self.options = self._codec_options()
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


# ---- OP_MSG ----

_USER_FIELDS = (None, frozenset({"firstBatch", "nextBatch"}), frozenset({"a"}))


def message(side: Side, choice: int, data: bytes) -> Any:
    fields = _USER_FIELDS[choice // 8 % 3]
    return side.op_msg.decode_message(buffer(choice, data), side.options[choice % 8], fields)


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


# ---- typed documents ----


def typed(side: Side, choice: int, data: bytes) -> Any:
    """The first byte of the data chooses the type."""
    chosen = side.types[data[0] % len(side.types)] if data else dict
    return side.bx.decode(buffer(choice, data[1:]), side.options[choice % 7], type=chosen)


def typed_cycle(side: Side, choice: int, data: bytes) -> Any:
    options = side.options[choice % 7]
    value = typed(side, choice, data)
    return side.bx.encode(value, codec_options=options)


# ---- the encoder ----


def encode(side: Side, choice: int, data: bytes) -> Any:
    document = fuzz_values.document(side.bx, fuzz_values.Reader(data), 0)
    return side.bx.encode(document, bool(choice & 8), side.options[choice % 8])


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


Target = Callable[[Side, int, bytes], Any]
GROUPS: dict[str, tuple[Target, ...]] = {
    "decode": (decode, decode_all, round_trip, raw_fields, decode_iter),
    "message": (message, header),
    "json": (
        json_loads,
        json_loads_bytes,
        json_dumps,
        json_layout,
        json_cycle,
        json_loads_strict,
    ),
    "typed": (typed, typed_cycle),
    "encode": (encode, batch),
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


def agree(one: Any, two: Any) -> bool:
    """Whether two outcomes are the same; equal values of unequal types are not.

    Where nesting becomes too deep depends on the stack.
    """
    if ("raises", "RecursionError") in (one, two):
        return True
    return repr(one) == repr(two)
