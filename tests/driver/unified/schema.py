"""Shapes that documents must have; what does not fit is `Malformed`, with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .failures import Unsupported

#: Checks a value found at a place.
Shape = Callable[[Any, str], None]


class Malformed(Unsupported):
    """A file, or a part of it, is not of the unified test format."""


def string(value: Any, place: str) -> None:
    """A string."""
    if not isinstance(value, str):
        raise Malformed(f"{place} is no string: {value!r}")


def boolean(value: Any, place: str) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise Malformed(f"{place} is no boolean: {value!r}")


def integer(value: Any, place: str) -> None:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed(f"{place} is no integer: {value!r}")


def anything(value: Any, place: str) -> None:
    """Whatever it is."""


def document(value: Any, place: str) -> None:
    """A document with any fields."""
    if not isinstance(value, Mapping):
        raise Malformed(f"{place} is no document: {value!r}")


def matching(pattern: str) -> Shape:
    """A string that is all of a pattern."""

    def check(value: Any, place: str) -> None:
        string(value, place)
        if not re.fullmatch(pattern, value):
            raise Malformed(f"{place} is not written correctly: {value!r}")

    return check


def one_of(*values: Any) -> Shape:
    """One of these values."""

    def check(value: Any, place: str) -> None:
        if not any(value == known and type(value) is type(known) for known in values):
            raise Malformed(f"{place} is unknown: {value!r}")

    return check


def some(item: Shape, least: int = 1) -> Shape:
    """An array of such items."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise Malformed(f"{place} is no array: {value!r}")
        if len(value) < least:
            raise Malformed(f"{place} has too few elements")
        for index, one in enumerate(value):
            item(one, f"{place}[{index}]")

    return check


def either(*shapes: Shape) -> Shape:
    """One of several shapes."""

    def check(value: Any, place: str) -> None:
        for shape in shapes:
            try:
                shape(value, place)
            except Malformed as exc:
                last = exc
            else:
                return
        raise last

    return check


def fields(
    required: Mapping[str, Shape] | None = None,
    *,
    least: int = 0,
    most: int | None = None,
    **optional: Shape,
) -> Shape:
    """A document with these fields and no others."""
    needed = required or {}
    known = {**needed, **optional}

    def check(value: Any, place: str) -> None:
        document(value, place)
        for name in needed:
            if name not in value:
                raise Malformed(f"{place}.{name} is missing")
        for name, one in value.items():
            if name not in known:
                raise Malformed(f"{place}.{name} is no field of the format")
            known[name](one, f"{place}.{name}")
        if len(value) < least or (most is not None and len(value) > most):
            raise Malformed(f"{place} has {len(value)} fields")

    return check


def named(**patterns: Shape) -> Shape:
    """A document whose fields are such names, with ``:suffix`` where there are several."""

    def check(value: Any, place: str) -> None:
        document(value, place)
        for name, one in value.items():
            kind, _, suffix = name.partition(":")
            if kind not in patterns or not re.fullmatch(r"\w*", suffix) or name.endswith(":"):
                raise Malformed(f"{place}.{name} is no field of the format")
            patterns[kind](one, f"{place}.{name}")

    return check


def values_of(shape: Shape) -> Shape:
    """A document with any names, and values of one shape."""

    def check(value: Any, place: str) -> None:
        document(value, place)
        for name, one in value.items():
            shape(one, f"{place}.{name}")

    return check
