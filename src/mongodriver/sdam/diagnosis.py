"""Why no server can be selected, and whether waiting could change that.

A selection waits until its deadline for what may pass: elections, hosts that start, names that
become known. It ends at once where every member was just seen to have a cause that waiting does not
remove (`values.causes.LASTING`), or where no member is left that could be asked again.

Login errors never end a selection: operations meet them by themselves, as an OperationFailure, and
programs rely on that class.
"""

from __future__ import annotations

from typing import Any

from ..io.faults import Finding
from ..values.causes import LASTING, Cause, CauseKind
from ..values.errors import ServerSelectionTimeoutError, reason
from ..values.hints import add_hint, hint_for, summary
from ..values.limits import (
    MAX_SUPPORTED_WIRE_VERSION,
    MIN_HEARTBEAT_INTERVAL,
    MIN_SUPPORTED_WIRE_VERSION,
)
from ..values.server_description import ServerDescription
from ..values.server_type import SERVER_TYPE
from .evidence import Evidence, kind_of_error
from .topology_description import TopologyDescription
from .topology_rules import SRV_POLLING_TOPOLOGIES, TOPOLOGY_TYPE
from .unsuitable import why_nothing_suits

__all__ = ["causes", "end_of_selection", "selection_error"]

#: How often in a row why a peer hung up must have been found out: it may have been going down.
_OFTEN = 2

_IN_SET = (TOPOLOGY_TYPE.ReplicaSetNoPrimary, TOPOLOGY_TYPE.ReplicaSetWithPrimary)


def end_of_selection(
    description: TopologyDescription, evidence: Evidence, began: float, deadline: float | None
) -> float | None:
    """Until when to wait for a server: the deadline, or sooner where waiting is in vain.

    :param began: when the selection did. What was seen before may have been put right: errors of
        checks must be newer. What a server says of itself holds, for checks may be streamed: it
        would say otherwise. Whoever tries again and again is slowed down then, as by a check.
    """
    if not description._topology_settings.fail_fast:
        return deadline
    if not is_abandoned(description):
        if not _all_lasting(description, evidence):
            return deadline
        old = [s for s in description._server_descriptions.values() if s.last_update_time < began]
        if not old:
            return began
        if any(server.address not in evidence.refused for server in old):
            return deadline
    pace = began + MIN_HEARTBEAT_INTERVAL
    return pace if deadline is None else min(deadline, pace)


def _all_lasting(description: TopologyDescription, evidence: Evidence) -> bool:
    """Whether every member has a cause that waiting does not remove."""
    servers = description._server_descriptions
    if not servers or description.topology_type == TOPOLOGY_TYPE.LoadBalanced:
        return False
    return all(
        not server.is_server_type_known
        and server.error is not None
        and _ends_selection(server, _kind(server, description, evidence), evidence)
        for server in servers.values()
    )


def is_abandoned(description: TopologyDescription) -> bool:
    """Whether no member is left that could be checked again, and DNS will not name others."""
    if description._server_descriptions:
        return False
    polled = description._topology_settings.fqdn is not None
    return not (polled and description.topology_type in SRV_POLLING_TOPOLOGIES)


def selection_error(
    description: TopologyDescription, evidence: Evidence, preference: Any, timeout: float
) -> ServerSelectionTimeoutError:
    """The error of a selection that found nothing, with its causes and a hint.

    :param preference: what it looked for; None: a server for a write.
    :param timeout: seconds, for the message.
    """
    why = why_nothing_suits(description, preference)
    error = ServerSelectionTimeoutError(
        f"{why}, Timeout: {timeout}s, Topology Description: {description!r}"
    )
    found = causes(description, evidence, preference)
    seeds = set(description._topology_settings.seeds)
    internal = bool(found) and not any(cause.address in seeds for cause in found)
    error.causes = found
    error.hint = summary(found, internal)
    lasting = bool(found) and all(cause.permanent for cause in found)
    error.retryable = not (lasting or is_abandoned(description))
    if error.hint:
        add_hint(error, error.hint)
    return error


