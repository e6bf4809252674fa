"""The error of typed decoding, and how exceptions of user code become one."""

from __future__ import annotations

from typing import Any

from bsonx.errors import BSONError

__all__ = ["USER_ERRORS", "TypedDecodeError", "wrap_error"]

# Exceptions of constructors, validators and conversions that are about the document.
USER_ERRORS = (ArithmeticError, TypeError, ValueError)


class TypedDecodeError(BSONError, ValueError):
    """A document that is valid BSON but does not fit the type asked for.

    ``path`` names the place in the document (``items[3].price``, empty for the document itself),
    ``offset`` its position in the input in bytes, ``reason`` says what is wrong there. An
    exception of user code (a constructor, a validator) is its ``__cause__``.
    """

    def __init__(self, reason: str, offset: int | None = None, path: str = "") -> None:
        super().__init__(reason, offset, path)
        self.reason = reason
        self.offset = offset
        self.path = path

    def __str__(self) -> str:
        place = self.path or "top level"
        if self.offset is None:
            return f"{self.reason} - at {place}"
        return f"{self.reason} - at {place} (byte {self.offset})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.offset, self.path)

    def _within(self, step: str | int) -> None:
        """Note that the path starts one level further up, in this field or array item."""
        if isinstance(step, int):
            step = f"[{step}]"
        separator = "" if not self.path or self.path.startswith("[") else "."
        self.path = f"{step}{separator}{self.path}"


TypedDecodeError.__module__ = "bsonx.typed"


def wrap_error(exc: Exception, offset: int) -> TypedDecodeError:
    """Return the error for one of USER_ERRORS, raised by code called for ``offset``."""
    if isinstance(exc, TypedDecodeError):
        if exc.offset is None:
            exc.offset = offset
        return exc
    error = _from_pydantic(exc, offset) if hasattr(exc, "errors") else None
    if error is None:
        error = TypedDecodeError(str(exc) or type(exc).__name__, offset)
    error.__cause__ = exc
    return error


def _from_pydantic(exc: Any, offset: int) -> TypedDecodeError | None:
    """Return the first of pydantic's errors, with its place as the path."""
    try:
        errors = exc.errors(include_url=False, include_context=False, include_input=False)
        first = errors[0]
        steps, reason = first["loc"], first["msg"]
    except (AttributeError, IndexError, KeyError, TypeError):
        return None
    if len(errors) > 1:
        reason = f"{reason} (and {len(errors) - 1} more)"
    error = TypedDecodeError(reason, offset)
    for step in reversed(steps):
        error._within(step)
    return error
