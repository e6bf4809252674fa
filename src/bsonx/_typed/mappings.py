"""What dicts need beside the type of their values: keys of the declared type, default factories."""

from __future__ import annotations

import collections
import collections.abc as abc
import functools
import typing
from collections.abc import Callable
from typing import Any, get_args, get_origin

from bsonx._typed.errors import TypedDecodeError
from bsonx._typed.hints import label_of, strip_annotated
from bsonx._typed.nodes import STRING, Kind, Node

__all__ = ["Keyed", "default_factory", "key_reader"]

# ---- keys ----

_Read = Callable[[str], Any]


def key_reader(node: Node) -> _Read | None:
    """Return what makes a key of the type of ``node`` from its name; None if it is the name.

    TypeError if the type has values that are no str, for such keys cannot be stored.
    """
    alternatives = node.items if node.kind is Kind.UNION else (node,)
    if not all(STRING in n.codes or STRING in n.widened for n in alternatives):
        raise TypeError(f"the keys of a document are of type str, not {node.label}")
    readers = [_reader_of(alternative) for alternative in alternatives]
    if all(reader is _as_it_is for reader in readers):
        return None
    return functools.partial(_first_fitting, node.label, readers)


def _as_it_is(key: str) -> str:
    return key


def _reader_of(node: Node) -> _Read:
    if node.kind in (Kind.ANY, Kind.STR):
        return _as_it_is
    if node.kind is Kind.LOOKUP and all(isinstance(v, str) for v in (node.values or {}).values()):
        return functools.partial(_looked_up, node)
    if node.kind is Kind.INSTANCE and issubclass(node.cls, str):
        return typing.cast("_Read", node.cls)
    if node.kind is Kind.CALL and node.item is not None and node.item.label == node.label:
        return functools.partial(_checked, _reader_of(node.item), node.call)
    raise TypeError(f"the keys of a document are of type str, not {node.label}")


def _looked_up(node: Node, key: str) -> Any:
    found = (node.values or {}).get(key)
    if found is not None:
        return found
    if node.call is None:
        raise ValueError(key)
    return node.call(key)


def _checked(read: _Read, check: Any, key: str) -> Any:
    return check(read(key))


def _first_fitting(label: str, readers: list[_Read], key: str) -> Any:
    for read in readers:
        try:
            return read(key)
        except ValueError as exc:
            cause = exc
    raise ValueError(f"expected a key of type {label}, got {key!r}") from cause


class Keyed:
    """Gives a dict the keys of the declared type."""

    def __init__(self, read: _Read) -> None:
        self._read = read

    def __call__(self, document: dict[str, Any]) -> dict[Any, Any]:
        return {self._key(key): value for key, value in document.items()}

    def _key(self, key: str) -> Any:
        try:
            return self._read(key)
        except ValueError as exc:
            error = TypedDecodeError(str(exc))
            error._within(key)
            raise error from exc


# ---- defaults ----

# What pydantic makes of the types of the values of a DefaultDict.
_FACTORIES: dict[Any, Callable[[], Any]] = {
    abc.Collection: list,
    abc.Container: list,
    abc.Iterable: list,
    abc.Mapping: dict,
    abc.MutableMapping: dict,
    abc.MutableSequence: list,
    abc.MutableSet: set,
    abc.Reversible: list,
    abc.Sequence: list,
    abc.Set: set,
}
_SELF_MADE = (
    *(bool, int, float, str, bytes, list, tuple, set, frozenset, dict),
    *(collections.deque, collections.OrderedDict, collections.Counter),
)


def default_factory(tp: Any) -> Callable[[], Any]:
    """Return what makes the default of a DefaultDict whose values are of this type.

    TypeError if the type does not say what a new value would be.
    """
    tp, _ = strip_annotated(tp)
    origin = get_origin(tp) or tp
    if origin is collections.defaultdict and get_args(tp):
        return functools.partial(collections.defaultdict, default_factory(get_args(tp)[1]))
    if origin in _SELF_MADE:
        return typing.cast("Callable[[], Any]", origin)
    if origin in _FACTORIES:
        return _FACTORIES[origin]
    raise TypeError(f"a defaultdict of {label_of(tp)} has no default that could be known")
