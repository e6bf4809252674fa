"""What the driver adds to every command: concerns, session, transaction number, cluster time,
database, read preference and the declared API version, in the order PyMongo sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..values.errors import ConfigurationError
from ..values.read_concern import DEFAULT_READ_CONCERN
from ..values.read_preferences import ReadPreference
from ..values.server_api import api_fields
from ..values.server_type import SERVER_TYPE
from .transactions import is_part, join

if TYPE_CHECKING:
    from ..cmap.connection import Connection
    from ..sessions.cluster_clock import ClusterClock
    from .execution import Execution

#: The wire version of MongoDB 5.0.
_SNAPSHOTS = 13
_OF_CURSORS = ("getMore", "killCursors")
_PRIMARY_PREFERRED = ReadPreference.PRIMARY_PREFERRED.document


class CommandFields:
    """What one client adds to its commands.

    :param server_api: the declared API, or None.
    :param direct: the client is connected to a single server, whatever its state.
    """

    __slots__ = ("_api", "_clock", "_direct")

    def __init__(self, clock: ClusterClock, server_api: Any = None, direct: bool = False) -> None:
        self._clock = clock
        self._api: dict[str, Any] | None = None if server_api is None else api_fields(server_api)
        self._direct = direct

    def add(self, body: dict[str, Any], execution: Execution, connection: Connection) -> None:
        """Add to the body of a command, in place."""
        operation = execution.operation
        session = execution.session
        read_concern = operation.read_concern
        if (
            read_concern is not None
            and read_concern is not DEFAULT_READ_CONCERN
            and read_concern.level
        ):
            body["readConcern"] = read_concern.document
        if self._api is not None:
            body.update(self._api)
        if session is not None and connection.supports_sessions:
            if execution.owns_session:
                body["lsid"] = session.lsid  # type: ignore[union-attr]  # one of the server's
            else:
                server_session = session.server_session
                server_session.last_use = monotonic()  # the pool has set that of the others
                body["lsid"] = server_session.lsid
                if not session.implicit:
                    self._add_session_fields(body, execution, connection)
            if execution.transaction_number is not None:
                body["txnNumber"] = execution.transaction_number
        elif session is not None and not session.implicit:
            raise ConfigurationError("Sessions are not supported by this MongoDB deployment")
        cluster_time = self._clock.now
        if cluster_time is not None:
            if session is not None and session.cluster_time is not None:
                cluster_time = _later(cluster_time, session.cluster_time)
            body["$clusterTime"] = cluster_time
        if execution.max_time_ms is not None:
            body["maxTimeMS"] = execution.max_time_ms
        write_concern = operation.write_concern
        if write_concern is not None and not write_concern.is_server_default:
            _add_write_concern(body, write_concern, execution)
        body["$db"] = operation.database
        if execution.preference is not None or (self._direct and not operation.is_write):
            self._add_read_preference(body, execution, connection)

    def _add_session_fields(
        self, body: dict[str, Any], execution: Execution, connection: Connection
    ) -> None:
        """What an explicit session adds: its transaction, or a read concern that makes it causal,
        or a snapshot.
        """
        session: Any = execution.session
        operation = execution.operation
        if session.cluster_time is not None and self._clock.now is None:
            _add_first_cluster_time(body, session, connection)
        if is_part(session, operation):
            join(body, execution, connection, session)
        elif session.snapshot:
            _add_snapshot(body, execution, connection, session)
        elif (
            session.causal_consistency
            and session.operation_time is not None
            and (operation.is_write or operation.read_concern is not None)
        ):
            concern = {**body.get("readConcern", {}), "afterClusterTime": session.operation_time}
            body["readConcern"] = concern

    def _add_read_preference(
        self, body: dict[str, Any], execution: Execution, connection: Connection
    ) -> None:
        kind = connection.server_type
        if kind == SERVER_TYPE.Standalone:
            return
        if execution.preference is not None:
            body["$readPreference"] = execution.preference.document
        elif kind != SERVER_TYPE.Mongos:
            # Connected to this one member: it must answer even if it is not the primary.
            body["$readPreference"] = _PRIMARY_PREFERRED


def _add_first_cluster_time(body: dict[str, Any], session: Any, connection: Connection) -> None:
    """The session has been told of a time before its client heard of any."""
    if connection.server_type != SERVER_TYPE.Standalone:
        body["$clusterTime"] = session.cluster_time


def _add_snapshot(
    body: dict[str, Any], execution: Execution, connection: Connection, session: Any
) -> None:
    """The read concern of a snapshot, for whatever command: the server refuses it where it cannot
    be had. Only what belongs to a cursor that is open does without.
    """
    if execution.operation.name in _OF_CURSORS:
        return
    if connection.max_wire_version < _SNAPSHOTS:
        raise ConfigurationError("Snapshot reads require MongoDB 5.0 or later")
    concern = {**body.get("readConcern", {}), "level": "snapshot"}
    if session.snapshot_time is not None:
        concern["atClusterTime"] = session.snapshot_time
    body["readConcern"] = concern


def _add_write_concern(body: dict[str, Any], write_concern: Any, execution: Execution) -> None:
    document = write_concern.document
    if execution.deadline is not None:
        document.pop("wtimeout", None)  # the operation's own limit replaces it
    if document:
        body["writeConcern"] = document


def _later(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    return one if one["clusterTime"] >= other["clusterTime"] else other
