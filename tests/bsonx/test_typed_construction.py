"""How instances come into being: directly where nothing can tell, else by their constructor."""

import abc
import dataclasses
import typing
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Annotated

import pytest

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")


def decode(bx, cls, document):
    return bx.decode(bx.encode(document), type=cls)


def refuse(bx, cls, document, text, path=""):
    from bsonx.typed import TypedDecodeError

    with pytest.raises(TypedDecodeError, match=text) as info:
        decode(bx, cls, document)
    assert info.value.path == path
    return info.value


# ---- dataclasses ----


def test_post_init_is_called(bx):
    @dataclass
    class Sum:
        a: int
        b: int = 2
        total: int = field(init=False, default=0)

        def __post_init__(self):
            if self.a < 0:
                raise ValueError("a is negative")
            self.total = self.a + self.b

    assert decode(bx, Sum, {"a": 1, "total": 99}) == Sum(1)
    assert decode(bx, Sum, {"a": 1}).total == 3
    error = refuse(bx, Sum, {"a": -1}, "a is negative")
    assert isinstance(error.__cause__, ValueError)

    @dataclass
    class Outer:
        sums: list[Sum]

    refuse(bx, Outer, {"sums": [{"a": 1}, {"a": -1}]}, "a is negative", "sums[1]")


def test_a_constant_field_is_in_no_document(bx):
    @dataclass
    class Constant:
        a: int = 0
        total: int = field(init=False, default=7)

    # a field without a name, whose value begins like the name of a field
    for element in (b"\x02\0total\0\0\0", b"\x05\0total\0" + b"\0" * 8):
        data = (len(element) + 5).to_bytes(4, "little") + element + b"\0"
        with pytest.raises(bx.InvalidBSON):
            bx.decode(data, type=Constant)
    element = b"\x02\0\6\0\0\0total\0"
    data = (len(element) + 5).to_bytes(4, "little") + element + b"\0"
    assert bx.decode(data, type=Constant) == Constant()


def test_fields_that_are_no_arguments_come_back(bx):
    from bsonx.typed import TypedDecodeError

    @dataclass
    class Plain:
        name: str
        nick: str = field(init=False, default="")
        tags: list[int] = field(init=False, default_factory=list)
        late: int = field(init=False)
        Scale: typing.ClassVar[int] = 3

    @dataclass(slots=True)
    class Slots:
        name: str
        nick: str = field(init=False, default="")

    @dataclass(frozen=True)
    class Frozen:
        name: str
        nick: str = field(init=False, default="")

    ada = Plain("Ada")
    ada.nick, ada.tags, ada.late = "Countess", [1], 5
    assert decode(bx, Plain, bx.decode(bx.encode(ada))) == ada
    bare = decode(bx, Plain, {"name": "Ada"})
    assert vars(bare) == vars(Plain("Ada"))  # no default is set that the constructor does not set
    assert not hasattr(bare, "late")
    refuse(bx, Plain, {"name": "Ada", "nick": 5}, "expected str, got int", "nick")
    for cls in (Slots, Frozen):
        assert decode(bx, cls, {"name": "Ada", "nick": "x"}).nick == "x"
        assert decode(bx, cls, {"name": "Ada"}) == cls("Ada")

    @dataclass
    class OwnInit:
        a: int
        nick: str = field(init=False, default="")
        scale: InitVar[int] = 2

        def __post_init__(self, scale):
            self.nick = f"x{self.a * scale}"

    assert decode(bx, OwnInit, {"a": 1}).nick == "x2"
    assert decode(bx, OwnInit, {"a": 1, "nick": "y"}).nick == "y"

    @dataclass(frozen=True)
    class FrozenInit:
        a: int
        nick: str = field(init=False, default="")

        def __init__(self, a):
            object.__setattr__(self, "a", a)

    assert decode(bx, FrozenInit, {"a": 1, "nick": "y"}).nick == "y"

    @dataclass
    class Base:
        a: int
        nick: str = field(init=False)

    class Computed(Base):
        @property
        def nick(self):
            return f"x{self.a}"

    assert decode(bx, Computed, {"a": 1, "nick": "old"}).nick == "x1"

    @dataclass
    class Checked:
        a: int
        nick: str = field(init=False, default="")

        def __setattr__(self, name, value):
            if value == "bad":
                raise ValueError("a bad value")
            super().__setattr__(name, value)

    assert decode(bx, Checked, {"a": 1, "nick": "y"}).nick == "y"
    with pytest.raises(TypedDecodeError, match="a bad value"):
        decode(bx, Checked, {"a": 1, "nick": "bad"})


