"""The texts in DNS records."""

from __future__ import annotations

__all__ = ["maybe_decode"]


def maybe_decode(text: str | bytes) -> str:
    """Return a text that may have come as bytes."""
    return text.decode() if isinstance(text, bytes) else text
