"""What the sessions of both flavours have in common for their users."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from bsonx.timestamp import Timestamp
from mongodriver.sessions.binding import bind, current, unbind
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.session_options import SessionOptions, TransactionOptions

if TYPE_CHECKING:
    from mongodriver.sessions.session import Session

__all__ = ["Binding", "ClientSessionBase", "core_session", "session_in_use"]

SessionT = TypeVar("SessionT", bound="ClientSessionBase")


def core_session(session: ClientSessionBase | None) -> Session | None:
    """The session the executor works with, for one given by the user.

    :raises ValueError: for what is no session.
    """
    if session is None:
        return None
    if not isinstance(session, ClientSessionBase):
        raise ValueError(f"'session' argument must be a ClientSession or None, not {type(session)}")
    return session._core


def session_in_use(session: ClientSessionBase | None) -> Session | None:
    """The session that an operation will use: that of the user, or of a block it is bound to."""
    return current() if session is None else core_session(session)


class ClientSessionBase:
    """A session's public face; the state is the core's `Session`."""

    #: The classes of this flavour that a session makes.
    _transaction_class: ClassVar[Any]
    _bound_class: ClassVar[Any]

    def __init__(
        self, client: Any, server_session: Any, options: SessionOptions, implicit: bool
    ) -> None:
        self._client = client
        self._core: Session = server_session
        self._options = options
        self._implicit = implicit

    def __repr__(self) -> str:
        core = self._core
        if core.ended:
            state = "ended"
        elif core.in_transaction:
            state = "a transaction is in progress"
        else:
            state = "no transaction is in progress"
        kind = "snapshot, " if core.snapshot else ""
        return f"<{type(self).__name__}: {kind}{state}>"

    @property
    def client(self) -> Any:
        """The client that started the session."""
        return self._client

    @property
    def options(self) -> SessionOptions:
        """How the session behaves."""
        return self._options

    @property
    def session_id(self) -> Mapping[str, Any]:
        """The server's id of the session, a document. InvalidOperation once it has ended."""
        session_id: Mapping[str, Any] = self._core.session_id
        return session_id

    @property
    def cluster_time(self) -> Mapping[str, Any] | None:
        """The newest ``$clusterTime`` the session has seen, or None."""
        cluster_time: Mapping[str, Any] | None = self._core.cluster_time
        return cluster_time

    @property
    def operation_time(self) -> Timestamp | None:
        """The newest operationTime the session has seen, or None."""
        operation_time: Timestamp | None = self._core.operation_time
        return operation_time

    @property
    def has_ended(self) -> bool:
        """Whether the session was ended."""
        return bool(self._core.ended)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is in progress."""
        return bool(self._core.in_transaction)

    @property
    def snapshot_time(self) -> Timestamp | None:
        """Of a snapshot, the time all reads are of; None before the first one.

        :raises InvalidOperation: for a session that is no snapshot.
        """
        if not self._core.snapshot:
            raise InvalidOperation("Only snapshot sessions have a snapshot time")
        snapshot_time: Timestamp | None = self._core.snapshot_time
        return snapshot_time

    def _begin(
        self,
        read_concern: Any,
        write_concern: Any,
        read_preference: Any,
        max_commit_time_ms: int | None,
    ) -> None:
        """Start a transaction with options, its own before those of the session and the client."""
        core = self._core
        core.check_can_begin()
        defaults = self._options.default_transaction_options or TransactionOptions()
        client = self._client
        if max_commit_time_ms is None:
            max_commit_time_ms = defaults.max_commit_time_ms
        options = TransactionOptions(
            _first(read_concern, defaults.read_concern, client.read_concern),
            _first(write_concern, defaults.write_concern, client.write_concern),
            _first(read_preference, defaults.read_preference, client.read_preference),
            max_commit_time_ms,
        )
        core.begin_transaction(options)

    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None:
        """Take the cluster time of another session, if it is newer.

        :raises TypeError: if it is no cluster time.
        """
        if not isinstance(cluster_time, Mapping):
            raise TypeError(
                f"cluster_time must be a subclass of collections.Mapping, not {type(cluster_time)}"
            )
        if not isinstance(cluster_time.get("clusterTime"), Timestamp):
            raise TypeError("Invalid cluster_time")
        self._core.advance_cluster_time(cluster_time)

    def advance_operation_time(self, operation_time: Timestamp) -> None:
        """Take the operation time of another session, if it is newer.

        :raises TypeError: if it is no `Timestamp`.
        """
        if not isinstance(operation_time, Timestamp):
            raise TypeError(
                "operation_time must be an instance of bson.timestamp.Timestamp, "
                f"not {type(operation_time)}"
            )
        self._core.advance_operation_time(operation_time)

    def __copy__(self) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} cannot be copied, create a new session instead")


def _first(*choices: Any) -> Any:
    """The first that is not None; an empty read concern is one."""
    return next((choice for choice in choices if choice is not None), None)


class Binding(Generic[SessionT]):
    """A block in which a session stands for all operations that are given none."""

    def __init__(self, session: SessionT, end_session: bool) -> None:
        self._session = session
        self._end_session = end_session
        #: Of the blocks that are being executed, one in the other.
        self._tokens: list[Token[Session | None]] = []

    def _enter(self) -> SessionT:
        self._tokens.append(bind(self._session._core))
        return self._session

    def _leave(self) -> bool:
        """End the block; whether the session ends with it."""
        unbind(self._tokens.pop())
        return self._end_session