def test_attributes_of_attrs_that_are_no_arguments_come_back(bx):
    @attrs.define
    class A:
        a: int
        c: int = attrs.field(init=False, default=5)
        d: list[int] = attrs.field(init=False, factory=list)
        e: int = attrs.field(init=False)

    @attrs.frozen
    class Converted:
        a: int = attrs.field(converter=int)
        c: int = attrs.field(init=False, default=5)

    made = A(1)
    made.c, made.d, made.e = 99, [1], 7
    assert decode(bx, A, bx.decode(bx.encode(made))) == made
    assert decode(bx, A, {"a": 1}).c == 5
    assert not hasattr(decode(bx, A, {"a": 1}), "e")
    assert decode(bx, Converted, {"a": 1, "c": 6}).c == 6
    assert decode(bx, Converted, {"a": 1}) == Converted(1)


def test_exceptions_that_are_not_about_the_document_pass(bx):
    @dataclass
    class Bad:
        a: int

        def __post_init__(self):
            raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        decode(bx, Bad, {"a": 1})


def test_init_variables_and_own_constructors(bx):
    @dataclass
    class WithInitVar:
        a: int
        scale: InitVar[int] = 10

        def __post_init__(self, scale):
            self.a *= scale

    assert decode(bx, WithInitVar, {"a": 2}).a == 20
    assert decode(bx, WithInitVar, {"a": 2, "scale": 3}).a == 6

    @dataclass
    class OwnInit:
        a: int
        b: int = 5

        def __init__(self, a, b=7):
            self.a, self.b, self.made = a, b, True

    made = decode(bx, OwnInit, {"a": 1})
    assert (made.a, made.b, made.made) == (1, 7, True)

    class Derived(OwnInit):
        def __init__(self, a, b=8):
            super().__init__(a, b)

    assert decode(bx, Derived, {"a": 1}).b == 8


def test_classes_without_a_constructor(bx):
    def fail(self):
        raise AssertionError("only a constructor calls it")

    @dataclass(init=False)
    class Data:
        a: int
        b: list[int] = field(default_factory=list)
        __post_init__ = fail

    @attrs.define(init=False)
    class Attrs:
        a: int
        b: list[int] = attrs.field(factory=list)
        __attrs_post_init__ = fail

    for cls in (Data, Attrs):
        made = decode(bx, cls, {"a": 1})
        assert (type(made), made.a, made.b) == (cls, 1, [])
        assert bx.decode(bx.encode(made)) == {"a": 1, "b": []}
        assert decode(bx, cls, {"a": 1, "b": [2]}).b == [2]
        refuse(bx, cls, {}, "needs the field 'a'")


def test_own_new_setattr_and_metaclass(bx):
    log = []

    @dataclass
    class OwnNew:
        a: int

        def __new__(cls, *args, **kwargs):
            log.append("new")
            return super().__new__(cls)

    decode(bx, OwnNew, {"a": 1})

    @dataclass
    class OwnSetattr:
        a: int

        def __setattr__(self, name, value):
            log.append(name)
            super().__setattr__(name, value)

    decode(bx, OwnSetattr, {"a": 1})

    class Meta(type):
        def __call__(cls, *args, **kwargs):
            log.append("call")
            return super().__call__(*args, **kwargs)

    @dataclass
    class OwnMeta(metaclass=Meta):
        a: int

    decode(bx, OwnMeta, {"a": 1})
    assert log == ["new", "a", "call"]


def test_properties_as_fields_are_set_through(bx):
    @dataclass
    class WithProperty:
        a: int

        @property
        def a(self):
            return self._a

        @a.setter
        def a(self, value):
            self._a = value * 2

    assert decode(bx, WithProperty, {"a": 2}).a == 4


