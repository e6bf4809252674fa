"""Error codes of the server that mean something to the driver."""

from __future__ import annotations

__all__ = [
    "CLUSTER_TIME_REFUSED",
    "LOGIN_REFUSED",
    "NOT_PRIMARY",
    "REAUTHENTICATION_REQUIRED",
    "RECOVERING",
    "RETRYABLE",
    "SHUTDOWN",
    "STATE_CHANGE",
    "is_state_change",
    "is_too_large",
]

INTERRUPTED_AT_SHUTDOWN = 11600
INTERRUPTED_DUE_TO_REPL_STATE_CHANGE = 11602
LEGACY_NOT_PRIMARY = 10058
NOT_PRIMARY_NO_SECONDARY_OK = 13435
NOT_PRIMARY_OR_SECONDARY = 13436
NOT_WRITABLE_PRIMARY = 10107
PRIMARY_STEPPED_DOWN = 189
SHUTDOWN_IN_PROGRESS = 91

HOST_UNREACHABLE = 6
HOST_NOT_FOUND = 7
NETWORK_TIMEOUT = 89
EXCEEDED_TIME_LIMIT = 262
SOCKET_EXCEPTION = 9001
READ_CONCERN_NOT_AVAILABLE_YET = 134

# TimeProofMismatch, ClusterTimeFailsRateLimiter, KeyNotFound: no server gave out such a time.
CLUSTER_TIME_REFUSED = frozenset({204, 205, 211})

# CursorNotFound, QueryPlanKilled, CursorKilled: the server has no such cursor any more.
CURSOR_GONE = frozenset({43, 175, 237})
# Also OperationFailed, CappedPositionLost and old numbers of it: how tailable cursors end.
TAILABLE_OVER = CURSOR_GONE | {96, 136, 17406, 28617}

# UserNotFound (of X.509), AuthenticationFailed, MechanismUnavailable, and Atlas's own.
LOGIN_REFUSED = frozenset({11, 18, 334, 8000})

NOT_PRIMARY = frozenset({NOT_WRITABLE_PRIMARY, NOT_PRIMARY_NO_SECONDARY_OK, LEGACY_NOT_PRIMARY})

SHUTDOWN = frozenset({INTERRUPTED_AT_SHUTDOWN, SHUTDOWN_IN_PROGRESS})

RECOVERING = SHUTDOWN | {
    INTERRUPTED_DUE_TO_REPL_STATE_CHANGE,
    NOT_PRIMARY_OR_SECONDARY,
    PRIMARY_STEPPED_DOWN,
}

STATE_CHANGE = NOT_PRIMARY | RECOVERING

RETRYABLE = STATE_CHANGE | {
    HOST_UNREACHABLE,
    HOST_NOT_FOUND,
    NETWORK_TIMEOUT,
    EXCEEDED_TIME_LIMIT,
    SOCKET_EXCEPTION,
    READ_CONCERN_NOT_AVAILABLE_YET,
}

REAUTHENTICATION_REQUIRED = 391

_BAD_VALUE = 2
# BSONObjectTooLarge; documents that are too large after an update, or to be upserted.
_TOO_LARGE = frozenset({10334, 17419, 17420})


def is_too_large(code: object, message: object) -> bool:
    """Return whether an error means that a document is larger than the server's limit.

    An insert's has the code of any wrong value.
    """
    if code == _BAD_VALUE:
        return isinstance(message, str) and message.startswith("object to insert too large")
    return code in _TOO_LARGE


def is_state_change(code: int | None, message: object) -> bool:
    """Return whether an error means that the server is no (usable) primary or member any more.

    The message counts only without a code.
    """
    if code is not None:
        return code in STATE_CHANGE
    return isinstance(message, str) and ("not master" in message or "node is recovering" in message)
