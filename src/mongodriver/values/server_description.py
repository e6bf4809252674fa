"""What the driver knows about one server."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from mongodriver.values.address import Address
from mongodriver.values.hello import Hello
from mongodriver.values.public_names import known_as
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from bsonx.objectid import ObjectId

__all__ = ["ServerDescription"]

_EPOCH = datetime(1970, 1, 1)

# Two descriptions are equal when these are (the rest changes with every heartbeat).
_COMPARED = (
    "address",
    "server_type",
    "min_wire_version",
    "max_wire_version",
    "me",
    "all_hosts",
    "tags",
    "replica_set_name",
    "set_version",
    "election_id",
    "primary",
    "logical_session_timeout_minutes",
    "error",
)


class ServerDescription:
    """An immutable view of one server, made from its last answer to `hello`.

    `address` is its (host, port), `hello` the answer or None (then the server is Unknown),
    `round_trip_time` the average duration of its heartbeats and `min_round_trip_time` the
    smallest recent one, both in seconds, `error` why the last check failed.
    """

    __module__ = "mongodriver.server_description"
    __slots__ = (
        "_address",
        "_error",
        "_hello",
        "_last_update_time",
        "_last_write_date",
        "_min_round_trip_time",
        "_round_trip_time",
        "_topology_version",
    )

    def __init__(
        self,
        address: Address,
        hello: Hello[dict[str, Any]] | None = None,
        round_trip_time: float | None = None,
        error: Exception | None = None,
        min_round_trip_time: float = 0.0,
    ) -> None:
        hello = hello or Hello({})
        self._address = address
        self._hello = hello
        self._round_trip_time = round_trip_time
        self._min_round_trip_time = min_round_trip_time
        self._error = error
        self._last_update_time = monotonic()
        written = hello.last_write_date
        self._last_write_date = (
            (written.replace(tzinfo=None) - _EPOCH).total_seconds() if written else None
        )
        self._topology_version = hello.topology_version
        if error is not None:
            details = getattr(error, "details", None)
            if isinstance(details, Mapping):
                version = details.get("topologyVersion")
                self._topology_version = version if isinstance(version, Mapping) else None

    @property
    def address(self) -> Address:
        """The (host, port) the server was contacted at."""
        return self._address

    @property
    def server_type(self) -> int:
        """The SERVER_TYPE."""
        return self._hello.server_type

    @property
    def server_type_name(self) -> str:
        """The name of the SERVER_TYPE."""
        return SERVER_TYPE._fields[self._hello.server_type]

    @property
    def all_hosts(self) -> set[tuple[str, int]]:
        """The addresses of all members the server knows."""
        return self._hello.all_hosts

    @property
    def tags(self) -> Mapping[str, Any]:
        """The member's tags."""
        return self._hello.tags

    @property
    def replica_set_name(self) -> str | None:
        """The name of the replica set, or None."""
        return self._hello.replica_set_name

    @property
    def primary(self) -> tuple[str, int] | None:
        """The address of the primary as this server sees it, or None."""
        return self._hello.primary

    @property
    def max_bson_size(self) -> int:
        """The size limit of a document, in bytes."""
        return self._hello.max_bson_size

    @property
    def max_message_size(self) -> int:
        """The size limit of a message, in bytes."""
        return self._hello.max_message_size

    @property
    def max_write_batch_size(self) -> int:
        """How many writes a command may hold."""
        return self._hello.max_write_batch_size

    @property
    def min_wire_version(self) -> int:
        """The lowest wire version the server speaks."""
        return self._hello.min_wire_version

    @property
    def max_wire_version(self) -> int:
        """The highest wire version the server speaks."""
        return self._hello.max_wire_version

    @property
    def set_version(self) -> int | None:
        """The version of the replica set's configuration, or None."""
        return self._hello.set_version

    @property
    def election_id(self) -> ObjectId | None:
        """The primary's election id (an ObjectId), or None."""
        return self._hello.election_id

    @property
    def cluster_time(self) -> Mapping[str, Any] | None:
        """The `$clusterTime` of the answer, or None."""
        return self._hello.cluster_time

    @property
    def election_tuple(self) -> tuple[int | None, ObjectId | None]:
        """(set_version, election_id); deprecated."""
        warnings.warn(
            "'election_tuple' is deprecated, use  'set_version' and 'election_id' instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.set_version, self.election_id

    @property
    def me(self) -> tuple[str, int] | None:
        """The address the server has for itself, or None."""
        return self._hello.me

    @property
    def logical_session_timeout_minutes(self) -> int | None:
        """After how many idle minutes the server ends a session, or None."""
        return self._hello.logical_session_timeout_minutes

    @property
    def last_write_date(self) -> float | None:
        """When the member last wrote, in seconds since 1970 (its own clock), or None."""
        return self._last_write_date

    @property
    def last_update_time(self) -> float:
        """When this description was made (`time.monotonic()`)."""
        return self._last_update_time

    @property
    def round_trip_time(self) -> float | None:
        """The average duration of a heartbeat, in seconds, or None."""
        return self._round_trip_time

    @property
    def min_round_trip_time(self) -> float:
        """The shortest recent heartbeat, in seconds."""
        return self._min_round_trip_time

    @property
    def error(self) -> Exception | None:
        """Why the last check failed, or None."""
        return self._error

    @property
    def is_writable(self) -> bool:
        """Whether the server accepts writes."""
        return self._hello.is_writable

    @property
    def is_readable(self) -> bool:
        """Whether the server can answer reads of some read preference."""
        return self._hello.is_readable

    @property
    def mongos(self) -> bool:
        """Whether the server is a mongos."""
        return self._hello.server_type == SERVER_TYPE.Mongos

    @property
    def is_server_type_known(self) -> bool:
        """Whether the last check succeeded."""
        return self._hello.server_type != SERVER_TYPE.Unknown

    @property
    def retryable_writes_supported(self) -> bool:
        """Whether writes to the server can be retried."""
        return self._hello.server_type in (
            SERVER_TYPE.Mongos,
            SERVER_TYPE.RSPrimary,
            SERVER_TYPE.LoadBalancer,
        )

    @property
    def retryable_reads_supported(self) -> bool:
        """Whether reads from the server can be retried."""
        return self._hello.max_wire_version >= 6

    @property
    def topology_version(self) -> Mapping[str, Any] | None:
        """The version of the server's own state: `processId` and `counter`; or None."""
        return self._topology_version

    def to_unknown(self, error: Exception | None = None) -> ServerDescription:
        """Return the description of the same server as Unknown, because of `error`."""
        unknown = ServerDescription(self._address, error=error)
        unknown._topology_version = self._topology_version
        return unknown

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ServerDescription):
            return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        error = f", error={self._error!r}" if self._error else ""
        return (
            f"<ServerDescription {self._address} server_type: {self.server_type_name}, "
            f"rtt: {self._round_trip_time}{error}>"
        )


known_as("mongodriver.server_description", globals())
