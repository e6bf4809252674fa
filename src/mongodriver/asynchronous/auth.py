"""Whether there is a library for GSSAPI, under the name that PyMongo has it here."""

from __future__ import annotations

from typing import Any

from mongodriver import auth


def __getattr__(name: str) -> Any:
    """Look it up when it is asked for."""
    if name != "HAVE_KERBEROS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return auth.HAVE_KERBEROS
