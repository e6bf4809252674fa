"""The server's answer to `hello`, which describes it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from mongodriver.values.address import clean_node, partition_node
from mongodriver.values.limits import MAX_BSON_SIZE, MAX_MESSAGE_SIZE, MAX_WRITE_BATCH_SIZE
from mongodriver.values.public_names import known_as
from mongodriver.values.server_type import SERVER_TYPE

if TYPE_CHECKING:
    from bsonx.objectid import ObjectId

__all__ = ["Hello", "HelloCompat"]

_T = TypeVar("_T")
DocumentT = TypeVar("DocumentT", bound=Mapping[str, Any])


class HelloCompat:
    """The names of the command and its fields, of today and before MongoDB 5.0."""

    CMD = "hello"
    LEGACY_CMD = "ismaster"
    PRIMARY = "isWritablePrimary"
    LEGACY_PRIMARY = "ismaster"
    LEGACY_ERROR = "not master"


def _server_type(doc: Mapping[str, Any]) -> int:
    """Return the SERVER_TYPE a reply stands for (server-discovery-and-monitoring, "type")."""
    if not doc.get("ok"):
        return SERVER_TYPE.Unknown
    if doc.get("serviceId"):
        return SERVER_TYPE.LoadBalancer
    if doc.get("isreplicaset"):
        return SERVER_TYPE.RSGhost
    if doc.get("setName"):
        return _member_type(doc)
    if doc.get("msg") == "isdbgrid":
        return SERVER_TYPE.Mongos
    return SERVER_TYPE.Standalone


def _member_type(doc: Mapping[str, Any]) -> int:
    if doc.get("hidden"):
        return SERVER_TYPE.RSOther
    if doc.get(HelloCompat.PRIMARY) or doc.get(HelloCompat.LEGACY_PRIMARY):
        return SERVER_TYPE.RSPrimary
    if doc.get("secondary"):
        return SERVER_TYPE.RSSecondary
    if doc.get("arbiterOnly"):
        return SERVER_TYPE.RSArbiter
    return SERVER_TYPE.RSOther


class Hello(Generic[DocumentT]):
    """A reply to `hello`, with the server's type and defaults for what it leaves out.

    `doc` is the reply, `awaitable` whether it came from a hello the server held back until
    something changed.
    """

    __slots__ = ("_awaitable", "_doc", "_is_readable", "_is_writable", "_server_type")

    def __init__(self, doc: DocumentT, awaitable: bool = False) -> None:
        self._server_type = _server_type(doc)
        self._doc: Mapping[str, Any] = doc
        self._is_writable = self._server_type in (
            SERVER_TYPE.RSPrimary,
            SERVER_TYPE.Standalone,
            SERVER_TYPE.Mongos,
            SERVER_TYPE.LoadBalancer,
        )
        self._is_readable = self._is_writable or self._server_type == SERVER_TYPE.RSSecondary
        self._awaitable = awaitable

    def _field(self, name: str, default: _T) -> _T:
        value: _T = self._doc.get(name, default)
        return value

    @property
    def document(self) -> DocumentT:
        """A copy of the reply."""
        return cast("DocumentT", dict(self._doc))

    @property
    def server_type(self) -> int:
        """The SERVER_TYPE."""
        return self._server_type

    @property
    def all_hosts(self) -> set[tuple[str, int]]:
        """The addresses of all members the server knows: hosts, passives and arbiters."""
        doc = self._doc
        return set(
            map(
                clean_node,
                itertools.chain(
                    doc.get("hosts", []), doc.get("passives", []), doc.get("arbiters", [])
                ),
            )
        )

    @property
    def tags(self) -> Mapping[str, Any]:
        """The member's tags."""
        return self._field("tags", dict[str, Any]())

    @property
    def primary(self) -> tuple[str, int] | None:
        """The address of the primary as this member sees it, or None."""
        primary = self._doc.get("primary")
        return partition_node(primary) if primary else None

    @property
    def replica_set_name(self) -> str | None:
        """The name of the replica set, or None."""
        return self._doc.get("setName")

    @property
    def max_bson_size(self) -> int:
        """The size limit of a document, in bytes."""
        return self._field("maxBsonObjectSize", MAX_BSON_SIZE)

    @property
    def max_message_size(self) -> int:
        """The size limit of a message, in bytes."""
        return self._field("maxMessageSizeBytes", max(2 * self.max_bson_size, MAX_MESSAGE_SIZE))

    @property
    def max_write_batch_size(self) -> int:
        """How many writes a command may hold."""
        return self._field("maxWriteBatchSize", MAX_WRITE_BATCH_SIZE)

    @property
    def min_wire_version(self) -> int:
        """The lowest wire version the server speaks."""
        return self._field("minWireVersion", 0)

    @property
    def max_wire_version(self) -> int:
        """The highest wire version the server speaks."""
        return self._field("maxWireVersion", 0)

    @property
    def set_version(self) -> int | None:
        """The version of the replica set's configuration, or None."""
        return self._doc.get("setVersion")

    @property
    def election_id(self) -> ObjectId | None:
        """The primary's election id (an ObjectId), or None."""
        return self._doc.get("electionId")

    @property
    def cluster_time(self) -> Mapping[str, Any] | None:
        """The `$clusterTime` of the reply, or None."""
        return self._doc.get("$clusterTime")

    @property
    def logical_session_timeout_minutes(self) -> int | None:
        """After how many idle minutes the server ends a session, or None."""
        return self._doc.get("logicalSessionTimeoutMinutes")

    @property
    def is_writable(self) -> bool:
        """Whether the server accepts writes."""
        return self._is_writable

    @property
    def is_readable(self) -> bool:
        """Whether the server can answer reads of some read preference."""
        return self._is_readable

    @property
    def me(self) -> tuple[str, int] | None:
        """The address the server has for itself, or None."""
        me = self._doc.get("me")
        return clean_node(me) if me else None

    @property
    def last_write_date(self) -> datetime | None:
        """When the member last wrote (its own clock), or None."""
        write: Mapping[str, Any] = self._doc.get("lastWrite", {})
        return write.get("lastWriteDate")

    @property
    def compressors(self) -> list[str] | None:
        """The compressors both sides know, or None."""
        return self._doc.get("compression")

    @property
    def sasl_supported_mechs(self) -> list[str]:
        """The authentication mechanisms of the user that was asked about."""
        return self._field("saslSupportedMechs", list[str]())

    @property
    def speculative_authenticate(self) -> Mapping[str, Any] | None:
        """The first reply of the authentication started with the handshake, or None."""
        return self._doc.get("speculativeAuthenticate")

    @property
    def topology_version(self) -> Mapping[str, Any] | None:
        """The version of the server's own state: `processId` and `counter`; or None."""
        return self._doc.get("topologyVersion")

    @property
    def awaitable(self) -> bool:
        """Whether the reply answers an awaitable hello."""
        return self._awaitable

    @property
    def service_id(self) -> ObjectId | None:
        """The id of the mongos behind a load balancer (an ObjectId), or None."""
        return self._doc.get("serviceId")

    @property
    def hello_ok(self) -> bool:
        """Whether the server knows the command `hello`."""
        return self._field("helloOk", False)

    @property
    def connection_id(self) -> int | None:
        """The server's number for this connection, or None."""
        return self._doc.get("connectionId")


known_as("mongodriver.hello", globals())
