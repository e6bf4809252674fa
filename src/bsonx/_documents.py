"""What can be a document of the user's, for type checkers: mappings and classes with fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

__all__ = ["Document", "Typed"]


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


class _Struct(Protocol):
    """Of msgspec."""

    __struct_fields__: ClassVar[tuple[str, ...]]


class _Attrs(Protocol):
    __attrs_attrs__: ClassVar[Any]


class _Model(Protocol):
    """Of pydantic."""

    __pydantic_fields__: ClassVar[dict[str, Any]]


class _NamedTuple(Protocol):
    def _asdict(self) -> dict[str, Any]: ...


#: Classes with fields, but for TypedDict, which is a mapping.
Typed: TypeAlias = _Dataclass | _Struct | _Attrs | _Model | _NamedTuple
Document: TypeAlias = Mapping[str, Any] | Typed
