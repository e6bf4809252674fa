"""Texts that several parts of the driver have in common."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["format_timeout_details"]

_LIMITS = ("socketTimeoutMS", "timeoutMS", "connectTimeoutMS")


def format_timeout_details(details: Mapping[str, float] | None) -> str:
    """Return what an error says of the time limits that were set, in milliseconds; "" of none."""
    known = [name for name in _LIMITS if details and name in details]
    parts = [f"{name}: {details[name]}ms" for name in known if details]
    return f" (configured timeouts: {', '.join(parts)})" if parts else ""
