"""Typed documents: decode to, and encode from, classes with typed fields.

    >>> @dataclass
    ... class Movie:
    ...     id: ObjectId
    ...     title: str
    ...     rating: float | None = None
    >>> bsonx.decode(data, type=Movie)
    Movie(id=ObjectId('...'), title='Solaris', rating=8.1)

Dataclasses, TypedDict, NamedTuple, ``msgspec.Struct``, attrs and pydantic (v2) classes work, as
``type=`` of the decoding functions and as ``CodecOptions(document_class=...)`` everywhere else;
their instances can be encoded. None of these packages is needed or imported by this one.
"""

from __future__ import annotations

from typing import Any

from bsonx._typed.errors import TypedDecodeError
from bsonx._typed.hints import Name
from bsonx._typed.plan import plan_for, typed_plan
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions

_REMEMBERED = 4  # how many CodecOptions a type keeps its own form of

__all__ = ["Name", "TypedDecodeError", "options_for", "prepare"]


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
