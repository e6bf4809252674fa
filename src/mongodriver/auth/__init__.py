"""Authentication: credentials, mechanisms, and the conversations of a login."""

from __future__ import annotations

from mongodriver.auth.credentials import MECHANISMS, GSSAPIProperties, MongoCredential

__all__ = ["HAVE_KERBEROS", "MECHANISMS", "GSSAPIProperties", "MongoCredential"]


def __getattr__(name: str) -> bool:
    """Whether there is a library for GSSAPI is looked up when somebody asks."""
    if name != "HAVE_KERBEROS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.util import find_spec

    return any(find_spec(library) is not None for library in ("gssapi", "winkerberos"))
