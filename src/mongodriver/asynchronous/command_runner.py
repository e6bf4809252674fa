"""Commands over a connection, with all that may be said of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongodriver.compat.commands import run_on
from mongodriver.events.observer import Observer

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, MutableMapping

    from bsonx.codec_options import CodecOptions
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["run_command"]


async def run_command(
    conn: Any,
    dbname: str,
    spec: MutableMapping[str, Any],
    read_preference: _ServerMode | None,
    codec_options: CodecOptions[Any],
    session: Any,
    client: Any,
    check: bool = True,
    allowable_errors: Container[int | str] | None = None,
    listeners: Any = None,
    max_bson_size: int | None = None,
    read_concern: ReadConcern | None = None,
    parse_write_concern_error: bool = False,
    collation: Mapping[str, Any] | None = None,
    compression_ctx: Any = None,
    unacknowledged: bool = False,
    user_fields: Mapping[str, Any] | None = None,
    exhaust_allowed: bool = False,
    write_concern: WriteConcern | None = None,
) -> Any:
    """Run a command over a connection, once, and return the reply.

    :param conn: a connection of `mongodriver.pool`, or its asynchronous twin.
    :param spec: the command; gets the fields that are added to it.
    :param session: of `client`, whose cluster time is sent and kept as well; both may be None.
    :param check: raise errors of the server.
    :param allowable_errors: codes and messages of errors that are not raised.
    :param listeners: who is told of it; None: nobody.
    :param max_bson_size: the largest document, in bytes; None: any.
    :param compression_ctx: how it is compressed; None: not at all.
    :param unacknowledged: the server does not reply; ``{"ok": 1}`` is returned.
    :param user_fields: the fields of the reply that `codec_options` are for; None: all.
    :raises PyMongoError: as the command fails.
    """
    return await run_on(
        conn,
        dbname,
        spec,
        codec_options,
        read_preference=read_preference,
        session=session,
        client=client,
        check=check,
        allowable_errors=allowable_errors,
        observer=Observer(listeners),
        max_bson_size=max_bson_size,
        read_concern=read_concern,
        write_concern=write_concern,
        parse_write_concern_error=parse_write_concern_error,
        collation=collation,
        compression=compression_ctx,
        acknowledged=not unacknowledged,
        user_fields=user_fields,
        exhaust=exhaust_allowed,
    )
