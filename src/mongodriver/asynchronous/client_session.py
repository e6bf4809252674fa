"""Sessions given by the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

from bsonx.timestamp import Timestamp
from mongodriver.public.missing import why_missing
from mongodriver.values.errors import InvalidOperation
from mongodriver.values.session_options import SessionOptions, TransactionOptions

__all__ = ["AsyncClientSession", "ClientSessionBase", "SessionOptions", "TransactionOptions"]


class ClientSessionBase:
    """A session's public face; the state is the core's `Session`."""

    def __init__(
        self, client: Any, server_session: Any, options: SessionOptions, implicit: bool
    ) -> None:
        self._client = client
        self._core = server_session
        self._options = options
        self._implicit = implicit

    def _core_for(self, client: Any) -> Any:
        """The core's session, for an operation of the core client `client`."""
        core = self._core
        if core.ended:
            raise InvalidOperation("Cannot use ended session")
        if core.owner is not client:
            raise InvalidOperation("Can only use session with the MongoClient that started it")
        return core

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


class AsyncClientSession(ClientSessionBase):
    """A session: operations that belong together, with causal consistency or a snapshot.

    Made by `AsyncMongoClient.start_session`. Not to be shared by tasks.
    """

    async def end_session(self) -> None:
        """End the session; may be called more than once."""
        self._core.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._core.end()
