"""Authentication: credentials, mechanisms, and the conversations of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mongodriver.auth.credentials import GSSAPIProperties, MongoCredential
    from mongodriver.synchronous.auth import authenticate
    from mongodriver.values.mechanisms import MECHANISMS

__all__ = ["HAVE_KERBEROS", "MECHANISMS", "GSSAPIProperties", "MongoCredential", "authenticate"]


def __getattr__(name: str) -> Any:
    """Look up whether there is a library for GSSAPI, or a name of credentials, when it is asked."""
    if name in ("MECHANISMS", "GSSAPIProperties", "MongoCredential"):
        from mongodriver.auth import credentials

        return getattr(credentials, name)
    if name == "authenticate":
        from mongodriver.synchronous.auth import authenticate

        return authenticate
    if name != "HAVE_KERBEROS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mongodriver.auth.gssapi import have_kerberos

    return have_kerberos()
