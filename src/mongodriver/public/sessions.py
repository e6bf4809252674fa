"""What the sessions of both flavours have in common for their users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from bsonx.timestamp import Timestamp
from mongodriver.public.missing import why_missing
from mongodriver.values.session_options import SessionOptions

if TYPE_CHECKING:
    from mongodriver.sessions.session import Session

__all__ = ["ClientSessionBase", "core_session"]


def core_session(session: ClientSessionBase | None) -> Session | None:
    """The session the executor works with, for one given by the user.

    :raises ValueError: for what is no session.
    """
    if session is None:
        return None
    if not isinstance(session, ClientSessionBase):
        raise ValueError(f"'session' argument must be a ClientSession or None, not {type(session)}")
    return session._core


class ClientSessionBase:
    """A session's public face; the state is the core's `Session`."""

    def __init__(
        self, client: Any, server_session: Any, options: SessionOptions, implicit: bool
    ) -> None:
        self._client = client
        self._core: Session = server_session
        self._options = options
        self._implicit = implicit

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

    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None:
        """Take the cluster time of another session, if it is newer.

        :raises TypeError: if it is no cluster time.
        """
        if not isinstance(cluster_time, Mapping):
            raise TypeError(
                f"cluster_time must be a subclass of collections.Mapping, not {type(cluster_time)}"
            )
        if not isinstance(cluster_time.get("clusterTime"), Timestamp):
            raise ValueError("Invalid cluster_time")
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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            # No NotImplementedError: whoever asks with hasattr() shall be told the truth.
            why = why_missing(type(self).__name__, name)
            raise AttributeError(why or f"{type(self).__name__!r} object has no attribute {name!r}")

    def __copy__(self) -> NoReturn:
        raise TypeError("A ClientSession cannot be copied, create a new session instead")
