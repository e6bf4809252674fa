"""One namespace of names and helpers over ``bsonx`` or over PyMongo's ``bson``.

The same expression can then be evaluated with both packages and the outcomes compared.
"""

from __future__ import annotations

import array
import collections
import copy
import datetime
import decimal
import enum
import importlib
import io
import pickle
import re
import types
import uuid
from typing import Any

_MODULES = (
    "binary",
    "code",
    "codec_options",
    "datetime_ms",
    "dbref",
    "decimal128",
    "errors",
    "int64",
    "max_key",
    "min_key",
    "objectid",
    "raw_bson",
    "regex",
    "son",
    "timestamp",
    "tz_util",
)

_STANDARD = {
    "array": array.array,
    "collections": collections,
    "copy": copy,
    "datetime": datetime.datetime,
    "date": datetime.date,
    "timedelta": datetime.timedelta,
    "timezone": datetime.timezone,
    "decimal": decimal,
    "Decimal": decimal.Decimal,
    "enum": enum,
    "io": io,
    "pickle": pickle,
    "re": re,
    "types": types,
    "uuid": uuid,
    "UUID": uuid.UUID,
    "OrderedDict": collections.OrderedDict,
    "UserDict": collections.UserDict,
    "ChainMap": collections.ChainMap,
    "Mapping": collections.abc.Mapping,
    "MutableMapping": collections.abc.MutableMapping,
}


class DictItems(dict):
    def items(self):
        return [("z", 9)]


class DictGet(dict):
    def __getitem__(self, key):
        return 77


class DictIter(dict):
    def __iter__(self):
        return iter(["q"])


class ListIter(list):
    def __iter__(self):
        return iter([7])


class StrEncode(str):
    def encode(self, *args):
        return b"zz"


class IntSub(int):
    pass


class FloatSub(float):
    pass


class BytesSub(bytes):
    pass


class DatetimeSub(datetime.datetime):
    pass


class UuidSub(uuid.UUID):
    pass


class Plain(enum.Enum):
    A = 1


class StrEnum(str, enum.Enum):  # noqa: UP042 (the older way is the one in use)
    A = "q"


class IntFlag(enum.IntFlag):
    A = 1


Pair = collections.namedtuple("Pair", "a b")


class TextMarker:
    _type_marker = "x"

    def __repr__(self):
        return "TextMarker()"


class UnknownMarker:
    _type_marker = 99

    def __repr__(self):
        return "UnknownMarker()"


class OddKeys(collections.abc.Mapping):
    def __getitem__(self, key):
        return 5

    def __iter__(self):
        return iter([[], 1])

    def __len__(self):
        return 2


_HELPERS = (
    DictItems,
    DictGet,
    DictIter,
    ListIter,
    StrEncode,
    IntSub,
    FloatSub,
    BytesSub,
    DatetimeSub,
    UuidSub,
    Plain,
    StrEnum,
    IntFlag,
    Pair,
    TextMarker,
    UnknownMarker,
    OddKeys,
)


def namespace(root: str) -> dict[str, Any]:
    """Return the public names of a package and its modules, and the helpers of the tests."""
    package = importlib.import_module(root)
    names: dict[str, Any] = dict(_STANDARD)
    names.update({helper.__name__: helper for helper in _HELPERS})
    for name in _MODULES:
        module = importlib.import_module(f"{root}.{name}")
        names[name] = module
        names.update({key: value for key, value in vars(module).items() if key[0] != "_"})
    names.update({key: value for key, value in vars(package).items() if key[0] != "_"})
    names.update(_STANDARD)
    names["bson"] = package
    for helper in (_encoder, _decoder, _through, _decoded, _offset, _fail):
        helper(names)
    return names


def _encoder(names):
    def enc(python_type, convert=str):
        body = {
            "python_type": python_type,
            "transform_python": lambda self, value: convert(value),
            "__repr__": lambda self: "enc",
        }
        return type("E", (names["TypeEncoder"],), body)()

    names["enc"] = enc


def _decoder(names):
    def dec(bson_type, convert=lambda value: ("D", value)):
        body = {
            "bson_type": bson_type,
            "transform_bson": lambda self, value: convert(value),
            "__repr__": lambda self: "dec",
        }
        return type("D", (names["TypeDecoder"],), body)()

    names["dec"] = dec


def _through(names):
    def through(value, *codecs, **options):
        """Encode with converters, decode without."""
        registry = names["TypeRegistry"](codecs, **options)
        stored = names["encode"](
            {"x": value}, codec_options=names["CodecOptions"](type_registry=registry)
        )
        return names["decode"](stored)["x"]

    names["through"] = through


def _decoded(names):
    def decoded(value, *codecs, **options):
        """Encode without converters, decode with."""
        registry = names["TypeRegistry"](codecs)
        stored = names["encode"]({"x": value})
        options = names["CodecOptions"](type_registry=registry, **options)
        return names["decode"](stored, options)["x"]

    names["decoded"] = decoded


def _offset(names):
    def offset(hours):
        return datetime.timezone(datetime.timedelta(hours=hours))

    names["offset"] = offset


def _fail(names):
    def fail(exception):
        raise exception

    names["fail"] = fail


def own_text(exc: Exception) -> str:
    """The text of an exception without the place in the document, which PyMongo's do not tell."""
    return str(exc).partition(" - at ")[0] if getattr(exc, "path", None) else str(exc)


def outcome(expression: str, names: dict[str, Any]) -> tuple[str, ...]:
    """Return what an expression gives, as text without addresses and package names."""
    try:
        value = repr(eval(expression, dict(names)))
    except Exception as exc:
        return ("raises", type(exc).__name__, neutral(own_text(exc)))
    return ("gives", neutral(value))


def neutral(text: str) -> str:
    """Return text in which both packages have one name."""
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = re.sub(r"\bbsonx\b", "bson", text)
    # CPython names an extension type with its module where it names a Python class without.
    return re.sub(r"(?<!class )'bson\.\w+\.(\w+)'", r"'\1'", text)
