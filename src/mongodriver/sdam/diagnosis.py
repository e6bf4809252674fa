"""Why no server can be selected, and whether waiting could change that.

A selection waits until its deadline for what may pass: elections, hosts that start, names that
become known. It ends at once where every member was just seen to have a cause that waiting does not
remove (`values.causes.LASTING`), or where no member is left that could be asked again.

Login errors never end a selection: operations meet them by themselves, as an OperationFailure, and
programs rely on that class.
"""

from __future__ import annotations

from typing import Any

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

#: Hanging up right after the TLS handshake is how mongod refuses a client's certificate, or the
#: lack of one; but a proxy that speaks TLS for a server that is down looks the same, now and then.
_OFTEN = 3

_IN_SET = (TOPOLOGY_TYPE.ReplicaSetNoPrimary, TOPOLOGY_TYPE.ReplicaSetWithPrimary)


def end_of_selection(
    description: TopologyDescription, evidence: Evidence, began: float, deadline: float | None
) -> float | None:
    """Until when to wait for a server: the deadline, or sooner where waiting is in vain.

    Where nobody is left to be checked, whoever tries again and again is slowed down like those who
    wait for a check.

    :param began: when the selection did: what was seen before may have been put right.
    """
    if not description._topology_settings.fail_fast:
        return deadline
    if is_abandoned(description):
        pace = began + MIN_HEARTBEAT_INTERVAL
        return pace if deadline is None else min(deadline, pace)
    return began if is_hopeless(description, evidence, began) else deadline


def is_hopeless(description: TopologyDescription, evidence: Evidence, since: float) -> bool:
    """Whether every member was seen, since then, to have a cause that waiting does not remove."""
    servers = description._server_descriptions
    if not servers or description.topology_type == TOPOLOGY_TYPE.LoadBalanced:
        return False
    return all(
        not server.is_server_type_known
        and server.error is not None
        and server.last_update_time >= since
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
    kind = kind_of_error(server.error)
    if kind == CauseKind.CLOSED and description._topology_settings.tls and not evidence.reached:
        return CauseKind.TLS_CLIENT_CERTIFICATE
    return kind


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
    if kind == CauseKind.TLS_CLIENT_CERTIFICATE and server.error is not None:
        # Said by an alert of TLS, or concluded from hanging up.
        said = kind_of_error(server.error) == kind
        return said or evidence.times(server.address) >= _OFTEN
    return kind in LASTING
