"""Which classes have fields that are known, and of which kind they are.

None of the packages is imported here: a class of theirs can only exist if they are loaded.
"""

from __future__ import annotations

import enum
import sys
from typing import Any

__all__ = ["ClassKind", "class_kind"]


class ClassKind(enum.Enum):
    """The kinds of classes with fields; a class is of the first one that fits."""

    PYDANTIC = "a pydantic model, or a dataclass made by pydantic"
    MSGSPEC = "a msgspec.Struct"
    ATTRS = "a class made by attrs"
    DATACLASS = "a dataclass"
    TYPEDDICT = "a TypedDict of typing or typing_extensions"
    NAMEDTUPLE = "a tuple with names for its items"


def class_kind(cls: Any) -> ClassKind | None:
    """Return the kind of a class; None if it has no fields that are known."""
    if _is_pydantic(cls):
        return ClassKind.PYDANTIC
    if _is_msgspec(cls):
        return ClassKind.MSGSPEC
    if hasattr(cls, "__attrs_attrs__"):
        return ClassKind.ATTRS
    if hasattr(cls, "__dataclass_fields__"):
        return ClassKind.DATACLASS
    if type(cls).__name__ == "_TypedDictMeta" and hasattr(cls, "__required_keys__"):
        return ClassKind.TYPEDDICT
    if _is_namedtuple(cls):
        return ClassKind.NAMEDTUPLE
    return None


def _is_pydantic(cls: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None:
        return False
    base = getattr(pydantic, "BaseModel", ())
    return issubclass(cls, base) or (
        "__pydantic_validator__" in vars(cls) and hasattr(cls, "__dataclass_fields__")
    )


def _is_msgspec(cls: Any) -> bool:
    msgspec = sys.modules.get("msgspec")
    base = getattr(msgspec, "Struct", None)  # None: msgspec is being imported
    return base is not None and issubclass(cls, base) and cls is not base


def _is_namedtuple(cls: Any) -> bool:
    return (
        issubclass(cls, tuple)
        and isinstance(getattr(cls, "_fields", None), tuple)
        and hasattr(cls, "_field_defaults")
    )
