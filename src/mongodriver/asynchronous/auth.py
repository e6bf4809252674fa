"""Logging in, and whether there is a library for GSSAPI, under the names that PyMongo has here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongodriver.auth.gssapi import have_kerberos

if TYPE_CHECKING:
    from mongodriver.auth.credentials import MongoCredential

__all__ = ["authenticate"]


async def authenticate(
    credentials: MongoCredential, conn: Any, reauthenticate: bool = False
) -> None:
    """Log a connection in.

    :param conn: a connection of `mongodriver.pool`, or its asynchronous twin, after its handshake.
    :param reauthenticate: somebody is logged in on it, and is to be anew.
    :raises OperationFailure: when the server refuses.
    :raises AutoReconnect: when the connection breaks.
    """
    from mongodriver.cmap.login import Logins

    pool, core = conn._pool, conn._core
    limit = pool.opts.connect_timeout
    login = core.login
    if reauthenticate and login is not None:
        await conn._told(login.again(core, None))
        return
    logins = Logins(credentials, limit, pool._io, pool._observer)
    login = logins.begin(core.address)
    await conn._told(login.finish(core, core.hello, conn._deadline(), None))
    core.login = login


def __getattr__(name: str) -> Any:
    """Look it up when it is asked for."""
    if name != "HAVE_KERBEROS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return have_kerberos()