def causes(
    description: TopologyDescription, evidence: Evidence, preference: Any
) -> tuple[Cause, ...]:
    """Why each host cannot be used for a read preference, or for a write (None)."""
    servers = description._server_descriptions
    if not servers:
        return tuple(
            _cause(server, _refusal(server, description), evidence)
            for server in evidence.refused.values()
        )
    return tuple(
        _cause(
            evidence.refused.get(server.address, server),
            _kind(server, description, evidence, preference),
            evidence,
            server.error,
            preference,
        )
        for server in servers.values()
    )


def _cause(
    server: ServerDescription,
    kind: CauseKind,
    evidence: Evidence,
    error: Exception | None = None,
    preference: Any = None,
) -> Cause:
    permanent = _is_permanent(server, kind, evidence)
    detail = _detail(server, kind, error, preference)
    hint = hint_for(kind, server.replica_set_name)
    return Cause(server.address, kind, detail, hint, permanent, error)


def _detail(
    server: ServerDescription, kind: CauseKind, error: Exception | None, preference: Any
) -> str:
    if error is not None:
        return reason(error)
    if not server.is_server_type_known:
        return "no check has ended yet"
    name = server.replica_set_name
    member = "" if name is None else f" of the set {name!r}"
    text = f"is {server.server_type_name}{member}"
    if kind in (CauseKind.TOO_OLD, CauseKind.TOO_NEW):
        versions = f"{server.min_wire_version} to {server.max_wire_version}"
        return f"{text} and speaks wire versions {versions}"
    if kind == CauseKind.NO_MATCH and preference is not None:
        return f"{text}, which does not match {preference}"
    return text


def _kind(
    server: ServerDescription,
    description: TopologyDescription,
    evidence: Evidence,
    preference: Any = None,
) -> CauseKind:
    refused = evidence.refused.get(server.address)
    if refused is not None and not server.is_server_type_known:
        return _refusal(refused, description)
    if server.is_server_type_known:
        return _unsuitable(server, description, preference)
    if server.error is None:
        return CauseKind.NO_ANSWER
    return kind_of_error(server.error)


def _refusal(server: ServerDescription, description: TopologyDescription) -> CauseKind:
    """Why a server that answered was not taken as a member."""
    if server.server_type == SERVER_TYPE.RSGhost:
        return CauseKind.NOT_INITIATED
    name = server.replica_set_name
    if name is None:
        return CauseKind.NOT_A_MEMBER
    return CauseKind.SET_NAME if name != description.replica_set_name else CauseKind.OTHER


def _unsuitable(
    server: ServerDescription, description: TopologyDescription, preference: Any
) -> CauseKind:
    """Why a server that is known does not suit."""
    if server.max_wire_version < MIN_SUPPORTED_WIRE_VERSION:
        return CauseKind.TOO_OLD
    if server.min_wire_version > MAX_SUPPORTED_WIRE_VERSION:
        return CauseKind.TOO_NEW
    if server.server_type == SERVER_TYPE.RSGhost:
        return CauseKind.NOT_INITIATED
    in_set = description.topology_type in _IN_SET
    if in_set and (preference is None or getattr(preference, "mode", None) == 0):
        return CauseKind.NO_PRIMARY if not server.is_writable else CauseKind.OTHER
    return CauseKind.NO_MATCH


def _ends_selection(server: ServerDescription, kind: CauseKind, evidence: Evidence) -> bool:
    return kind != CauseKind.AUTHENTICATION and _is_permanent(server, kind, evidence)


def _is_permanent(server: ServerDescription, kind: CauseKind, evidence: Evidence) -> bool:
    if server.error is not None and isinstance(server.error.__cause__, Finding):
        return not evidence.reached and evidence.times(server.address) >= _OFTEN
    return kind in LASTING
