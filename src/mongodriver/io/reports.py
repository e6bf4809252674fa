"""Exceptions of background coroutines, which nobody can catch: told once, and then worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Backend


class Reports:
    """Reports what should not have happened; the same again and again only the first time."""

    __slots__ = ("_backend", "_last")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._last = ""

    def add(self, exc: Exception) -> None:
        """Tell of an exception that a background coroutine survives."""
        text = f"{type(exc).__name__}: {exc}"
        if text != self._last:
            self._last = text
            self._backend.report(exc)
