"""Encoding instances: where their attributes are, what is left out, and what changes meanwhile."""

import collections
import dataclasses
import datetime
import decimal
import enum
import gc
import pathlib
import re
import subprocess
import sys
import threading
import typing
import uuid

import pytest

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")


def stored(bx, value, **kwargs):
    return bx.decode(bx.encode(value, **kwargs))


# ---- the table of docs/typed.md, from Python to BSON ----


class Color(enum.Enum):
    RED = "red"


class Pair(typing.NamedTuple):
    a: int
    b: str


@dataclasses.dataclass
class Inner:
    x: int


UTC = datetime.UTC
DAY = datetime.datetime(2020, 1, 2)
UUID = uuid.UUID(int=7)
# By the first cell of the row: annotations, with a value and what is stored.
TABLE = {
    "`int`": [(int, 5, 5), (int, 2**40, 2**40)],
    "`float`": [(float, 0.5, 0.5)],
    "`str`, `bool`, `None`": [(str, "x", "x"), (bool, True, True), (None, None, None)],
    "`bytes`": [(bytes, b"x", b"x"), ("Binary", ("Binary", b"x", 5), ("Binary", b"x", 5))],
    "`datetime`": [
        (datetime.datetime, DAY, DAY),
        (datetime.datetime, DAY.replace(tzinfo=UTC), DAY),
        ("DatetimeMS", ("DatetimeMS", 0), datetime.datetime(1970, 1, 1)),
    ],
    "`date`": [(datetime.date, DAY.date(), DAY)],
    "`time`": [(datetime.time, datetime.time(1, 2), "01:02:00")],
    "`timedelta`": [(datetime.timedelta, datetime.timedelta(seconds=2), ("Int64", 2000))],
    "`UUID`": [(uuid.UUID, UUID, ("Binary", UUID.bytes, 4))],
    "`Decimal`": [(decimal.Decimal, decimal.Decimal("1.50"), ("Decimal128", "1.50"))],
    "`ObjectId` and the other BSON types": [
        ("ObjectId", ("ObjectId", b"0" * 12), ("ObjectId", b"0" * 12)),
        ("Int64", ("Int64", 5), ("Int64", 5)),
        ("Timestamp", ("Timestamp", 1, 2), ("Timestamp", 1, 2)),
        ("Decimal128", ("Decimal128", "1"), ("Decimal128", "1")),
        ("Code", ("Code", "x"), ("Code", "x")),
        ("MinKey", ("MinKey",), ("MinKey",)),
        ("MaxKey", ("MaxKey",), ("MaxKey",)),
        ("Regex", ("Regex", "x"), ("Regex", "x")),
        ("DBRef", ("DBRef", "c", 1), ("DBRef", "c", 1)),
    ],
    "`Enum`, `Literal`": [(Color, Color.RED, "red"), (typing.Literal[1, "a"], "a", "a")],
    "`Path`": [(pathlib.Path, pathlib.Path("a"), "a")],
    "`re.Pattern`": [(re.Pattern, re.compile("x", re.I), ("Regex", "x", re.I | re.U))],
    "`list[T]`, `Sequence[T]`, `deque[T]`, `set[T]`, `frozenset[T]`, `tuple[T, ...]`, "
    "`tuple[A, B]`": [
        (list[int], [1, 2], [1, 2]),
        (typing.Sequence[int], (1, 2), [1, 2]),
        (collections.deque[int], collections.deque([1, 2], maxlen=5), [1, 2]),
        (set[int], {1}, [1]),
        (frozenset[Color], frozenset([Color.RED]), ["red"]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (list[collections.deque[datetime.date]], [collections.deque([DAY.date()])], [[DAY]]),
    ],
    "`dict[str, T]`, `Mapping[str, T]`": [
        (dict[str, set[int]], {"a": {1}}, {"a": [1]}),
        (typing.Mapping[str, int], collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    ],
    "a class with fields": [(Inner, Inner(1), {"x": 1}), (Pair, Pair(1, "a"), [1, "a"])],
    "`SON`, `RawBSONDocument`, other mappings": [
        ("SON", ("SON", {"a": 1}), {"a": 1}),
        ("RawBSONDocument", ("RawBSONDocument", b"\x05\0\0\0\0"), {}),
        (collections.ChainMap, collections.ChainMap({"a": 1}), {"a": 1}),
    ],
    "`Any`, `object`": [(typing.Any, {1}, [1]), (object, Color.RED, "red")],
    "`A \\| B`": [(int | collections.deque[str], collections.deque("a"), ["a"])],
}
CASES = [case for cases in TABLE.values() for case in cases]


def rows():
    """The first cells of the table under "## Types"."""
    text = pathlib.Path(__file__).parents[2].joinpath("docs", "typed.md").read_text()
    section = text.split("## Types\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [re.split(r" (?<!\\)\| ", line[2:])[0] for line in lines[1:]]


def test_every_row_of_the_table_is_encoded():
    assert list(TABLE) == rows()


def made(bx, value):
    """An object of the package at hand, for a tuple of a name and arguments."""
    if type(value) is not tuple or not isinstance(value[0], str):
        return value
    cls = getattr(bx, value[0], None) or getattr(bx.raw_bson, value[0])
    return cls(*value[1:])


def holders(annotation):
    """A class of each kind with a field `v` of this type."""
    yield dataclasses.make_dataclass("D", [("v", annotation)])
    yield dataclasses.make_dataclass("S", [("v", annotation)], slots=True)
    yield msgspec.defstruct("M", [("v", annotation)])
    yield attrs.make_class("A", {"v": attrs.field(type=annotation)})
    yield pydantic.create_model(
        "P",
        __config__=pydantic.ConfigDict(arbitrary_types_allowed=True),
        v=(typing.Optional[annotation], None),  # noqa: UP045
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case[0])[:40])
def test_the_table(bx, case):
    annotation, value, expected = case
    if isinstance(annotation, str):
        annotation = getattr(bx, annotation, None) or getattr(bx.raw_bson, annotation)
    value, expected = made(bx, value), made(bx, expected)
    for cls in holders(annotation):
        if issubclass(cls, pydantic.BaseModel):
            holder = cls.model_construct(v=value)
        else:
            holder = cls(v=value)
        got = stored(bx, holder)["v"]
        assert got == expected and isinstance(got, type(expected)), cls
        assert stored(bx, {"a": [holder]})["a"][0]["v"] == expected


def test_containers_and_keys_of_other_classes(bx):
    class Text(str, enum.Enum):  # noqa: UP042 - also this one
        A = "a"

    class Names(dict):
        pass

    class Items(list):
        pass

    class Deque(collections.deque):
        pass

    for value, expected in [
        (Names(a=1), {"a": 1}),
        (Items([1]), [1]),
        (Pair(1, "x"), [1, "x"]),
        (Deque([1]), [1]),
        ({Text.A: Text.A}, {"a": "a"}),
        (collections.Counter("aa"), {"a": 2}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (collections.UserDict(a=1), {"a": 1}),
    ]:
        assert stored(bx, Inner(value)) == {"x": expected}
    with pytest.raises(bx.InvalidDocument, match="must have only string keys"):
        bx.encode(Inner({Color.RED: 1}))
    with pytest.raises(bx.InvalidDocument, match="cannot encode object"):
        bx.encode(Inner(collections.UserList([1])))


# ---- where attributes are ----


def kinds(**fields):
    """Classes of all kinds with these fields."""
    names = list(fields)
    typed = [(name, typing.Any) for name in names]
    yield dataclasses.make_dataclass("D", typed)
    yield dataclasses.make_dataclass("S", typed, slots=True)
    yield dataclasses.make_dataclass("F", typed, frozen=True)
    yield msgspec.defstruct("M", typed)
    yield msgspec.defstruct("G", typed, frozen=True, gc=False)
    yield attrs.make_class("A", names, slots=True)
    yield attrs.make_class("B", names, slots=False)
    yield pydantic.create_model("P", **dict.fromkeys(names, (typing.Any, None)))


FIELDS = {
    "a": 1,
    "text": "text",
    "längere": 2.5,
    "exactly_fourteen"[:14]: None,
    "exactly_fifteen": True,
    "exactly_sixteen_": 2**40,
    "seventeen_letters": {"x": [1, {"y": "z"}]},
    "n" * 31: [1, "a", None],
    "m" * 200: "ä",
    "id": 7,
}


def test_instances_are_stored_as_the_equal_dict(bx):
    expected = {"_id" if key == "id" else key: value for key, value in FIELDS.items()}
    first = {"_id": expected.pop("_id"), **expected}
    for cls in kinds(**FIELDS):
        instance = cls(**FIELDS)
        assert bx.encode(instance) == bx.encode(first), cls
        assert bx.encode({"v": [instance]}) == bx.encode({"v": [FIELDS]}), cls
        vars(instance) if hasattr(instance, "__dict__") else None  # it has a dict now
        assert bx.encode(instance) == bx.encode(first), cls


def test_many_fields(bx):
    fields = {f"field_{i}": i for i in range(100)}  # more than keys are shared for
    for cls in kinds(**fields):
        assert bx.encode(cls(**fields)) == bx.encode(fields), cls


def test_attributes_out_of_order(bx):
    @dataclasses.dataclass
    class Doc:
        a: int
        b: int = 2
        c: int = 3
        d: int = 4

    expected = {"a": 1, "b": 2, "c": 3, "d": 4}
    early = Doc.__new__(Doc)
    early.z, early.y, early.x, early.w, early.v = range(5)
    Doc.__init__(early, 1)
    mixed = Doc(1)
    del mixed.a, mixed.c
    mixed.extra = 5
    mixed.c, mixed.a = 3, 1
    replaced = Doc(1)
    replaced.__dict__ = {"d": 4, "q": 1, "c": 3, "b": 2, "a": 1}
    absent = Doc(1)
    del absent.b, absent.d  # the class has them
    emptied = Doc(1)
    emptied.__dict__.clear()
    emptied.a = 1
    no_strings = Doc(1)
    no_strings.__dict__[5] = 6
    for instance in (early, mixed, replaced, absent, emptied, no_strings, Doc(1)):
        assert stored(bx, instance) == expected
        assert stored(bx, {"x": instance})["x"] == expected


def test_names_that_are_not_interned(bx):
    @dataclasses.dataclass
    class Doc:
        first: int = 1

    instance = Doc()
    instance.__dict__ = {"".join(["fi", "rst"]): 5}
    assert stored(bx, instance) == {"first": 5}


def test_slots_and_a_dict_together(bx):
    class Base:
        __slots__ = ("a",)

    @dataclasses.dataclass
    class Mixed(Base):
        a: int
        b: int

    @dataclasses.dataclass(slots=True, weakref_slot=True)
    class Weak:
        a: int

    @dataclasses.dataclass(slots=True)
    class Derived(Weak):
        b: int

    assert stored(bx, Mixed(1, 2)) == {"a": 1, "b": 2}
    assert stored(bx, Derived(1, 2)) == {"a": 1, "b": 2}

    @dataclasses.dataclass
    class Number(Exception):  # its dict is where that of exceptions is
        a: int
        b: int

    assert stored(bx, Number(1, 2)) == {"a": 1, "b": 2}


def test_attributes_that_are_missing(bx):
    for cls in kinds(a=1, b=2):
        instance = cls(a=1, b=2)
        if cls.__name__ in "FGP":
            continue
        del instance.b
        with pytest.raises(AttributeError) as ours:
            bx.encode({"x": [instance]})
        assert ours.value.path == "x[0].b"
        with pytest.raises(AttributeError) as theirs:
            _ = instance.b
        assert str(ours.value) == str(theirs.value)
        instance.b = 3
        assert stored(bx, instance) == {"a": 1, "b": 3}


def test_getattr_and_getattribute_are_asked(bx):
    @dataclasses.dataclass
    class Fallback:
        a: int
        b: int

        def __getattr__(self, name):
            if name == "b":
                return 5
            raise AttributeError(name)

    instance = Fallback(1, 2)
    assert stored(bx, instance) == {"a": 1, "b": 2}
    del instance.b
    assert stored(bx, instance) == {"a": 1, "b": 5}

    @dataclasses.dataclass
    class Always:
        a: int

        def __getattribute__(self, name):
            return 7 if name == "a" else object.__getattribute__(self, name)

    assert stored(bx, Always(1)) == {"a": 7}


def test_properties_hide_the_dict(bx):
    @dataclasses.dataclass
    class Doc:
        a: int

    class Child(Doc):
        @property
        def a(self):
            return self.__dict__["a"] * 10

        @a.setter
        def a(self, value):
            self.__dict__["a"] = value

    assert stored(bx, Child(1)) == {"a": 10}
    assert stored(bx, Doc(1)) == {"a": 1}


# ---- what changes ----

ANY_AB = [("a", typing.Any), ("b", typing.Any)]


@pytest.mark.parametrize("slots", [False, True])
def test_classes_that_change(bx, slots):
    cls = dataclasses.make_dataclass("Doc", ANY_AB, slots=slots)
    instance = cls(1, 2)
    assert stored(bx, instance) == {"a": 1, "b": 2}
    for i in range(5):  # of no matter
        cls.counter = i
        assert stored(bx, instance) == {"a": 1, "b": 2}
    old = cls.__dict__.get("a")
    cls.a = property(lambda self: 10)
    assert stored(bx, instance) == {"a": 10, "b": 2}
    if old is not None:
        cls.a = old
    else:
        del cls.a
    assert stored(bx, {"x": instance})["x"] == {"a": 1, "b": 2}
    cls.__getattribute__ = lambda self, name: (
        5 if name == "a" else object.__getattribute__(self, name)
    )
    assert stored(bx, {"x": instance})["x"] == {"a": 5, "b": 2}
    del cls.__getattribute__
    cls._type_marker = 127
    assert stored(bx, {"x": instance}) == {"x": bx.MaxKey()}
    del cls._type_marker
    assert stored(bx, instance) == {"a": 1, "b": 2}


def test_base_classes_that_change(bx):
    @dataclasses.dataclass
    class Base:
        a: int

    @dataclasses.dataclass
    class Child(Base):
        b: int

    instance = Child(1, 2)
    assert stored(bx, instance) == {"a": 1, "b": 2}
    Base.a = property(lambda self: 10, lambda self, value: None)
    assert stored(bx, instance) == {"a": 10, "b": 2}
    other = dataclasses.make_dataclass("Other", [("a", int), ("c", int)])
    instance.__class__ = other
    instance.c = 3
    assert stored(bx, instance) == {"a": 1, "c": 3}


class Meddler:
    """What it does when it is encoded is told it by the test."""


def meddling(bx, act):
    def fallback(value):
        act()
        return "meddled"

    return bx.CodecOptions(
        type_registry=bx.codec_options.TypeRegistry(fallback_encoder=fallback), profile="python"
    )


def test_instances_that_change_while_they_are_encoded(bx):
    for cls in kinds(a=0, b=0, c=0, d=0, e=0):
        if cls.__name__ in "FG":
            continue
        for nested in (False, True):
            instance = cls(a="x" * 50, b=Meddler(), c=[1], d="y" * 50, e=5)

            def act(instance=instance):
                instance.b = None
                instance.c = ["new"]
                instance.d = "n" * 40
                if hasattr(instance, "__dict__") and isinstance(instance.__dict__, dict):
                    values = dict(instance.__dict__)
                    instance.__dict__.clear()
                    instance.__dict__.update(reversed(values.items()))

            options = meddling(bx, act)
            document = {"i": instance} if nested else instance
            got = bx.decode(bx.encode(document, codec_options=options))
            assert (got["i"] if nested else got) == {
                "a": "x" * 50,
                "b": "meddled",
                "c": ["new"],
                "d": "n" * 40,
                "e": 5,
            }, cls


def test_fields_that_vanish_while_they_are_encoded(bx):
    @dataclasses.dataclass
    class Doc:
        a: object
        b: int

    instance = Doc(Meddler(), 2)
    options = meddling(bx, lambda: instance.__dict__.clear())
    with pytest.raises(AttributeError) as info:
        bx.encode({"x": instance}, codec_options=options)
    assert info.value.path == "x.b"
    instance = Doc(Meddler(), 2)
    options = meddling(bx, lambda: setattr(instance, "__dict__", {"b": 9}))
    assert stored(bx, instance, codec_options=options) == {"a": "meddled", "b": 9}


def test_classes_that_change_while_instances_are_encoded(bx):
    @dataclasses.dataclass
    class Doc:
        a: object
        b: int

    instance = Doc(Meddler(), 2)

    def act():
        del Doc.__bsonx_encode__

    bx.encode(Doc(1, 2))
    assert stored(bx, instance, codec_options=meddling(bx, act)) == {"a": "meddled", "b": 2}


# ---- keys ----


def test_keys_that_cannot_be_stored(bx):
    for name, error, text in [
        ("a\0b", bx.InvalidDocument, "must not contain the NULL byte"),
        ("\ud800", UnicodeEncodeError, "surrogates"),
    ]:
        other = dataclasses.field(metadata={"bson": name})
        cls = dataclasses.make_dataclass("Doc", [("a", int), ("b", int, other)])
        for document in (cls(1, 2), {"x": cls(1, 2)}):
            with pytest.raises(error, match=text):
                bx.encode(document)


def test_empty_and_checked_keys(bx):
    empty, dollar = (typing.Annotated[int, bx.typed.Name(name)] for name in ("", "$b"))
    cls = dataclasses.make_dataclass("Doc", [("a", empty), ("b", dollar)])
    assert stored(bx, cls(1, 2)) == {"": 1, "$b": 2}
    with pytest.raises(bx.InvalidDocument, match=r"key '\$b' must not start with '\$'") as info:
        bx.encode({"x": cls(1, 2)}, check_keys=True)
    assert info.value.path == "x.$b"


# ---- what is left out, and put in front ----


def test_struct_settings(bx):
    class Tagged(msgspec.Struct, tag="t", omit_defaults=True):
        name: str = "x"
        items: list = []
        more: dict = msgspec.field(default_factory=dict)
        id: object = None
        maybe: object = msgspec.UNSET

    assert stored(bx, Tagged()) == {"type": "t"}
    full = Tagged("y", [1], {"a": 1}, 5, 6)
    expected = {"_id": 5, "type": "t", "name": "y", "items": [1], "more": {"a": 1}, "maybe": 6}
    assert list(stored(bx, full).items()) == list(expected.items())
    inner = {"type": "t", "name": "y", "items": [1], "more": {"a": 1}, "id": 5, "maybe": 6}
    assert list(stored(bx, {"x": full})["x"].items()) == list(inner.items())
    assert stored(bx, {"x": Tagged(id=None)})["x"] == {"type": "t"}

    class Unset(msgspec.Struct):
        id: object = msgspec.UNSET
        a: object = msgspec.UNSET

    assert stored(bx, Unset()) == {}
    assert stored(bx, {"x": Unset(None, None)}) == {"x": {"id": None, "a": None}}


# ---- depth ----


@dataclasses.dataclass
class Chain:
    next: object = None


@dataclasses.dataclass(slots=True)
class SlotChain:
    next: object = None


class StructChain(msgspec.Struct):
    next: object = None


class ModelChain(pydantic.BaseModel):
    next: typing.Any = None


CHAINS = [Chain, SlotChain, StructChain, ModelChain]


def chain(cls, length):
    instance = None
    for _ in range(length):
        instance = cls(next=instance)
    return instance


@pytest.mark.parametrize("cls", CHAINS)
def test_deep_chains(bx, cls):
    assert stored(bx, chain(cls, 100)) == stored(bx, chain(Chain, 100))
    if bx.has_c():
        bx.encode(chain(cls, 1000))
    with pytest.raises(RecursionError):
        bx.encode(chain(cls, 1001))
    loop = cls()
    loop.next = loop
    with pytest.raises(RecursionError):
        bx.encode(loop)
    loop.next = None


def test_a_model_that_dumps_itself_ends(bx):
    class Loop(pydantic.RootModel[typing.Any]):
        pass

    loop = Loop(None)
    loop.root = loop
    for document in (loop, {"x": loop}):
        with pytest.raises(RecursionError):
            bx.encode(document)
    loop.root = None


SMALL_STACK = """
import sys, threading, typing
sys.path.insert(0, {path!r})
import bsonx
from test_typed_encoding import CHAINS, chain

kept = []  # what is not to be freed on a small stack: CPython 3.13 itself dies of that

def run():
    for cls in CHAINS:
        for length in (10, 400, 990, 5000):
            kept.append(chain(cls, length))
            try:
                bsonx.encode(kept[-1])
            except RecursionError:
                assert length > 10, cls

for size in (64 * 1024, 128 * 1024, 512 * 1024):
    threading.stack_size(size)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
print("done")
"""


def test_small_stacks():
    script = SMALL_STACK.format(path=str(pathlib.Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "done\n", done.stderr[-2000:]


# ---- the rest ----

NO_CLASS = """
import dataclasses, bsonx
from bsonx._typed import encode

plan = encode.EncodePlan(int, [])
plan.cls = 5
encode.encode_plan_for = lambda cls: plan
Doc = dataclasses.make_dataclass("Doc", [("a", int)])
try:
    bsonx.encode(Doc(1))
except SystemError as exc:
    print(exc)
"""


def test_a_plan_without_a_class_is_an_error():
    pytest.importorskip("bsonx._native", reason="the extension alone reads memory by it")
    done = subprocess.run(
        [sys.executable, "-c", NO_CLASS], capture_output=True, text=True, check=False
    )
    assert "must be a type" in done.stdout, done.stderr[-2000:]


def test_threads_encode_one_class_at_once(bx):
    cls = dataclasses.make_dataclass("Doc", ANY_AB)
    expected = bx.encode({"a": 1, "b": [1]})
    start = threading.Barrier(4)
    wrong = []

    def work():
        start.wait()
        wrong.append(any(bx.encode(cls(1, [1])) != expected for _ in range(200)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [False] * 4


# ---- several instances of one class in a document ----


class Acting(collections.UserDict):
    """A mapping that does something when it is encoded."""

    def __init__(self, act):
        super().__init__(done=True)
        self.act = act

    def __getitem__(self, key):
        self.act()
        return super().__getitem__(key)


@pytest.mark.parametrize("slots", [False, True])
def test_a_class_that_changes_between_its_instances(bx, slots):
    cls = dataclasses.make_dataclass("Doc", ANY_AB, slots=slots)

    def hide():
        cls.b = property(lambda self: "hidden")

    def mark():
        cls._type_marker = 127

    items = [cls(1, 2), cls(Acting(hide), 3), cls(4, 5), cls(6, cls(7, 8))]
    marked = [cls(1, 2), cls(Acting(mark), 3), cls(4, 5)]
    assert stored(bx, {"x": items})["x"][2:] == [
        {"a": 4, "b": "hidden"},
        {"a": 6, "b": "hidden"},
    ]

    assert stored(bx, {"x": marked})["x"][2] == bx.MaxKey()


def test_a_plan_that_is_taken_away_between_instances(bx):
    cls = dataclasses.make_dataclass("Doc", ANY_AB)

    def forget():
        if "__bsonx_encode__" in vars(cls):
            cls.__bsonx_encode__.compiled = None
            del cls.__bsonx_encode__
        gc.collect()

    items = [cls(1, 2), cls(Acting(forget), 3), cls(4, cls(Acting(forget), 5)), cls(6, 7)]
    assert stored(bx, {"x": items})["x"] == [
        {"a": 1, "b": 2},
        {"a": {"done": True}, "b": 3},
        {"a": 4, "b": {"a": {"done": True}, "b": 5}},
        {"a": 6, "b": 7},
    ]


def test_instances_by_turns(bx):
    one, other = (dataclasses.make_dataclass(name, ANY_AB, slots=True) for name in "XY")
    items = [one(1, other(2, 3)), other(one(4, 5), 6), {"a": 1}, one(7, 8), other(9, 10)] * 3
    expected = [
        {"a": 1, "b": {"a": 2, "b": 3}},
        {"a": {"a": 4, "b": 5}, "b": 6},
        {"a": 1},
        {"a": 7, "b": 8},
        {"a": 9, "b": 10},
    ] * 3
    assert stored(bx, {"x": items})["x"] == expected
    registry = bx.codec_options.TypeRegistry(fallback_encoder=lambda value: "fallen back")
    options = bx.CodecOptions(type_registry=registry)
    assert stored(bx, {"x": [one(1, 2)] * 2}, codec_options=options)["x"] == ["fallen back"] * 2
    assert stored(bx, {"x": items, "y": bx.SON(a=one(1, 2))})["y"] == {"a": {"a": 1, "b": 2}}