def test_slots_frozen_keyword_only_and_inheritance(bx):
    @dataclass(slots=True, frozen=True)
    class Base:
        a: int

    @dataclass(slots=True, frozen=True)
    class Sub(Base):
        _: KW_ONLY
        b: str = "x"
        c: list = field(default_factory=list)

    made = decode(bx, Sub, {"a": 1, "c": [1]})
    assert made == Sub(1, c=[1]) and hash(made.a)
    assert not hasattr(made, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.a = 2

    class Undecorated(Base):
        pass

    made = decode(bx, Undecorated, {"a": 1})
    assert type(made) is Undecorated and made.a == 1


def test_names_from_metadata_and_annotations(bx):
    from bsonx.typed import Name

    @dataclass
    class Renamed:
        key: int = field(metadata={"bson": "_id"})
        first: str = field(metadata={"name": "firstName"})
        last: Annotated[str, Name("lastName")] = ""
        id: Annotated[int, Name("id")] = 0

    document = {"_id": 1, "firstName": "Ada", "lastName": "L", "id": 5}
    made = decode(bx, Renamed, document)
    assert made == Renamed(1, "Ada", "L", 5)
    assert bx.decode(bx.encode(made)) == document
    refuse(bx, Renamed, {"_id": 1, "firstName": 5}, "expected str, got int", "firstName")

    @dataclass
    class Twice:
        a: int = field(metadata={"bson": "x"})
        x: int

    with pytest.raises(TypeError, match=r"'a' and 'x' of .*Twice are both called 'x'"):
        decode(bx, Twice, {})

    class Movie(typing.TypedDict):
        key: Annotated[int, Name("_id")]
        title: str

    assert decode(bx, Movie, {"_id": 1, "title": "x"}) == {"key": 1, "title": "x"}


@pytest.mark.parametrize("bad", [5, "a\0b"])
def test_names_must_be_strings(bx, bad):
    from bsonx.typed import Name

    with pytest.raises(TypeError, match="name must be a str"):
        Name(bad)


def test_a_class_with_id_and_underscore_id(bx):
    @dataclass
    class Both:
        _id: int
        id: int

    made = decode(bx, Both, {"_id": 1, "id": 2})
    assert (made._id, made.id) == (1, 2)
    assert bx.decode(bx.encode(made)) == {"_id": 1, "id": 2}


def test_underscore_id_is_first_and_left_out_while_none(bx):
    @dataclass
    class Doc:
        title: str
        id: int | None = None

    assert list(bx.decode(bx.encode(Doc("x", 5)))) == ["_id", "title"]
    assert bx.decode(bx.encode(Doc("x"))) == {"title": "x"}
    assert bx.decode(bx.encode({"inner": Doc("x")})) == {"inner": {"title": "x", "id": None}}


def test_abstract_classes_are_refused(bx):
    @dataclass
    class Abstract(abc.ABC):
        a: int

        @abc.abstractmethod
        def go(self): ...

    with pytest.raises(TypeError, match="abstract class"):
        decode(bx, Abstract, {"a": 1})


def test_defaults_are_made_anew(bx):
    made = []

    @dataclass
    class D:
        a: list = field(default_factory=lambda: made.append(1) or [len(made)])

    assert decode(bx, D, {}).a == [1]
    assert decode(bx, D, {}).a == [2]
    assert decode(bx, D, {"a": []}).a == []
    assert len(made) == 2

    @dataclass
    class Failing:
        a: int = field(default_factory=lambda: int("x"))

    refuse(bx, Failing, {}, "invalid literal")


# ---- attrs ----


def test_attrs_converters_and_validators_run(bx):
    @attrs.define
    class A:
        x: int = attrs.field(converter=int)
        y: str = attrs.field(default="a", validator=attrs.validators.in_(["a", "b"]))

    assert decode(bx, A, {"x": 5}) == A(5)
    assert decode(bx, A, {"x": 5, "y": "b"}) == A(5, "b")
    refuse(bx, A, {"x": 5, "y": "c"}, "must be in")


def test_attrs_names(bx):
    @attrs.define
    class A:
        _private: int
        alias: int = attrs.field(alias="als")
        meta: int = attrs.field(default=1, metadata={"bson": "m"})
        factory: list = attrs.Factory(list)
        derived: list = attrs.Factory(lambda self: [self._private], takes_self=True)

    document = {"_private": 1, "als": 2, "m": 3, "factory": [4], "derived": [5]}
    made = decode(bx, A, document)
    assert made == A(1, 2, 3, [4], [5])
    assert bx.decode(bx.encode(made)) == document
    assert decode(bx, A, {"_private": 1, "als": 2}).derived == [1]


def test_attrs_hooks(bx):
    @attrs.define
    class Post:
        a: int
        double: int = attrs.field(init=False)

        def __attrs_post_init__(self):
            self.double = 2 * self.a

    assert decode(bx, Post, {"a": 2, "double": 9}).double == 4

    @attrs.define
    class PostOnly:
        a: int

        def __attrs_post_init__(self):
            self.a += 1

    assert decode(bx, PostOnly, {"a": 2}).a == 3

    @attrs.define(init=False)
    class Own:
        a: int

        def __init__(self, a):
            self.__attrs_init__(a + 1)

    assert decode(bx, Own, {"a": 1}).a == 2

    @attrs.frozen(cache_hash=True)
    class Cached:
        a: int

    assert hash(decode(bx, Cached, {"a": 1})) == hash(Cached(1))

    @attrs.define(auto_exc=True)
    class Problem(Exception):
        code: int

    assert decode(bx, Problem, {"code": 1}).args == (1,)


# ---- msgspec ----


def test_msgspec_settings(bx):
    class Camel(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
        first_name: str
        last: str = msgspec.field(name="surname", default="")

    document = {"firstName": "Ada", "surname": "L"}
    made = decode(bx, Camel, document)
    assert made == Camel("Ada", "L")
    assert bx.decode(bx.encode(made)) == document
    refuse(bx, Camel, {**document, "x": 1}, "Camel has no field 'x'")

    class Post(msgspec.Struct):
        a: int

        def __post_init__(self):
            if self.a < 0:
                raise ValueError("negative")
            self.a += 1

    assert decode(bx, Post, {"a": 1}).a == 2
    refuse(bx, Post, {"a": -1}, "negative")


def test_msgspec_omits_defaults_and_unset(bx):
    class Opt(msgspec.Struct, omit_defaults=True):
        a: int = 1
        b: list[int] = []
        c: str | None = None

    assert bx.decode(bx.encode(Opt())) == {}
    assert bx.decode(bx.encode(Opt(2, [1], "x"))) == {"a": 2, "b": [1], "c": "x"}

    class Patch(msgspec.Struct):
        a: int | msgspec.UnsetType = msgspec.UNSET
        b: int | msgspec.UnsetType | None = msgspec.UNSET

    assert bx.decode(bx.encode(Patch(b=None))) == {"b": None}
    assert decode(bx, Patch, {"b": None}) == Patch(b=None)
    assert decode(bx, Patch, {"a": 1}).b is msgspec.UNSET


def test_msgspec_layouts(bx):
    class Base(msgspec.Struct):
        a: int

    class Sub(Base, kw_only=True, frozen=True, gc=False):
        b: str = "x"

    class WithDict(msgspec.Struct, dict=True, cache_hash=True, frozen=True):
        a: int

    assert decode(bx, Sub, {"a": 1}) == Sub(1)
    made = decode(bx, WithDict, {"a": 1})
    assert made == WithDict(1) and hash(made) == hash(WithDict(1))
    made.__dict__["more"] = 1


def test_structs_are_tracked_by_the_collector_as_msgspec_does(bx):
    import gc
    import weakref

    class Node(msgspec.Struct, weakref=True):
        value: int
        links: list

    node = decode(bx, Node, {"value": 1, "links": []})
    node.links.append(node)
    ref = weakref.ref(node)
    del node
    gc.collect()
    assert ref() is None


# ---- TypedDict and NamedTuple ----


def test_typeddict_totality(bx):
    class Base(typing.TypedDict):
        a: int

    class Doc(Base, total=False):
        b: int
        c: typing.Required["int"]

    assert decode(bx, Doc, {"a": 1, "c": 2}) == {"a": 1, "c": 2}
    assert decode(bx, Doc, {"c": 2, "b": 3, "a": 1, "z": 9}) == {"c": 2, "b": 3, "a": 1}
    assert list(decode(bx, Doc, {"c": 2, "a": 1})) == ["c", "a"]
    refuse(bx, Doc, {"a": 1}, "Doc needs the field 'c'")
    refuse(bx, Doc, {"c": 1}, "Doc needs the field 'a'")

    class Outer(typing.TypedDict):
        docs: list[Doc]

    refuse(bx, Outer, {"docs": [{"a": 1, "c": 2}, {"a": "x"}]}, "expected int", "docs[1].a")


def test_namedtuples(bx):
    class Point(typing.NamedTuple):
        x: int
        y: int = 5

        @property
        def norm(self):
            return self.x + self.y

    made = decode(bx, Point, {"y": 2, "x": 1, "z": 0})
    assert made == (1, 2) and type(made) is Point and made.norm == 3
    assert decode(bx, Point, {"x": 1}) == (1, 5)

    class Checked(Point):
        def __new__(cls, x, y=7):
            if x < 0:
                raise ValueError("x is negative")
            return super().__new__(cls, x, y)

    made = decode(bx, Checked, {"x": 1})
    assert type(made) is Checked and made == (1, 7)
    refuse(bx, Checked, {"x": -1}, "x is negative")

    import collections

    Plain = collections.namedtuple("Plain", "a b", defaults=[2])
    assert decode(bx, Plain, {"a": [1]}) == ([1], 2)


# ---- inheriting a plan ----


def test_a_subclass_has_its_own_plan(bx):
    @dataclass
    class Base:
        a: int

    assert decode(bx, Base, {"a": 1, "b": 2}) == Base(1)
    bx.encode(Base(1))

    @dataclass
    class Sub(Base):
        b: int = 0

    assert decode(bx, Sub, {"a": 1, "b": 2}) == Sub(1, 2)
    assert bx.decode(bx.encode(Sub(1, 2))) == {"a": 1, "b": 2}


def test_a_class_and_its_plan_go_together(bx):
    import gc
    import weakref

    def use():
        @dataclass
        class Temporary:
            a: int
            b: "list[int] | None" = None

        made = decode(bx, Temporary, {"a": 1})
        bx.encode(made)
        return weakref.ref(Temporary)

    ref = use()
    options = bx.CodecOptions()  # other options push it out of small caches
    for _ in range(70):
        bx.decode(bx.encode({}), options.with_options(tz_aware=True))
    gc.collect()
    assert ref() is None
