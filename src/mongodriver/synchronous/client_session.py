"""Sessions given by the user, synchronous."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeVar

from bsonx._impl import run_coroutine
from mongodriver.asynchronous.client_session import AsyncClientSession
from mongodriver.compat import private_names
from mongodriver.public.flavour import blocking, own_methods, sibling
from mongodriver.public.sessions import Binding, ClientSessionBase
from mongodriver.public.transactions import end_session, end_transaction
from mongodriver.values.session_options import SessionOptions, TransactionOptions

if TYPE_CHECKING:
    from types import TracebackType

    from mongodriver.values.read_concern import ReadConcern
    from mongodriver.values.read_preferences import _ServerMode
    from mongodriver.values.write_concern import WriteConcern

__all__ = ["ClientSession", "SessionOptions", "TransactionOptions"]

T = TypeVar("T")


class _TransactionContext:
    """The block of a transaction: ``with session.start_transaction():``.

    At its end the transaction is committed, or aborted when the block raises.
    """

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(end_transaction(self._session, exc_type is None))


class _BoundSessionContext(Binding["ClientSession"]):
    """The block of a session that is bound: ``with session.bind():``."""

    def __enter__(self) -> ClientSession:
        return self._enter()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if self._leave():
            run_coroutine(end_session(self._session))


@own_methods
class ClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot, or in
    transactions.

    Made by `MongoClient.start_session`. Not to be shared by threads.

    A command that fails in a transaction may have aborted it on the server. A commit is then
    refused with an error that has the label "TransientTransactionError".
    """

    _transaction_class = _TransactionContext
    _bound_class = _BoundSessionContext
    _server_session = private_names.server_session

    end_session = blocking(AsyncClientSession.end_session)
    bind = sibling(AsyncClientSession.bind)
    start_transaction = blocking(AsyncClientSession.start_transaction)
    commit_transaction = blocking(AsyncClientSession.commit_transaction)
    abort_transaction = blocking(AsyncClientSession.abort_transaction)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        run_coroutine(end_session(self))

    def with_transaction(
        self,
        callback: Callable[[ClientSession], T],
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
        from mongodriver.public.with_transaction import with_transaction

        options = (read_concern, write_concern, read_preference, max_commit_time_ms)

        async def call(session: ClientSession) -> T:
            try:
                return callback(session)
            except StopIteration as exc:
                raise _StoppedError(exc) from None  # no coroutine may raise it

        try:
            return run_coroutine(with_transaction(self, call, options))
        except _StoppedError as exc:
            stop = exc.stop
        raise stop


class _StoppedError(Exception):
    """The callback of `with_transaction` has raised StopIteration."""

    def __init__(self, stop: StopIteration) -> None:
        self.stop = stop
