"""What the pure implementation does with Arrow data.

It is imported when it is used: it needs ctypes, and that CPython's functions can be called by it.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "arrow_array",
    "arrow_builder",
    "arrow_fields",
    "arrow_reader",
    "arrow_schema",
    "arrow_stream",
    "arrow_types",
]


def _checked() -> None:
    import ctypes

    if not hasattr(ctypes, "pythonapi"):
        raise NotImplementedError("Arrow data need CPython, or the extension module of bsonx")


def arrow_reader(capsule: Any, array: Any = None) -> Any:
    """Return what reads a stream capsule, or, with two, a schema and an array capsule."""
    _checked()
    from .reader import ArrowReader

    return ArrowReader(capsule, array)


def arrow_fields(capsule: Any) -> tuple[Any, ...]:
    """Return the schema that a schema capsule holds: see csrc/arrow/schema.h."""
    _checked()
    from .schemas import arrow_fields

    return arrow_fields(capsule)


def arrow_schema(field: tuple[Any, ...]) -> Any:
    """Return a schema capsule."""
    _checked()
    from .export import arrow_schema

    return arrow_schema(field)


def arrow_builder(plan: tuple[Any, ...], strict: bool, lenient: bool) -> Any:
    """Return what builds columns of documents: see csrc/arrow/builder.h."""
    from .builder import ArrowBuilder

    return ArrowBuilder(plan, strict, lenient)


def arrow_types(documents: Any) -> tuple[Any, ...]:
    """Return what is in documents: see csrc/arrow/builder.h."""
    from .inference import arrow_types

    return arrow_types(documents)


def arrow_array(data: Any) -> Any:
    """Return an array capsule of what a builder has finished."""
    _checked()
    from .export import arrow_array

    return arrow_array(data)


def arrow_stream(field: tuple[Any, ...], next: Any, failed: Any) -> Any:
    """Return a stream capsule: see csrc/arrow/data.h."""
    _checked()
    from .export import arrow_stream

    return arrow_stream(field, next, failed)
