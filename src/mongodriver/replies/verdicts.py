"""Exceptions from replies of the server."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeVar

from mongodriver.values.error_codes import is_state_change, is_too_large
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

from .fields import optional_document, plain_documents, show, unexpected, whole_number

__all__ = [
    "bulk_error_class",
    "command_error",
    "labelled_concern_error",
    "reply_error",
    "write_concern_error",
    "write_error",
    "write_errors",
]

Reply = Mapping[str, Any]
ErrorT = TypeVar("ErrorT", bound=OperationFailure)

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

    :raises ProtocolError: for a reply that does not say whether the command succeeded.
    """
    ok = reply.get("ok", _MISSING)
    if ok == 1:
        return None
    if ok is _MISSING:
        message = _text(reply.get("$err", reply.get("errmsg")))
        return OperationFailure(message, _code(reply), reply, max_wire_version)
    done = whole_number(int(ok) if type(ok) is bool else ok)
    if done == 1:
        return None
    details = _innermost(reply)
    code = _code(details)
    message = _text(details.get("errmsg", "the server gave no reason"))
    if allowable_errors and _allowed(code, message, allowable_errors):
        return None
    if done != 0:
        raise unexpected("ok", "0 or 1", ok)
    if is_state_change(code, message):
        return NotPrimaryError(message, reply)
    kind = OperationFailure if code is None else _CLASSES.get(code, OperationFailure)
    return _about_size(kind, code, message)(message, code, reply, max_wire_version)


_MISSING: Any = object()


def _innermost(reply: Reply) -> Reply:
    """Return the document that tells what went wrong: an old mongos repeats a shard's reply."""
    if "errmsg" not in reply and isinstance(reply.get("raw"), Mapping):
        for shard in reply["raw"].values():
            if isinstance(shard, Mapping) and shard.get("errmsg"):
                return shard
    return reply


def _code(details: Reply) -> int | None:
    """Return an error code, or None if the server sent none, or something else in its place."""
    return whole_number(details.get("code"))


def _text(message: Any) -> str:
    """Return an error's message, whatever type it came in."""
    return message if isinstance(message, str) else show(message)


def _allowed(code: Any, message: str, allowable_errors: Container[int | str]) -> bool:
    if code is None:
        return message in allowable_errors
    return code in allowable_errors


def write_errors(reply: Reply) -> Sequence[Reply]:
    """Return a reply's `writeErrors`.

    :raises ProtocolError: where they are no list of documents.
    """
    if reply.get("writeErrors") is None:
        return ()
    return plain_documents(reply, "writeErrors")


def write_error(reply: Reply) -> WriteError | None:
    """Return the exception of the last of a reply's `writeErrors`, or None.

    :raises ProtocolError: where they are no list of documents.
    """
    errors = write_errors(reply)
    if not errors:
        return None
    error = errors[-1]
    code = _code(error)
    message = _text(error.get("errmsg"))
    kind = DuplicateKeyError if code == _DUPLICATE_KEY else WriteError
    return _about_size(kind, code, message)(message, code, error)


def bulk_error_class(kind: type[ErrorT], errors: Sequence[Reply]) -> type[ErrorT]:
    """Return the class of a bulk's exception that has these `writeErrors`."""
    for error in errors:
        if is_too_large(error.get("code"), error.get("errmsg")):
            return _about_size(kind, error.get("code"), error.get("errmsg"))
    return kind


def _about_size(kind: type[ErrorT], code: Any, message: Any) -> type[ErrorT]:
    """Return the class for an error, which is about sizes if the error is."""
    if not is_too_large(code, message):
        return kind
    from mongodriver.values.size_errors import too_large  # few write so much

    return too_large(kind)  # type: ignore[no-any-return]


def labelled_concern_error(reply: Reply) -> Reply | None:
    """Return a reply's `writeConcernError` with the labels that stand beside it, or None.

    :raises ProtocolError: where that is no document.
    """
    error = optional_document(reply, "writeConcernError")
    if error is not None and reply.get("errorLabels"):
        error = {**error, "errorLabels": reply["errorLabels"]}
    return error


def write_concern_error(reply: Reply) -> WriteConcernError | None:
    """Return the exception of a reply's `writeConcernError`, or None.

    :raises ProtocolError: where that is no document.
    """
    error = labelled_concern_error(reply)
    if error is None:
        return None
    kind = WTimeoutError if _wtimeout_error(error) else WriteConcernError
    return kind(_text(error.get("errmsg")), _code(error), error)


def reply_error(reply: Reply, max_wire_version: int | None = None) -> PyMongoError | None:
    """Return the first error of a reply: command error, write error, write concern error."""
    return (
        command_error(reply, max_wire_version) or write_error(reply) or write_concern_error(reply)
    )
