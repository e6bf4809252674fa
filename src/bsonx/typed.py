"""Typed documents: decode to, and encode from, classes with typed fields.

    >>> from dataclasses import dataclass
    >>> import bsonx
    >>> from bsonx import ObjectId
    >>> @dataclass
    ... class Movie:
    ...     id: ObjectId
    ...     title: str
    ...     rating: float | None = None
    >>> data = bsonx.encode(Movie(ObjectId(), "Solaris", 8.1))
    >>> bsonx.decode(data, type=Movie)
    Movie(id=ObjectId('...'), title='Solaris', rating=8.1)

Dataclasses, TypedDict, NamedTuple, ``msgspec.Struct``, attrs and pydantic (v2) classes work, as
``type=`` of the decoding functions and as ``CodecOptions(document_class=...)`` everywhere else;
their instances can be encoded. None of these packages is needed or imported by this one.
"""

from __future__ import annotations

from typing import Any

from bsonx._typed.encode import encode_plan_for
from bsonx._typed.encode_nodes import Source
from bsonx._typed.errors import TypedDecodeError
from bsonx._typed.hints import Name
from bsonx._typed.nodes import Kind, Node
from bsonx._typed.plan import plan_for, typed_plan
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions

_REMEMBERED = 4  # how many CodecOptions a type keeps its own form of

__all__ = [
    "Name",
    "TypedDecodeError",
    "has_field",
    "identity_attribute",
    "is_instance",
    "options_for",
    "prepare",
]


def prepare(type: Any) -> None:
    """Compile the decode plan of a type now instead of at its first use.

    TypeError if documents cannot be decoded to it, naming the field that is the reason.
    """
    plan_for(type)


def options_for(type: Any, codec_options: CodecOptions[Any] | None = None) -> CodecOptions[Any]:
    """Return the options that decode to ``type``, otherwise like ``codec_options``.

    TypeError if documents cannot be decoded to ``type`` or these are no CodecOptions.
    """
    base = DEFAULT_CODEC_OPTIONS if codec_options is None else codec_options
    if not isinstance(base, CodecOptions):
        raise TypeError("codec_options must be an instance of CodecOptions")
    plan = typed_plan(type)
    if plan is None:
        return base.with_options(document_class=type)
    known = plan.options
    for i in range(0, len(known), 2):
        if known[i] is base:
            return known[i + 1]  # type: ignore[no-any-return]
    options = base.with_options(document_class=type)
    plan.options = (base, options, *known[: 2 * (_REMEMBERED - 1)])
    return options


def has_field(type: Any, key: str) -> bool:
    """Return whether a type that documents are decoded to reads a field stored as ``key``.

    Of a union it is enough that one of its classes does. TypeError for no such type.
    """
    plan = typed_plan(type)
    if plan is None:
        return False
    node = plan.node
    alternatives = node.items if node.kind is Kind.UNION else (node,)
    return any(_reads(alternative, key.encode()) for alternative in alternatives)


def _reads(node: Node, key: bytes) -> bool:
    while node.kind is Kind.CALL and node.item is not None:
        node = node.item
    return node.model is not None and key in node.model.by_key()


def is_instance(value: Any) -> bool:
    """Return whether a value that is no mapping can be encoded as a document.

    TypeError if its class has fields that cannot be stored under their names.
    """
    return encode_plan_for(type(value)) is not None


def identity_attribute(value: Any) -> str | None:
    """Return the name of the attribute of an instance that is stored as its ``_id``, or None."""
    plan = encode_plan_for(type(value))
    first = plan.fields[0] if plan is not None and plan.fields else None
    if first is None or first.key != "_id" or first.source != Source.ATTRIBUTE:
        return None
    return first.name
