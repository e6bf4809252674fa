"""From annotations to plan nodes: scalars, containers, unions, literals, enums, aliases."""

from __future__ import annotations

import collections
import collections.abc as abc
import datetime
import decimal
import enum
import pathlib
import re
import sys
import types
import typing
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, get_args, get_origin

from bsonx._typed import plan as p
from bsonx._typed.plan import Kind, Node

__all__ = ["Builder", "Name", "is_model"]


class Name:
    """The name of a field in the document, for ``Annotated``.

    >>> class Movie(TypedDict):
    ...     key: Annotated[ObjectId, Name("_id")]
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or "\0" in name:
            raise TypeError(f"a field's name must be a str without NUL, not {name!r}")
        self.name = name

    def __repr__(self) -> str:
        return f"Name({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and other.name == self.name

    def __hash__(self) -> int:
        return hash((Name, self.name))


# Type qualifiers that say nothing about the value.
_QUALIFIERS = {"ClassVar", "Final", "NotRequired", "ReadOnly", "Required"}


def is_qualifier(origin: Any, *names: str) -> bool:
    """Whether a type's origin is one of these qualifiers, of typing or typing_extensions."""
    return getattr(origin, "_name", None) in names and getattr(origin, "__module__", None) in (
        "typing",
        "typing_extensions",
    )


def strip_annotated(tp: Any) -> tuple[Any, list[Any]]:
    """Return a type without qualifiers and Annotated, and the metadata that it carried."""
    metadata: list[Any] = []
    while True:
        origin = get_origin(tp)
        if origin is typing.Annotated:
            metadata = [*tp.__metadata__, *metadata]
            tp = tp.__origin__
        elif origin is not None and is_qualifier(origin, *_QUALIFIERS):
            (tp,) = get_args(tp)
        elif isinstance(tp, typing.NewType):
            tp = tp.__supertype__
        else:
            return tp, metadata


def label_of(tp: Any) -> str:
    """Return a short name of a type for messages."""
    if tp is None or tp is type(None):
        return "None"
    if isinstance(tp, type) and not isinstance(tp, types.GenericAlias):
        return tp.__qualname__.rpartition("<locals>.")[2]
    return str(tp).replace("typing.", "")


def is_model(cls: type) -> bool:
    """Whether a class is of a kind whose fields are known: dataclass, TypedDict, attrs, ..."""
    from bsonx._typed.models import reader_of

    return reader_of(cls) is not None


# ---- scalars ----

_INTEGERS = (p.INT32, p.INT64)
_SCALARS: dict[Any, tuple[Kind, tuple[int, ...], tuple[int, ...]]] = {
    type(None): (Kind.NONE, (p.NULL, p.UNDEFINED), ()),
    bool: (Kind.BOOL, (p.BOOL,), ()),
    int: (Kind.INT, _INTEGERS, ()),
    float: (Kind.FLOAT, (p.DOUBLE,), _INTEGERS),
    str: (Kind.STR, (p.STRING, p.SYMBOL), ()),
    bytes: (Kind.BYTES, (p.BINARY,), ()),
    datetime.datetime: (Kind.DATETIME, (p.DATETIME,), ()),
    uuid.UUID: (Kind.UUID, (p.BINARY,), ()),
}


def _date(moment: Any) -> datetime.date:
    days, rest = divmod(int(moment), 86400000)
    if rest:
        raise ValueError("a date with a time of day")
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=days)


def _timedelta(millis: int) -> datetime.timedelta:
    return datetime.timedelta(milliseconds=millis)


def to_decimal(value: Any) -> decimal.Decimal:
    """Return the Decimal of a Decimal128."""
    return value.to_decimal()  # type: ignore[no-any-return]


def _pattern(value: Any) -> re.Pattern[Any]:
    try:
        return value.try_compile()  # type: ignore[no-any-return]
    except re.error as exc:
        raise ValueError(f"invalid pattern: {exc}") from exc


def _simple(kind: Kind, label: str, codes: tuple[int, ...], cls: Any = None) -> Node:
    return Node(kind, label, codes, cls=cls)


