"""Logging in, and whether there is a library for GSSAPI, under the names that PyMongo has here."""

from __future__ import annotations

from typing import Any

from mongodriver.asynchronous import auth as asynchronous
from mongodriver.auth.gssapi import have_kerberos
from mongodriver.public.flavour import blocking_function

__all__ = ["authenticate"]

authenticate = blocking_function(asynchronous.authenticate)


def __getattr__(name: str) -> Any:
    """Look it up when it is asked for."""
    if name != "HAVE_KERBEROS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return have_kerberos()
