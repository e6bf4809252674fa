"""From annotations to plan nodes: containers, generics, aliases, classes."""

from __future__ import annotations

import collections
import collections.abc as abc
import enum
import functools
import pathlib
import sys
import types
import typing
from collections.abc import Callable, MutableMapping
from typing import Any, get_args, get_origin

from bsonx._markers import Markers as _Markers
from bsonx._typed import nodes as p
from bsonx._typed.choices import enum_node, literal_node, union_node
from bsonx._typed.constraints import constrained
from bsonx._typed.hints import label_of, own_annotations, strip_annotated
from bsonx._typed.kinds import class_kind
from bsonx._typed.mappings import Keyed, default_factory, key_reader
from bsonx._typed.nodes import Kind, Node, any_node
from bsonx._typed.scalars import scalar_node

__all__ = ["Builder"]

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
    collections.defaultdict: (Kind.DICT, None),  # with a factory from the type of its values
}


ReadModel: typing.TypeAlias = "Callable[[Builder, p.ModelPlan, Any], None]"


class Builder:
    """Builds the nodes of one top-level type; each class gets one ModelPlan, also if recursive.

    ``read_model(builder, plan, type)`` fills the plan of a class with fields;
    ``root_node(builder, cls)`` gives the node of a pydantic root model.
    """

    def __init__(self, read_model: ReadModel, root_node: Callable[[Builder, Any], Node]) -> None:
        self._read_model = read_model
        self._root_node = root_node
        self.models: dict[Any, p.ModelPlan] = {}
        self._aliases: dict[Any, Node] = {}
        self._typevars: dict[Any, Any] = {}  # parameters of the generic being read
        self._bindings: dict[Any, dict[Any, Any]] = {}  # base class -> its parameters
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
        return constrained(node, metadata) if metadata else node

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
        scalar = scalar_node(tp)
        if scalar is not None:
            return scalar
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
        return self.node(_resolved(tp, self._typevars))

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
        owner = next((c for c in cls.__mro__ if name in own_annotations(c)), cls)
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
            scalar = scalar_node(origin)
            if scalar is not None:  # re.Pattern[str]
                return scalar
            if class_kind(origin) is not None:
                return self.model(tp)
            return self._class(origin)
        raise TypeError(f"cannot decode BSON to {tp!r}")

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Node:
        if origin is tuple:
            return self._tuple(arguments)
        kind, convert = _CONTAINERS[origin]
        if kind is Kind.DICT:
            return self._dict(origin, convert, arguments)
        item = self.node(arguments[0]) if arguments else any_node()
        name = kind.name.lower()
        node = Node(kind, f"{name}[{item.label}]" if arguments else name, (p.ARRAY,), item=item)
        return node if convert is None else _converted(node, convert.__name__, convert)

    def _dict(self, origin: Any, convert: Any, arguments: tuple[Any, ...]) -> Node:
        item = self.node(arguments[1]) if len(arguments) > 1 else any_node()
        label = f"dict[{item.label}]" if arguments else "dict"
        node = Node(Kind.DICT, label, (p.DOCUMENT,), item=item)
        read_key = key_reader(self.node(arguments[0])) if arguments else None
        if read_key is not None:
            node = _converted(node, label, Keyed(read_key))
        if origin is collections.defaultdict:
            values = _resolved(arguments[1], self._typevars) if arguments else Any
            convert = functools.partial(collections.defaultdict, default_factory(values))
        return node if convert is None else _converted(node, origin.__name__, convert)

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
            return enum_node(tp)
        if class_kind(tp) is not None:
            return self.model(tp)
        if issubclass(tp, pathlib.PurePath):
            return _converted(self.node(str), label_of(tp), tp)
        if getattr(tp, "_type_marker", None) == _Markers.RAW_DOCUMENT or issubclass(
            tp, MutableMapping
        ):
            return Node(Kind.DOCUMENT, label_of(tp), (p.DOCUMENT,), cls=tp)
        # Only a TypeDecoder of the options can make such a value, from whatever it likes.
        return Node(Kind.INSTANCE, label_of(tp), (), widened=p.ALL_CODES, cls=tp)

    def model(self, tp: Any) -> Node:
        """Return the node of a class with fields, or of a parametrised generic one."""
        if getattr(tp, "__pydantic_root_model__", False):
            return self._root_node(self, tp)
        tp = _resolved(tp, self._typevars)  # classes with different parameters are different
        plan = self.models.get(tp)
        if plan is None:
            cls = get_origin(tp) or tp
            plan = self.models[tp] = p.ModelPlan(cls, label_of(tp))
            self._read_model(self, plan, tp)
        is_tuple = isinstance(plan.cls, type) and issubclass(plan.cls, tuple)
        codes = (p.DOCUMENT, p.ARRAY) if is_tuple else (p.DOCUMENT,)
        return Node(Kind.MODEL, plan.label, codes, model=plan)


def _resolved(argument: Any, bindings: dict[Any, Any]) -> Any:
    """Replace the parameters in a type argument by what they stand for."""
    if isinstance(argument, typing.TypeVar):
        return bindings[argument] if argument in bindings else _unbound(argument, bindings)
    parameters = getattr(argument, "__parameters__", ())
    if not parameters or isinstance(argument, type):
        return argument
    return argument[tuple(_resolved(parameter, bindings) for parameter in parameters)]


def _unbound(parameter: Any, bindings: dict[Any, Any]) -> Any:
    """Return what a parameter stands for of which nothing is said.

    That is never the parameter itself: a class may hand its own on to itself, to a base or to
    another class that calls it the same.
    """
    has_default = getattr(parameter, "has_default", None)  # of Python 3.13 or typing_extensions
    if has_default is not None and has_default():
        return _resolved(parameter.__default__, bindings)
    if parameter.__bound__ is not None:
        return parameter.__bound__
    if parameter.__constraints__:
        return typing.Union[parameter.__constraints__]  # noqa: UP007 - made from a tuple
    return Any


def _converted(item: Node, label: str, call: Callable[[Any], Any]) -> Node:
    return Node(Kind.CALL, label, item.codes, widened=item.widened, item=item, call=call)


def _is_unset(tp: Any) -> bool:
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and tp is msgspec.UnsetType