def _bson_scalars() -> dict[Any, Callable[[], Node]]:
    """Return the nodes of BSON's own types and of those that are stored as one of them."""
    from bsonx.binary import Binary
    from bsonx.code import Code
    from bsonx.datetime_ms import DatetimeMS
    from bsonx.dbref import DBRef
    from bsonx.decimal128 import Decimal128
    from bsonx.int64 import Int64
    from bsonx.max_key import MaxKey
    from bsonx.min_key import MinKey
    from bsonx.objectid import ObjectId
    from bsonx.regex import Regex
    from bsonx.timestamp import Timestamp

    def instance(cls: type, *codes: int) -> Callable[[], Node]:
        return lambda: _simple(Kind.INSTANCE, cls.__name__, codes, cls)

    def converted(label: str, item: Callable[[], Node], call: Any) -> Callable[[], Node]:
        def make() -> Node:
            inner = item()
            return Node(Kind.CALL, label, inner.codes, item=inner, call=call)

        return make

    def moment() -> Node:
        return _simple(Kind.DATETIME_MS, "DatetimeMS", (p.DATETIME,))

    decimal128 = instance(Decimal128, p.DECIMAL128)
    regex = instance(Regex, p.REGEX)
    return {
        ObjectId: lambda: _simple(Kind.OBJECTID, "ObjectId", (p.OBJECTID,)),
        Int64: lambda: _simple(Kind.INT64, "Int64", _INTEGERS),
        Binary: lambda: _simple(Kind.BINARY, "Binary", (p.BINARY,)),
        DatetimeMS: moment,
        Code: instance(Code, p.CODE, p.CODE_W_SCOPE),
        DBRef: instance(DBRef, p.DOCUMENT, p.DBPOINTER),
        Decimal128: decimal128,
        MaxKey: instance(MaxKey, p.MAXKEY),
        MinKey: instance(MinKey, p.MINKEY),
        Regex: regex,
        Timestamp: instance(Timestamp, p.TIMESTAMP),
        decimal.Decimal: converted("Decimal", decimal128, to_decimal),
        re.Pattern: converted("Pattern", regex, _pattern),
        datetime.date: converted("date", moment, _date),
        datetime.time: converted("time", lambda: _scalar(str), datetime.time.fromisoformat),
        datetime.timedelta: converted("timedelta", lambda: _scalar(int), _timedelta),
    }


def _scalar(tp: Any) -> Node:
    kind, codes, widened = _SCALARS[tp]
    return Node(kind, label_of(tp), codes, widened=widened)


# ---- containers ----

_CONTAINERS: dict[Any, tuple[Kind, Any]] = {
    list: (Kind.LIST, None),
    abc.Collection: (Kind.LIST, None),
    abc.Container: (Kind.LIST, None),
    abc.Iterable: (Kind.LIST, None),
    abc.MutableSequence: (Kind.LIST, None),
    abc.Reversible: (Kind.LIST, None),
    abc.Sequence: (Kind.LIST, None),
    collections.deque: (Kind.LIST, collections.deque),
    set: (Kind.SET, None),
    abc.MutableSet: (Kind.SET, None),
    abc.Set: (Kind.SET, None),
    frozenset: (Kind.FROZENSET, None),
    dict: (Kind.DICT, None),
    abc.Mapping: (Kind.DICT, None),
    abc.MutableMapping: (Kind.DICT, None),
    collections.OrderedDict: (Kind.DICT, collections.OrderedDict),
}


