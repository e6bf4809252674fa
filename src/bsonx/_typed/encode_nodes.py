"""Encode plans: which attributes of an instance are stored, and under which names.

The values themselves are encoded by what they are at run time; only the names, their order and
what is left out come from the class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from bsonx._typed.nodes import MISSING

__all__ = ["EncodeField", "EncodePlan", "Source"]


class Source:
    """Where the value of a field comes from; ``csrc/typed/encode_plan.h`` has the same numbers."""

    ATTRIBUTE = 0
    CONSTANT = 1
    DUMP = 2  # what ``dump_some`` made of it
    EXTRA = 3  # no field: all elements of a dict in the attribute


class EncodeField:
    """One attribute and its name in documents, at the top and inside other documents.

    A value that is ``default``, or is empty and exactly of type ``empty``, is left out.
    ``constant``: the value of a CONSTANT, the key of a DUMP in what ``dump_some`` returns.
    """

    __slots__ = ("constant", "default", "empty", "key", "name", "nested_key", "source")

    def __init__(
        self, name: str, key: str, nested_key: str, source: int = Source.ATTRIBUTE
    ) -> None:
        self.name = name
        self.key = key
        self.nested_key = nested_key
        self.source = source
        self.constant: Any = None
        self.default: Any = MISSING
        self.empty: Any = None


class EncodePlan:
    """How the instances of one class are stored.

    ``unset``: a value that stands for no value. ``dump``: a function from the instance, and whether
    it is the whole document, to what is stored instead. ``dump_some``: a function from the instance
    to a dict of the fields that come from it. ``may_be_marked``: an instance may have a
    ``_type_marker`` though its class has none.
    """

    __slots__ = (
        "cls",
        "compiled",
        "dump",
        "dump_some",
        "fields",
        "may_be_marked",
        "nested_fields",
        "unset",
    )

    def __init__(self, cls: Any, fields: list[EncodeField]) -> None:
        self.cls = cls
        self.compiled: Any = None  # the native encoder's form of the plan
        # A top-level document starts with its _id.
        self.fields = tuple(sorted(fields, key=lambda field: field.key != "_id"))
        self.nested_fields = tuple(fields)
        self.unset: Any = MISSING
        self.dump: Callable[[Any, bool], Any] | None = None
        self.dump_some: Callable[[Any], dict[str, Any]] | None = None
        self.may_be_marked = _may_be_marked(cls, fields)

    def set_tag(self, key: str, value: Any) -> None:
        """Put a constant element before everything but a top-level ``_id``."""
        tag = EncodeField(key, key, key, Source.CONSTANT)
        tag.constant = value
        self.nested_fields = (tag, *self.nested_fields)
        first = 1 if self.fields and self.fields[0].key == "_id" else 0
        self.fields = (*self.fields[:first], tag, *self.fields[first:])


def _may_be_marked(cls: Any, fields: list[EncodeField]) -> bool:
    own = getattr(cls, "__getattr__", None)
    pydantic = sys.modules.get("pydantic")
    if own is not None and pydantic is not None:
        own = None if own is getattr(pydantic.BaseModel, "__getattr__", None) else own
    return (
        own is not None
        or cls.__getattribute__ is not object.__getattribute__
        or any(field.name == "_type_marker" for field in fields)
    )
