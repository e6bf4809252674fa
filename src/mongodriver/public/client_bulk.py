"""How both flavours run the bulk write of a client, and what they do when it fails half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx.errors import BSONError
from mongodriver.ops.client_bulk import ClientBulkWrite
from mongodriver.ops.cursor import KillCursors
from mongodriver.values.error_codes import CURSOR_GONE
from mongodriver.values.errors import (
    ConnectionFailure,
    OperationFailure,
    ProtocolError,
    PyMongoError,
)

if TYPE_CHECKING:
    from mongodriver.client.client import Client
    from mongodriver.values.results import ClientBulkWriteResult


async def run_client_bulk(
    core: Client, operation: ClientBulkWrite, session: Any
) -> ClientBulkWriteResult:
    """Execute a bulk write. The cursor of its results is not left behind on the server.

    :param session: the core session given by the user, or None.
    :raises ClientBulkWriteException: if it failed, wholly or in part.
    """
    try:
        try:
            await core.executor.execute(operation, session)
        except BaseException as exc:
            await _end_cursor(core, operation, session, exc)
            if not isinstance(exc, PyMongoError):
                raise
            failure = operation.failure(exc)
            if failure is exc:
                raise
            raise failure from exc
        await _end_cursor(core, operation, session, None)
    finally:
        connection, operation.pinned = operation.pinned, None
        if connection is not None:
            core.unpin(connection)
    return operation.outcome()


async def _end_cursor(
    core: Client, operation: ClientBulkWrite, session: Any, error: BaseException | None
) -> None:
    """Have the cursor killed that is still open."""
    if operation.cursor is None:
        return
    namespace, cursor_id = operation.cursor
    if isinstance(error, OperationFailure) and error.code in CURSOR_GONE:
        return
    if error is None or _is_of_server(error):
        kill = KillCursors(namespace, [cursor_id], operation.codec_options)
        try:
            await core.executor.execute(kill, session, None, operation.address, operation.pinned)
        except (PyMongoError, BSONError):
            pass  # the server will do it by itself
    elif operation.pinned is None and not _is_lost(error):
        # The caller's time is over: housekeeping does it.
        core.kill_cursor_soon(cursor_id, namespace, operation.address)


def _is_of_server(error: BaseException) -> bool:
    """Whether the connection is in order, and the caller has time left."""
    if isinstance(error, PyMongoError) and error.timeout:
        return False
    return isinstance(error, (OperationFailure, ProtocolError, BSONError))


def _is_lost(error: BaseException) -> bool:
    """Whether the connection is lost, and with it the way to the cursor."""
    return isinstance(error, ConnectionFailure) and not error.timeout