class Builder:
    """Builds the nodes of one top-level type; each class gets one ModelPlan, also if recursive."""

    def __init__(self) -> None:
        self.models: dict[Any, p.ModelPlan] = {}
        self._aliases: dict[Any, Node] = {}
        self._typevars: dict[Any, Any] = {}  # parameters of the generic being read
        self._bindings: dict[Any, dict[Any, Any]] = {}  # base class -> its parameters
        self._bson = _bson_scalars()
        self.deferred: list[Callable[[], None]] = []  # to be done when all models are read

    def top(self, tp: Any) -> Node:
        """Return the node of a top-level type, with everything below it complete."""
        node = self.node(tp)
        while self.deferred:
            self.deferred.pop()()
        return node

    def node(self, tp: Any) -> Node:
        """Return the node of a type; TypeError if there is none."""
        tp, metadata = strip_annotated(tp)
        node = self._plain(tp)
        return _constrained(node, metadata) if metadata else node

    def _plain(self, tp: Any) -> Node:
        if tp is Any or tp is object:
            return any_node()
        if tp is None:
            tp = type(None)
        if tp is typing.LiteralString:
            tp = str
        if isinstance(tp, typing.TypeVar):
            return self._typevar(tp)
        if isinstance(tp, str | typing.ForwardRef):
            raise TypeError(f"cannot resolve the annotation {tp!r}")
        if hasattr(tp, "__value__") or hasattr(get_origin(tp), "__value__"):
            return self._type_alias(tp)
        origin = get_origin(tp)
        if origin is not None:
            return self._generic(tp, origin)
        if tp in _SCALARS:
            return _scalar(tp)
        if tp in self._bson:
            return self._bson[tp]()
        if tp in _CONTAINERS or tp is tuple:
            return self._container(tp, ())
        if isinstance(tp, type):
            return self._class(tp)
        origin = getattr(tp, "__origin__", None)  # typing.List without parameters
        if origin is not None:
            return self._plain(origin)
        raise TypeError(f"cannot decode BSON to {tp!r}")

    # -- aliases and parameters --

    def _typevar(self, tp: Any) -> Node:
        if tp in self._typevars:
            return self.node(self._typevars[tp])
        if tp.__bound__ is not None:
            return self.node(tp.__bound__)
        return self._union(tp.__constraints__, str(tp)) if tp.__constraints__ else any_node()

    def enter(self, alias: Any, origin: Any) -> tuple[Any, Any]:
        """Bind the parameters of ``origin`` to the arguments of ``alias``; return the old ones."""
        old = self._typevars
        bindings, self._bindings = self._bindings, {}
        parameters = getattr(origin, "__type_params__", ()) or getattr(origin, "__parameters__", ())
        arguments = [_resolved(argument, old) for argument in get_args(alias)]
        self._typevars = dict(zip(parameters, arguments, strict=False))
        return old, bindings

    def leave(self, old: tuple[Any, Any]) -> None:
        """Undo ``enter``."""
        self._typevars, self._bindings = old

    def bind_bases(self, cls: Any) -> None:
        """Note what the parameters of the generic base classes of ``cls`` stand for."""
        self._bind_bases_of(cls, self._typevars)

    def _bind_bases_of(self, base: Any, bindings: dict[Any, Any]) -> None:
        for alias in vars(base).get("__orig_bases__", base.__bases__):
            origin = get_origin(alias) or alias
            if origin in (object, typing.Generic) or not isinstance(origin, type):
                continue
            arguments = [_resolved(argument, bindings) for argument in get_args(alias)]
            parameters = getattr(origin, "__parameters__", ())
            inner = dict(zip(parameters, arguments, strict=False))
            self._bindings[origin] = inner
            self._bind_bases_of(origin, inner)

    def field_node(self, cls: Any, name: str, tp: Any) -> Node:
        """Return the node of a field, seen from the class that declares it."""
        owner = next((c for c in cls.__mro__ if name in vars(c).get("__annotations__", ())), cls)
        old = self._typevars
        self._typevars = self._bindings.get(owner, old)
        try:
            return self.node(tp)
        finally:
            self._typevars = old

    def _type_alias(self, tp: Any) -> Node:
        """``type Name = ...``, which may speak of itself."""
        known = self._aliases.get(tp)
        if known is not None:
            return known
        # A place for recursive uses, filled in when the node is known.
        node = self._aliases[tp] = Node(Kind.UNION, label_of(tp), p.ALL_CODES, table={})
        origin = get_origin(tp) or tp
        old = self.enter(tp, origin)
        try:
            inner = self.node(origin.__value__)
        finally:
            self.leave(old)
        for name in Node.__slots__:
            setattr(node, name, getattr(inner, name))
        return node

    # -- generics --

    def _generic(self, tp: Any, origin: Any) -> Node:
        arguments = get_args(tp)
        if origin in (typing.Union, types.UnionType):
            return self._union(arguments, label_of(tp))
        if origin is typing.Literal:
            return literal_node(arguments)
        if origin in _CONTAINERS or origin is tuple:
            return self._container(origin, arguments)
        if isinstance(origin, type):
            if origin in self._bson:  # re.Pattern[str]
                return self._bson[origin]()
            if is_model(origin):
                return self.model(tp)
            return self._class(origin)
        raise TypeError(f"cannot decode BSON to {tp!r}")

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Node:
        if origin is tuple:
            return self._tuple(arguments)
        kind, convert = _CONTAINERS[origin]
        if kind is Kind.DICT:
            _check_dict_key(arguments[0] if arguments else str, self)
            item = self.node(arguments[1]) if len(arguments) > 1 else any_node()
        else:
            item = self.node(arguments[0]) if arguments else any_node()
        code = p.DOCUMENT if kind is Kind.DICT else p.ARRAY
        name = kind.name.lower()
        node = Node(kind, f"{name}[{item.label}]" if arguments else name, (code,), item=item)
        if convert is None:
            return node
        return Node(Kind.CALL, convert.__name__, node.codes, item=node, call=convert)

    def _tuple(self, arguments: tuple[Any, ...]) -> Node:
        if not arguments:
            return Node(Kind.TUPLE, "tuple", (p.ARRAY,), item=any_node())
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = self.node(arguments[0])
            return Node(Kind.TUPLE, f"tuple[{item.label}, ...]", (p.ARRAY,), item=item)
        items = () if arguments == ((),) else tuple(map(self.node, arguments))
        label = f"tuple[{', '.join(n.label for n in items)}]"
        return Node(Kind.FIXED, label, (p.ARRAY,), items=items)

    def _union(self, arguments: tuple[Any, ...], label: str) -> Node:
        return union_node([self.node(arg) for arg in arguments if not _is_unset(arg)])

    # -- classes --

    def _class(self, tp: type) -> Node:
        if issubclass(tp, enum.Enum):
            return _enum_node(tp)
        if is_model(tp):
            return self.model(tp)
        if issubclass(tp, pathlib.PurePath):
            return Node(Kind.CALL, label_of(tp), (p.STRING, p.SYMBOL), item=_scalar(str), call=tp)
        if getattr(tp, "_type_marker", None) == 101 or issubclass(tp, MutableMapping):
            return Node(Kind.DOCUMENT, label_of(tp), (p.DOCUMENT,), cls=tp)
        # Only a TypeDecoder of the options can make such a value, from whatever it likes.
        return Node(Kind.INSTANCE, label_of(tp), (), widened=p.ALL_CODES, cls=tp)

    def model(self, tp: Any) -> Node:
        """Return the node of a class with fields, or of a parametrised generic one."""
        from bsonx._typed.models import read_model

        if getattr(tp, "__pydantic_root_model__", False):
            from bsonx._typed.pydantic_models import root_node

            return root_node(self, tp)
        key = self._bound(tp)  # classes with different parameters are different
        plan = self.models.get(key)
        if plan is None:
            cls = get_origin(tp) or tp
            plan = self.models[key] = p.ModelPlan(cls, label_of(tp))
            read_model(self, plan, tp)
        is_tuple = isinstance(plan.cls, type) and issubclass(plan.cls, tuple)
        codes = (p.DOCUMENT, p.ARRAY) if is_tuple else (p.DOCUMENT,)
        return Node(Kind.MODEL, plan.label, codes, model=plan)

    def _bound(self, tp: Any) -> Any:
        """Return what a type is remembered by: with its parameters replaced by their bindings."""
        if get_origin(tp) is None or not self._typevars:
            return tp
        return (get_origin(tp), tuple(_resolved(a, self._typevars) for a in get_args(tp)))


