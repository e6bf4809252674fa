"""Sessions given by the user, and their transactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mongodriver.compat import private_names
from mongodriver.public.flavour import own_methods
from mongodriver.public.sessions import Binding, ClientSessionBase
from mongodriver.public.transactions import (
    abort_transaction,
    commit_transaction,
    end_session,
    end_transaction,
)
from mongodriver.values.session_options import SessionOptions, TransactionOptions

if TYPE_CHECKING:
    from types import TracebackType

    from mongodriver.asynchronous.mongo_client import AsyncMongoClient
    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["AsyncClientSession", "SessionOptions", "TransactionOptions"]

T = TypeVar("T")


class _TransactionContext:
    """The block of a transaction: ``async with await session.start_transaction():``.

    At its end the transaction is committed, or aborted when the block raises.
    """

    def __init__(self, session: AsyncClientSession) -> None:
        self._session = session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await end_transaction(self._session, exc_type is None)


class _AsyncBoundSessionContext(Binding["AsyncClientSession"]):
    """The block of a session that is bound: ``async with session.bind():``."""

    async def __aenter__(self) -> AsyncClientSession:
        return self._enter()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._leave():
            await end_session(self._session)


@own_methods
class AsyncClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot, or in
    transactions.

    Made by `AsyncMongoClient.start_session`. Not to be shared by tasks.

    A command that fails in a transaction may have aborted it on the server. A commit is then
    refused with an error that has the label "TransientTransactionError".
    """

    _transaction_class = _TransactionContext
    _bound_class = _AsyncBoundSessionContext
    _server_session = private_names.server_session

    if TYPE_CHECKING:

        def __init__(
            self,
            client: AsyncMongoClient[Any],
            server_session: Any,
            options: SessionOptions,
            implicit: bool,
        ) -> None: ...
        @property
        def client(self) -> AsyncMongoClient[Any]: ...

    async def end_session(self) -> None:
        """End the session; may be called more than once. A transaction is aborted."""
        await end_session(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await end_session(self)

    def bind(self, end_session: bool = True) -> _AsyncBoundSessionContext:
        """Have all operations in a block use this session, unless they are given another one.

        :param end_session: end the session when the block ends.
        """
        context: _AsyncBoundSessionContext = self._bound_class(self, end_session)
        return context

    async def start_transaction(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> _TransactionContext:
        """Start a transaction; no I/O. What is returned is a context manager, for the block of the
        transaction: at its end that is committed, or aborted when the block raises.

        What is left out is taken from the session's default transaction options, then from the
        client.

        :param max_commit_time_ms: milliseconds a commit may take on the server.
        :raises InvalidOperation: if one is in progress, or the session has ended or is a snapshot.
        :raises ConfigurationError: for an unacknowledged write concern.
        """
        self._begin(read_concern, write_concern, read_preference, max_commit_time_ms)
        context: _TransactionContext = self._transaction_class(self)
        return context

    async def commit_transaction(self) -> None:
        """Commit the transaction. May be called again when the outcome is not known.

        :raises InvalidOperation: if none was started, or it was aborted.
        :raises PyMongoError: with the label "UnknownTransactionCommitResult" if the transaction may
            have been committed nevertheless.
        """
        await commit_transaction(self)

    async def abort_transaction(self) -> None:
        """Abort the transaction. What the server says to it is of no interest.

        :raises InvalidOperation: if none is in progress.
        """
        await abort_transaction(self)

    async def with_transaction(
        self,
        callback: Callable[[AsyncClientSession], Awaitable[T]],
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> T:
        """Run a callback in a transaction, commit that, and return what the callback returned.

        :param callback: gets this session, which it passes to its operations. It is called again
            as long as the transaction fails for a passing reason, for at most two minutes or the
            time limit of the operation; so it should do nothing else that must not happen twice.
            It must let errors of its operations out: the server may have aborted the transaction.
        :raises: what the callback raises, after the transaction was aborted.
        :raises PyMongoError: when the commit fails for good, or the time is over.

        Other arguments are those of `start_transaction`.
        """
        options = (read_concern, write_concern, read_preference, max_commit_time_ms)
        from mongodriver.public.with_transaction import with_transaction

        return await with_transaction(self, callback, options)
