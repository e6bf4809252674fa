"""Cases for the tests that hold our json_util and PyMongo's side by side.

Everything is built from the package it is meant for: ``load(name)`` imports ``bson`` or ``bsonx``.
"""

import array
import collections
import datetime
import decimal
import enum
import importlib
import re
import types
import uuid
from datetime import timedelta, timezone
from typing import Any

from implementations import CPYTHON


def load(package: str) -> types.SimpleNamespace:
    """Return the names the cases need from `package` ("bson" or "bsonx")."""
    space: dict[str, Any] = {}
    for module in (
        "binary",
        "code",
        "codec_options",
        "datetime_ms",
        "dbref",
        "decimal128",
        "int64",
        "json_util",
        "max_key",
        "min_key",
        "objectid",
        "raw_bson",
        "regex",
        "son",
        "timestamp",
        "tz_util",
    ):
        loaded = importlib.import_module(f"{package}.{module}")
        space.update({k: v for k, v in vars(loaded).items() if not k.startswith("__")})
        space[module] = loaded
    space["encode"] = importlib.import_module(package).encode
    return types.SimpleNamespace(**space)


class NumberEnum(enum.IntEnum):
    A = 1


class MixedEnum(int, enum.Enum):
    A = 1


class TextEnum(str, enum.Enum):  # noqa: UP042
    A = "x"


class PlainEnum(enum.Enum):
    A = "x"


class MyInt(int):
    pass


class ShownInt(int):
    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "repr"


class ShownFloat(float):
    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "repr"


class MyStr(str):
    pass


class MyDict(dict):
    pass


class MyList(list):
    pass


class MyBytes(bytes):
    pass


class MyDatetime(datetime.datetime):
    pass


class MyUUID(uuid.UUID):
    pass


class Iterable:
    def __iter__(self) -> Any:
        return iter([1, 2.5])


class Indexable:
    def __getitem__(self, index: int) -> int:
        return range(3)[index]


class WithItems:
    def items(self) -> Any:
        return [("a", 1), ("a", 2), ("b", [datetime.datetime(2020, 1, 1)])]


class ItemsNumber:
    items = 5


class ItemsRaise:
    @property
    def items(self) -> Any:
        raise ValueError("items")


class BadPairs(dict):
    def items(self) -> Any:
        return [(1, 2), ("x", "y", "z")]


class IterNone:
    __iter__ = None


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


class Offset(datetime.tzinfo):
    """A time zone by its offset, None included."""

    def __init__(self, offset: timedelta | None) -> None:
        self.offset = offset

    def utcoffset(self, moment: Any) -> Any:
        return self.offset

    def dst(self, moment: Any) -> Any:
        return None


def marked(marker: Any, base: type = object, **attributes: Any) -> Any:
    """Return an object that claims to be a BSON type of another package."""
    shown = {"__str__": lambda self: "marked", "__repr__": lambda self: "<marked>"}
    kind = type("Marked", (base,), {"_type_marker": marker, **shown, **attributes})
    return kind()


