"""Exceptions from replies of the server."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from mongodriver.values.error_codes import is_state_change
from mongodriver.values.errors import (
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
    _wtimeout_error,
)

__all__ = ["command_error", "reply_error", "write_concern_error", "write_error"]

Reply = Mapping[str, Any]

_CLASSES: dict[int, type[OperationFailure]] = {
    11000: DuplicateKeyError,
    11001: DuplicateKeyError,
    12582: DuplicateKeyError,
    43: CursorNotFound,
    50: ExecutionTimeout,
}

_DUPLICATE_KEY = 11000


def command_error(
    reply: Reply,
    max_wire_version: int | None = None,
    allowable_errors: Container[int | str] | None = None,
) -> PyMongoError | None:
    """Return the exception a reply with `ok: 0` stands for, or None for any other.

    An error whose message and code (if it has one) are in `allowable_errors` is none.
    """
    if reply.get("ok"):
        return None
    if "ok" not in reply:
        message = reply.get("$err", reply.get("errmsg"))
        code = _number(reply.get("code"))
        return OperationFailure(str(message), code, reply, max_wire_version)
    details = _innermost(reply)
    code = _number(details.get("code"))
    message = details.get("errmsg", "the server gave no reason")
    if allowable_errors and _allowed(code, message, allowable_errors):
        return None
    if is_state_change(code, message):
        return NotPrimaryError(message, reply)
    kind = OperationFailure if code is None else _CLASSES.get(code, OperationFailure)
    return kind(message, code, reply, max_wire_version)


def _innermost(reply: Reply) -> Reply:
    """Return the document that tells what went wrong: an old mongos repeats a shard's reply."""
    if "errmsg" not in reply and isinstance(reply.get("raw"), Mapping):
        for shard in reply["raw"].values():
            if isinstance(shard, Mapping) and shard.get("errmsg"):
                return shard
    return reply


def _number(code: Any) -> int | None:
    """Return an error code, or None if the server sent something else in its place."""
    return int(code) if isinstance(code, (int, float)) else None


def _allowed(code: Any, message: str, allowable_errors: Container[int | str]) -> bool:
    if code is None:
        return message in allowable_errors
    return code in allowable_errors


def write_error(reply: Reply) -> WriteError | None:
    """Return the exception of the last of a reply's `writeErrors`, or None."""
    errors = reply.get("writeErrors")
    if not errors:
        return None
    error = errors[-1]
    kind = DuplicateKeyError if error.get("code") == _DUPLICATE_KEY else WriteError
    return kind(str(error.get("errmsg")), _number(error.get("code")), error)


def write_concern_error(reply: Reply) -> WriteConcernError | None:
    """Return the exception of a reply's `writeConcernError`, or None."""
    error = reply.get("writeConcernError")
    if not error:
        return None
    if reply.get("errorLabels"):
        # The labels stand beside the error, the exception finds them inside.
        error = {**error, "errorLabels": reply["errorLabels"]}
    kind = WTimeoutError if _wtimeout_error(error) else WriteConcernError
    return kind(str(error.get("errmsg")), _number(error.get("code")), error)


def reply_error(reply: Reply, max_wire_version: int | None = None) -> PyMongoError | None:
    """Return the first error of a reply: command error, write error, write concern error."""
    return (
        command_error(reply, max_wire_version) or write_error(reply) or write_concern_error(reply)
    )