def _resolved(argument: Any, bindings: dict[Any, Any]) -> Any:
    """Replace the parameters in a type argument by what they stand for."""
    if isinstance(argument, typing.TypeVar):
        return bindings.get(argument, argument)
    parameters = getattr(argument, "__parameters__", ())
    if not parameters or isinstance(argument, type):
        return argument
    return argument[tuple(bindings.get(parameter, parameter) for parameter in parameters)]


def any_node() -> Node:
    """Return the node that takes what comes."""
    return Node(Kind.ANY, "any value", (), widened=p.ALL_CODES)


def _is_unset(tp: Any) -> bool:
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and tp is msgspec.UnsetType


def _check_dict_key(tp: Any, builder: Builder) -> None:
    tp, _ = strip_annotated(tp)
    tp = builder._typevars.get(tp, tp) if isinstance(tp, typing.TypeVar) else tp
    if tp not in (str, Any, object, typing.LiteralString) and not isinstance(tp, typing.TypeVar):
        raise TypeError(f"the keys of a document are of type str, not {label_of(tp)}")


# ---- unions ----


def union_node(items: list[Node]) -> Node:
    """Return the node of a union: the alternatives by element type, in their order."""
    flat = list(_flattened(items))
    if len(flat) == 1:
        return flat[0]
    table = {}
    for code in sorted(p.ALL_CODES):
        fitting = [n for n in flat if code in n.codes] or [n for n in flat if code in n.widened]
        if fitting:
            table[code] = _by_tag(fitting)
    label = " | ".join(dict.fromkeys(n.label for n in flat))
    codes = frozenset().union(*(n.codes for n in flat))
    widened = frozenset(table) - codes
    return Node(Kind.UNION, label, codes, widened=widened, items=tuple(flat), table=table)


def _flattened(items: list[Node]) -> typing.Iterator[Node]:
    for node in items:
        if node.kind is Kind.UNION and node.items:
            yield from _flattened(list(node.items))
        else:
            yield node


def _by_tag(fitting: list[Node]) -> tuple[Node, ...]:
    """Join tagged classes (those of msgspec) into one node that selects by the tag."""
    tagged = [n for n in fitting if n.model is not None and n.model.tag_field is not None]
    fields = {n.model.tag_field for n in tagged if n.model is not None}
    if len(tagged) < 2 or len(fields) != 1:
        return tuple(fitting)
    values = {n.model.tag: n for n in tagged if n.model is not None}
    (key,) = fields
    return (tagged_node(str(key), values), *(n for n in fitting if n not in tagged))


