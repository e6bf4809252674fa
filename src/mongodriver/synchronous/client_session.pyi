"""Sessions given by the user, synchronous.

What type checkers and editors see. Written by tests/typing/stubs.py: change the module it is of,
or the asynchronous one, and run ``make stubs``.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from mongodriver.public.sessions import Binding, ClientSessionBase
from mongodriver.synchronous.mongo_client import MongoClient
from mongodriver.values.read_concern import ReadConcern
from mongodriver.values.read_preferences import _ServerMode
from mongodriver.values.session_options import SessionOptions, TransactionOptions
from mongodriver.values.write_concern import WriteConcern

__all__ = ["ClientSession", "SessionOptions", "TransactionOptions"]
T = TypeVar("T")

class _TransactionContext:
    """The block of a transaction: ``with session.start_transaction():``.

    At its end the transaction is committed, or aborted when the block raises.
    """

    def __init__(self, session: ClientSession) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

class _BoundSessionContext(Binding[ClientSession]):
    """The block of a session that is bound: ``with session.bind():``."""

    def __enter__(self) -> ClientSession: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...

class ClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot, or in
    transactions.

    Made by `MongoClient.start_session`. Not to be shared by threads.

    A command that fails in a transaction may have aborted it on the server. A commit is then
    refused with an error that has the label "TransientTransactionError".
    """

    def __init__(
        self, client: MongoClient[Any], server_session: Any, options: SessionOptions, implicit: bool
    ) -> None: ...
    @property
    def client(self) -> MongoClient[Any]: ...
    def end_session(self) -> None:
        """End the session; may be called more than once. A transaction is aborted."""

    def bind(self, end_session: bool = True) -> _BoundSessionContext:
        """Have all operations in a block use this session, unless they are given another one.

        :param end_session: end the session when the block ends.
        """

    def start_transaction(
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

    def commit_transaction(self) -> None:
        """Commit the transaction. May be called again when the outcome is not known.

        :raises InvalidOperation: if none was started, or it was aborted.
        :raises PyMongoError: with the label "UnknownTransactionCommitResult" if the transaction may
            have been committed nevertheless.
        """

    def abort_transaction(self) -> None:
        """Abort the transaction. What the server says to it is of no interest.

        :raises InvalidOperation: if none is in progress.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
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
