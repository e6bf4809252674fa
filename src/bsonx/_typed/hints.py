"""What annotations say beside the type: qualifiers, names of fields, where they come from."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import types
import typing
from collections.abc import Container, Iterable, Iterator
from typing import Any, get_args, get_origin

__all__ = [
    "Name",
    "explicit_alias",
    "field_keys",
    "hints_of",
    "label_of",
    "late_names",
    "name_in",
    "name_of_metadata",
    "own_annotations",
    "pydantic_fields",
    "resolving",
    "strip_annotated",
]


class Name:
    """The name of a field in the document, for ``Annotated``.

    >>> from typing import Annotated, TypedDict
    >>> from bsonx.typed import Name
    >>> from bsonx import ObjectId
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


# ---- types ----

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


# ---- annotations of classes ----


def hints_of(cls: Any) -> dict[str, Any]:
    """Return the resolved annotations of a class and its bases; TypeError if they cannot be."""
    with resolving(cls):
        return typing.get_type_hints(cls, include_extras=True)


@contextlib.contextmanager
def resolving(cls: Any) -> Iterator[None]:
    """Make a TypeError that names the class of the NameError of an annotation."""
    try:
        yield
    except NameError as exc:
        raise TypeError(f"cannot resolve the annotations of {cls.__qualname__}: {exc}") from None


def own_annotations(cls: Any) -> Container[str]:
    """Return the names that the body of a class annotates, without those of its bases."""
    if sys.version_info >= (3, 14):  # they are made when they are asked for
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return typing.cast("Container[str]", vars(cls).get("__annotations__", ()))


# ---- names of fields ----


def name_in(metadata: Iterable[Any]) -> str | None:
    """Return the explicit name among the metadata of ``Annotated``."""
    names = [item.name for item in metadata if isinstance(item, Name)]
    return names[-1] if names else None


def name_of_metadata(metadata: Any) -> str | None:
    """Return the explicit name in ``field(metadata={"bson": name})``, also under "name"."""
    for key in ("bson", "name"):
        name = metadata.get(key)
        if isinstance(name, str):
            return name
    return None


def explicit_alias(attribute: Any) -> str | None:
    """Return the alias of an attribute of attrs, unless it is the one that attrs makes up."""
    default = attribute.name.lstrip("_")
    alias = getattr(attribute, "alias", None)
    return alias if alias not in (None, default) else None


def field_keys(name: str, explicit: str | None, names: Iterable[str]) -> tuple[str, str | None]:
    """Return a field's name in documents and the weaker one.

    A field ``id`` that says nothing else is ``_id``, and ``id`` in documents without ``_id``,
    unless the class has a field ``_id`` as well.
    """
    if explicit is not None:
        return explicit, None
    if name == "id" and "_id" not in names:
        return "_id", "id"
    return name, None


def pydantic_fields(cls: Any) -> dict[str, Any]:
    """Return what pydantic knows of the fields of a model or dataclass, by name."""
    fields: dict[str, Any] | None = getattr(cls, "__pydantic_fields__", None)
    if fields is None:  # before pydantic 2.10
        fields = getattr(cls, "model_fields", {})
    return fields


def late_names(cls: Any) -> set[str]:
    """Return the names of the fields of a dataclass that are no arguments.

    To older versions of pydantic (2.12 is one) ``Field(init=False)`` is an argument for
    dataclasses, but not for their own validation.
    """
    late = {f.name for f in dataclasses.fields(cls) if not f.init}
    return late | {name for name, info in pydantic_fields(cls).items() if info.init is False}
