"""What the pure implementation does with Arrow data.

It is imported when it is used: it needs ctypes, and that CPython's functions can be called by it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["arrow_fields", "arrow_reader", "arrow_schema"]


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