def tagged_node(key: str, values: dict[Any, Node]) -> Node:
    """Return the node of a document whose field ``key`` says which of ``values`` it is."""
    label = " | ".join(dict.fromkeys(n.label for n in values.values()))
    items = tuple(dict.fromkeys(values.values()))
    return Node(Kind.TAGGED, label, (p.DOCUMENT,), key=key, values=values, items=items)


# ---- literals and enums ----

_LITERAL_TYPES = (str, int, bool, bytes)


def literal_node(arguments: tuple[Any, ...]) -> Node:
    """Return the node of a Literal; members of an Enum are found by their value."""
    label = f"Literal[{', '.join(map(repr, arguments))}]"
    pairs = [(arg.value if isinstance(arg, enum.Enum) else arg, arg) for arg in arguments]
    nodes = _lookup_nodes(pairs, label, None)
    if any(value is None for value, _ in pairs):
        nodes.append(_scalar(type(None)))
    return union_node(nodes)


def _enum_node(cls: type[enum.Enum]) -> Node:
    pairs = [(member.value, member) for member in cls.__members__.values()]
    missing = getattr(cls._missing_, "__func__", None)
    custom = missing is not enum.Enum._missing_.__func__  # type: ignore[attr-defined]
    simple = all(type(value) in (*_LITERAL_TYPES, float) for value, _ in pairs)
    if not simple or not pairs:
        return Node(Kind.CALL, label_of(cls), p.ALL_CODES, item=any_node(), call=cls)
    call = cls if custom or issubclass(cls, enum.Flag) else None
    return union_node(_lookup_nodes(pairs, label_of(cls), call))


def _lookup_nodes(pairs: list[tuple[Any, Any]], label: str, call: Any) -> list[Node]:
    """Return one LOOKUP per type of value: 1, 1.0 and True are equal keys but not equal values."""
    nodes = []
    for tp in (*_LITERAL_TYPES, float):
        values: dict[Any, Any] = {}
        for value, result in pairs:
            if type(value) is tp:
                values.setdefault(value, result)
        if values:
            item = _scalar(tp)
            nodes.append(
                Node(
                    Kind.LOOKUP,
                    label,
                    item.codes,
                    widened=item.widened,
                    item=item,
                    values=values,
                    call=call,
                )
            )
    return nodes


# ---- constraints (msgspec.Meta) ----


def _constrained(node: Node, metadata: list[Any]) -> Node:
    """Return a node that also checks the constraints of ``msgspec.Meta``, if there are any."""
    msgspec = sys.modules.get("msgspec")
    if msgspec is None:
        return node
    for meta in metadata:
        checks = _checks(meta) if isinstance(meta, msgspec.Meta) else []
        if checks:
            node = Node(
                Kind.CALL,
                node.label,
                node.codes,
                widened=node.widened,
                item=node,
                call=_Checker(checks),
            )
    return node


class _Checker:
    """Returns a value that passes all checks, or raises ValueError."""

    def __init__(self, checks: list[tuple[str, Callable[[Any], bool]]]) -> None:
        self._checks = checks

    def __call__(self, value: Any) -> Any:
        if value is not None:
            for text, check in self._checks:
                if not check(value):
                    raise ValueError(f"expected a value {text}")
        return value


def _checks(meta: Any) -> list[tuple[str, Callable[[Any], bool]]]:
    rules: Mapping[str, tuple[str, Callable[[Any], Callable[[Any], bool]]]] = {
        "gt": ("> {!r}", lambda bound: lambda value: value > bound),
        "ge": (">= {!r}", lambda bound: lambda value: value >= bound),
        "lt": ("< {!r}", lambda bound: lambda value: value < bound),
        "le": ("<= {!r}", lambda bound: lambda value: value <= bound),
        "multiple_of": ("that is a multiple of {!r}", lambda n: lambda value: value % n == 0),
        "min_length": ("of length >= {!r}", lambda n: lambda value: len(value) >= n),
        "max_length": ("of length <= {!r}", lambda n: lambda value: len(value) <= n),
        "pattern": ("matching {!r}", lambda text: _matcher(text)),
        "tz": ("with tz={!r}", lambda tz: lambda value: (value.tzinfo is not None) is tz),
    }
    checks = []
    for name, (text, make) in rules.items():
        bound = getattr(meta, name)
        if bound is not None:
            checks.append((text.format(bound), make(bound)))
    return checks


def _matcher(pattern: str) -> Callable[[Any], bool]:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None