def moments(lib: Any) -> list[Any]:
    at = datetime.datetime
    half_past_five = timezone(timedelta(hours=5, minutes=30))
    return [
        at(2020, 1, 1),
        at(2020, 1, 1, 1, 2, 3, 456789),
        at(2020, 1, 1, 1, 2, 3, 999999),
        at(2020, 1, 1, 1, 2, 3, 999),
        at(1969, 12, 31, 23, 59, 59, 999999),
        at(1, 1, 1),
        at(9999, 12, 31, 23, 59, 59, 999999),
        at(1970, 1, 1),
        at(2020, 1, 1, fold=1),
        at(2020, 1, 1, tzinfo=lib.utc),
        at(2020, 1, 1, tzinfo=timezone.utc),  # noqa: UP017
        at(1960, 1, 1, tzinfo=timezone.utc),  # noqa: UP017
        at(2020, 1, 1, 9, 8, 7, 654321, tzinfo=half_past_five),
        at(2020, 1, 1, tzinfo=lib.FixedOffset(-90, "x")),
        at(1970, 1, 1, tzinfo=half_past_five),
        at(1, 1, 1, tzinfo=half_past_five),
        at(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
        at(2020, 1, 1, tzinfo=timezone(timedelta(hours=-5))),
        MyDatetime(2020, 1, 1),
        *map(lib.DatetimeMS, (0, -1, 1500000000123, 2**62, -(2**63))),
        *map(lib.DatetimeMS, (253402300799999, 253402300800000, -62135596800000, -62135596800001)),
    ]


def numbers(lib: Any) -> list[Any]:
    edges = [0, 1, 9, 10, 99, 2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**53, 2**63 - 1, 2**63, 10**30]
    return [
        *edges,
        *[-edge for edge in edges],
        -(2**31) - 1,
        -(2**63) - 1,
        lib.Int64(5),
        lib.Int64(2**40),
        lib.Int64(-(2**63)),
        *[0.0, -0.0, 1.0, 1.5, 1e300, 1e-7, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 0.1 + 0.2],
        *[123456789012345680.0, float("nan"), float("inf"), float("-inf")],
        *[ShownFloat("nan"), MyInt(5), MyInt(2**40)],
        *[NumberEnum.A, TextEnum.A, PlainEnum.A, True, False, None],
        decimal.Decimal(1),
        complex(1, 2),
    ]


def scalars(lib: Any) -> list[Any]:
    oid = lib.ObjectId(b"a" * 12)
    uid = uuid.UUID(bytes=bytes(range(16)))
    return [
        *[
            "",
            "a",
            "\x7f",
            "\x00\x1f",
            '"\\/\b\f\n\r\t',
            "\u2028é",
            "\U0001f600",
            "\ud800",
            "a\udfff",
        ],
        "x" * 100 + "é" * 100,
        "x" * 300 + '"',
        MyStr("é"),
        *[b"", b"a", b"abc", bytes(range(256)), MyBytes(b"ab")],
        *[lib.Binary(b"abc", subtype) for subtype in (0, 2, 3, 4, 5, 128, 255)],
        *[lib.Binary(bytes(range(16)), subtype) for subtype in (3, 4)],
        *[uid, MyUUID(int=5)],
        *[lib.Code("x"), lib.Code("é"), lib.Code("x", {}), lib.Code("x", {"a": [1, oid]})],
        lib.Code(MyStr("x"), lib.SON([("b", 1)])),
        *[oid, type("MyOid", (lib.ObjectId,), {})(b"a" * 12)],
        *[lib.DBRef("c", 1), lib.DBRef("c", oid, "db"), lib.DBRef(MyStr("é"), None)],
        lib.DBRef("c", {"a": 1}, "db", x=1, y=datetime.datetime(2020, 1, 1)),
        lib.DBRef("c", 1, a=WithItems()),
        *[lib.Regex("a", 2), lib.Regex("a/b", "ilmsux"), lib.Regex("é", 0), lib.Regex(b"ab", 2)],
        *[lib.Regex(b"a\xff", 2), lib.Regex("x", -1), lib.Regex("x", 1 << 20)],
        *[re.compile("a"), re.compile("é", re.I | re.M | re.S | re.X), re.compile(b"a", re.L)],
        *[lib.Timestamp(1, 2), lib.Timestamp(4294967295, 4294967295)],
        *[lib.MinKey(), lib.MaxKey()],
        *[lib.Decimal128(text) for text in ("1.50", "NaN", "-Infinity", "1E-6176", "-0")],
        *[datetime.date(2020, 1, 1), datetime.time(1), timedelta(1), Opaque(), dict, list, int],
        *[
            marked(7),
            marked(5, bytes, subtype=7),
            marked(13, scope=None),
            marked(13, scope={"a": 1}),
        ],
        *[marked(17, time=1, inc="x"), marked(11, pattern="a", flags=2), marked(19), marked(255)],
        *[marked(127), marked(77), marked([]), marked(7, int), marked(7, dict), marked(101)],
        *[marked(18), marked(9), marked(100)],
    ]


def containers(lib: Any) -> list[Any]:
    oid = lib.ObjectId(b"a" * 12)
    raw = lib.RawBSONDocument(lib.encode({"a": 1, "b": {"c": oid}}))
    return [
        [],
        {},
        (),
        [[]],
        [{}],
        {"a": {"b": [1, 2.5, {"c": None}]}},
        {"a": [], "b": {}, "c": [[], {}]},
        {"é": 1, "": 2, "\ud800": 3, '"': 4, "$oid": 5},
        {1: 2, 0.0: 3},
        {True: 2, False: 3},
        {None: 1, 2: 2, 2.5: 3, "2": 4},
        {float("nan"): 1, float("inf"): 2, float("-inf"): 3, -0.0: 4},
        {10**30: 1, -5: 2, 2**63: 3},
        {b"a": 1},
        {oid: 1},
        {(1,): 1},
        {MyStr("q"): 1, TextEnum.A: 2, NumberEnum.A: 3, MixedEnum.A: 4},
        {ShownInt(7): 1, ShownFloat(2.5): 2},
        {PlainEnum.A: 1},
        {"a": Opaque()},
        [uuid.UUID(int=1)],
        lib.SON([("b", 1), ("a", 2)]),
        collections.OrderedDict(b=1, a=2),
        collections.ChainMap({"a": 1}),
        collections.UserDict({"a": oid}),
        types.MappingProxyType({"a": oid}),
        MyDict(a=1),
        MyList([1, oid]),
        collections.namedtuple("Pair", "a b")(1, oid),
        (1, (2,)),
        {1},
        frozenset([2]),
        range(3),
        {"a": 1}.keys(),
        collections.deque([1, 2]),
        array.array("i", [1, 2]),
        bytearray(b"ab"),
        memoryview(b"ab"),
        raw,
        [raw],
        Iterable(),
        Indexable(),
        WithItems(),
        ItemsNumber(),
        ItemsRaise(),
        BadPairs(a=1),
        IterNone(),
        lib.DBRef("c", 1, items=5),
    ]


def values(lib: Any) -> list[Any]:
    """Return the values for ``dumps`` and ``default``."""
    return [*numbers(lib), *moments(lib), *scalars(lib), *containers(lib)]


def dump_options(lib: Any) -> dict[str, Any]:
    make = lib.JSONOptions
    return {
        "legacy": lib.LEGACY_JSON_OPTIONS,
        "relaxed": lib.RELAXED_JSON_OPTIONS,
        "canonical": lib.CANONICAL_JSON_OPTIONS,
        "legacy strict": make(True, 1, True, 0),
        "legacy iso": make(json_mode=0, datetime_representation=2, tz_aware=True),
        "standard uuid": make(uuid_representation=4),
        "java uuid": make(uuid_representation=5),
        "c# uuid": make(uuid_representation=6, json_mode=2),
        "python uuid": make(uuid_representation=3, json_mode=0),
    }


def load_options(lib: Any) -> dict[str, Any]:
    make = lib.JSONOptions
    modes = lib.DatetimeConversion
    zone = timezone(timedelta(hours=5, minutes=30))
    aware = {"tz_aware": True, "tzinfo": zone}
    return {
        **dump_options(lib),
        "aware": make(tz_aware=True),
        "zone": make(**aware),
        "auto": make(datetime_conversion=modes.DATETIME_AUTO),
        "auto zone": make(datetime_conversion=modes.DATETIME_AUTO, **aware),
        "clamp": make(datetime_conversion=modes.DATETIME_CLAMP),
        "clamp zone": make(datetime_conversion=modes.DATETIME_CLAMP, **aware),
        "ms": make(datetime_conversion=modes.DATETIME_MS),
        "ms aware": make(datetime_conversion=modes.DATETIME_MS, tz_aware=True),
        "son": make(document_class=lib.SON),
        "ordered": make(document_class=collections.OrderedDict),
        "user dict": make(document_class=collections.UserDict),
    }


def describe(value: Any) -> Any:
    """Return nested tuples that are equal only for values of the same types and content."""
    name = type(value).__name__
    if isinstance(value, (dict, collections.UserDict)):
        return name, [(describe(key), describe(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return name, [describe(item) for item in value]
    if name == "DBRef":
        return name, describe(dict(value.as_doc()))
    if name == "Code":
        return name, str(value), describe(value.scope)
    if name == "Regex":
        return name, value.pattern, int(value.flags), type(value.flags).__name__
    return name, repr(value)


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# CPython's own messages show an extension type with its module and a Python class without.
_TYPE_NAME = re.compile(r"not '(?:bson\.\w+\.)?(\w+)'")


def outcome(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Return what `call` gives: a described value, or the class and text of its exception."""
    try:
        return describe(call(*args, **kwargs))
    except Exception as exc:
        text = _ADDRESS.sub("", str(exc)).replace("bsonx", "bson")
        text = _TYPE_NAME.sub(r"not '\1'", text)
        return type(exc).__name__, text


# What PyMongo says where it hides the cause; test_json_messages.py has what we say.
_HIDES_THE_CAUSE = re.compile(
    r"""(?x)
    \('\$maxKey\ value\ must\ be\ 1:.*
    | Bad\ \$minKey,\ extra\ field\(s\):.*\$maxKey.*
    | '[\w.]+'\ object\ is\ not\ (?:subscriptable|iterable)
    | '[\w.]+'\ object\ has\ no\ attribute\ 'encode'
    | (?:string|byte|list)\ ind(?:ices|ex)\ .*
    | '(?:base64|subType)'
    | object\ of\ type\ '[\w.]+'\ has\ no\ len\(\)
    | int\(\)\ .*
    | (?:invalid\ literal\ for|could\ not\ convert|cannot\ convert|Exceeds\ the\ limit)\ .*
    | \[<class\ 'decimal\..*
    | NaN\ with\ debug\ payload\ .*
    | (?:time\ data|unconverted\ data|day\ is\ out|(?:day\ \d+|microsecond|second|year)\ must)\ .*
    | (?:date\ value|year\ \d+\ is)\ out\ of\ range
    | badly\ formed\ hexadecimal\ UUID\ string
    | .*(?:base64|[Pp]adding|number\ of\ data\ characters).*
    | subtype\ must\ be\ contained\ in\ .*
    """,
    re.DOTALL,
)
_NAMES_THE_WRAPPER = re.compile(
    r"'?(?:Bad )?\$|time data '.*' does not match ISO-8601|date value", re.S
)


def agree(mine: Any, theirs: Any) -> bool:
    """Whether an outcome of reading is PyMongo's, but for messages that hide the cause."""
    if mine == theirs:
        return True
    if not isinstance(theirs[1], str):
        return False
    if mine[0] == "DBRef":  # a field that is named like an argument of it is as good as others
        return "multiple values for" in theirs[1] or "dictionary update" in theirs[1]
    if CPYTHON and not _HIDES_THE_CAUSE.fullmatch(theirs[1]):  # elsewhere causes have other words
        return False
    kind = "TypeError" if theirs[0] == "AttributeError" else theirs[0]
    return mine[0] == kind and bool(_NAMES_THE_WRAPPER.match(mine[1]))


_OFFSET = re.compile(r"(T\d\d:\d\d:\d\d(?:\.\d{3})?[+-]\d\d):(\d\d)")


def as_pymongo(outcome: Any) -> Any:
    """An outcome of writing with the offsets of dates as PyMongo has them: without a colon."""
    if isinstance(outcome, tuple):
        return tuple(as_pymongo(part) for part in outcome)
    if isinstance(outcome, list):
        return [as_pymongo(part) for part in outcome]
    return _OFFSET.sub(r"\1\2", outcome) if isinstance(outcome, str) else outcome


def deep_limit() -> int:
    """Return a nesting depth that no implementation survives."""
    return 100_000
