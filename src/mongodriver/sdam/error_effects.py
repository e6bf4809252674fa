"""What an operation's error says about its server (SDAM specification, "Error handling")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mongodriver.replies.fields import whole_number
from mongodriver.sdam.topology_rules import compare_versions
from mongodriver.values.error_codes import SHUTDOWN, is_state_change
from mongodriver.values.errors import (
    ConnectionFailure,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)
from mongodriver.values.server_description import ServerDescription

__all__ = ["OVERLOADED", "ErrorEffect", "error_effect"]

OVERLOADED = "SystemOverloadedError"

# Servers older than 4.2 close all connections when they step down.
_KEEPS_CONNECTIONS = 8


class ErrorEffect(NamedTuple):
    """What to do after an error: the server Unknown, its pool cleared, its monitor woken."""

    mark_unknown: bool = False
    clear_pool: bool = False
    request_check: bool = False
    cancel_check: bool = False

    def __bool__(self) -> bool:
        return self.mark_unknown or self.clear_pool or self.request_check or self.cancel_check


_NOTHING = ErrorEffect()


def error_effect(
    error: BaseException,
    server: ServerDescription | None,
    *,
    handshake_complete: bool = True,
    generation: int = 0,
    pool_generation: int = 0,
    max_wire_version: int | None = None,
    load_balanced: bool = False,
) -> ErrorEffect:
    """Return what `error`, met on a connection to `server`, changes.

    `generation` is the connection's and `pool_generation` its pool's: errors of connections that
    are already given up change nothing. `max_wire_version` is the connection's (None: current).
    """
    if server is None or generation < pool_generation or not isinstance(error, PyMongoError):
        return _NOTHING
    if isinstance(error, WaitQueueTimeoutError):
        return _NOTHING
    if isinstance(error, (NotPrimaryError, OperationFailure)):
        reply = error.details if isinstance(error.details, Mapping) else {}
        if _is_state_change(error, reply):
            return _state_change(error, reply, server, max_wire_version, load_balanced)
    return _failed_connection(error, handshake_complete, load_balanced)


def _is_state_change(error: NotPrimaryError | OperationFailure, reply: Mapping[str, Any]) -> bool:
    if isinstance(error, NotPrimaryError):
        return True
    return is_state_change(error.code, reply.get("errmsg"))


def _state_change(
    error: PyMongoError,
    reply: Mapping[str, Any],
    server: ServerDescription,
    max_wire_version: int | None,
    load_balanced: bool,
) -> ErrorEffect:
    version = reply.get("topologyVersion")
    if not isinstance(version, Mapping):
        version = None
    if compare_versions(server.topology_version, version) >= 0:
        return _NOTHING
    code = getattr(error, "code", whole_number(reply.get("code")))
    shutting_down = code in SHUTDOWN
    old = max_wire_version is not None and max_wire_version < _KEEPS_CONNECTIONS
    return ErrorEffect(
        mark_unknown=not load_balanced,
        clear_pool=shutting_down or old,
        request_check=True,
        # A write concern error comes without a version. Nothing says then that the server will
        # soon answer a check that waits for a newer one.
        cancel_check=version is None and server.topology_version is not None,
    )


def _failed_connection(
    error: PyMongoError, handshake_complete: bool, load_balanced: bool
) -> ErrorEffect:
    if handshake_complete:
        # A timeout may just as well mean that the operation is slow.
        broken = isinstance(error, ConnectionFailure) and not isinstance(error, NetworkTimeout)
    else:
        broken = isinstance(error, (ConnectionFailure, OperationFailure))
    if not broken or error.has_error_label(OVERLOADED):
        return _NOTHING  # whoever sheds connections is there
    return ErrorEffect(mark_unknown=not load_balanced, clear_pool=True, cancel_check=True)
