"""How sessions and their transactions end, in both flavours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsonx.errors import BSONError
from mongodriver.execution.timeouts import refreshed
from mongodriver.ops.transactions import AbortTransaction, CommitTransaction
from mongodriver.sessions.transaction import ABORTED, COMMITTED
from mongodriver.values.errors import PyMongoError
from mongodriver.values.limits import FAREWELL_TIMEOUT

if TYPE_CHECKING:
    from .sessions import ClientSessionBase

__all__ = [
    "abort_after_failure",
    "abort_transaction",
    "commit_transaction",
    "end_session",
    "end_transaction",
]


async def end_session(session: ClientSessionBase) -> None:
    """Abort a transaction that is in progress, and give the server session back."""
    core = session._core
    try:
        if core.in_transaction:
            await abort_after_failure(session)
    finally:
        core.end()


async def end_transaction(session: ClientSessionBase, success: bool) -> None:
    """End the block of a transaction, unless it was ended in the block."""
    if not session.in_transaction:
        return
    if success:
        await commit_transaction(session)
    else:
        await abort_after_failure(session)


async def commit_transaction(session: ClientSessionBase) -> None:
    """Commit, or commit once more."""
    core = session._core
    core.check_can_commit()
    transaction = core.transaction
    again = transaction.state == COMMITTED
    backend = session._client._core.backend
    if not again and not transaction.empty and backend.is_cancelled():
        # Nothing would be sent, and the transaction left to hold its locks.
        await abort_after_failure(session)
        await backend.sleep(0)  # raises the cancellation
    transaction.end(COMMITTED)
    error = None
    try:
        if not transaction.empty:
            options = transaction.options
            operation = CommitTransaction(options.write_concern, options.max_commit_time_ms, again)
            await session._client._core.executor.execute(operation, core)
    except BaseException as exc:
        error = exc
        raise
    finally:
        core.tell_of_end(error)
        del error


async def abort_after_failure(session: ClientSessionBase) -> None:
    """Abort for whoever cannot do it any more, with a time limit of its own: that of the operations
    may have been what made them fail.
    """
    if session._core.abandon_transaction():
        return
    backend = session._client._core.backend
    with refreshed(), backend.undisturbed(FAREWELL_TIMEOUT):
        await abort_transaction(session)


async def abort_transaction(session: ClientSessionBase) -> None:
    """Abort. The server does it by itself in the end, so that its errors do not matter."""
    core = session._core
    core.check_can_abort()
    transaction = core.transaction
    transaction.end(ABORTED)
    try:
        if not transaction.empty:
            operation = AbortTransaction(transaction.options.write_concern)
            await session._client._core.executor.execute(operation, core)
    except (PyMongoError, BSONError):
        pass
    finally:
        core.unpin()
        core.tell_of_end(None)
