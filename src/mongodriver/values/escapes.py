"""Percent-encoding of connection strings, undone."""

from __future__ import annotations

__all__ = ["unquote", "unquote_plus"]


def unquote(text: str) -> str:
    """`urllib.parse.unquote`, which is loaded only for text that has something to undo."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def unquote_plus(text: str) -> str:
    """The same, where "+" stands for a space."""
    return unquote(text.replace("+", " "))
