"""Comparing an error with the one a test expects (`expectError`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mongodriver.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    NotPrimaryError,
    OperationFailure,
)

from .failures import Mismatch, Unsupported
from .inside import want
from .operations.results import bulk_counts, of_client_bulk
from .values import UNSET, Matcher

#: Names of codes that replies do not name.
_NAMES = {
    2: "BadValue",
    9: "FailedToParse",
    48: "NamespaceExists",
    64: "WriteConcernFailed",
    66: "ImmutableField",
    91: "ShutdownInProgress",
    100: "UnsatisfiableWriteConcern",
    112: "WriteConflict",
    121: "DocumentValidationFailure",
    11000: "DuplicateKey",
    11600: "InterruptedAtShutdown",
}


def check_error(matcher: Matcher, expected: Mapping[str, Any], error: BaseException) -> None:
    """Raise Mismatch unless an error is as expected."""
    try:
        for name, value in expected.items():
            # An unknown field is a KeyError: `format` has refused it before.
            _CHECKS[name](matcher, value, error)
    except Mismatch as exc:
        raise Mismatch(f"{exc}; the error is {error!r}") from error


def _root(error: BaseException) -> Any:
    """The error that tells what a client's bulk write met, if there is one; else the error."""
    if isinstance(error, ClientBulkWriteException) and error.error is not None:
        return error.error
    return error


def _details(error: Any) -> Any:
    return getattr(error, "details", None) or {}


def _all_errors(error: Any) -> list[Mapping[str, Any]]:
    """The reply, and for a bulk write the errors it has collected."""
    details = _details(error)
    if not isinstance(error, BulkWriteError):
        return [details]
    return [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]


def _is_error(matcher: Matcher, expected: bool, error: Any) -> None:
    pass


def _is_client_error(matcher: Matcher, expected: bool, error: Any) -> None:
    of_server = isinstance(_root(error), (OperationFailure, NotPrimaryError))
    want(expected is not of_server, f"expected a client's error: {expected}")


def _is_timeout_error(matcher: Matcher, expected: bool, error: Any) -> None:
    want(getattr(error, "timeout", False) is expected, f"expected a timeout: {expected}")


def _contains(matcher: Matcher, expected: str, error: Any) -> None:
    text = re.sub(r"\s+", " ", str(_root(error))).lower()
    want(expected.lower() in text, f"expected the text {expected!r}")


def _code(matcher: Matcher, expected: int, error: Any) -> None:
    root = _root(error)
    # Errors about a server's state have theirs in the reply alone.
    code = getattr(root, "code", _details(root).get("code"))
    want(code == expected, f"the code is {code}, expected {expected}")


def _code_name(matcher: Matcher, expected: str, error: Any) -> None:
    names = {_name_of(one).lower() for one in _all_errors(_root(error))}
    want(expected.lower() in names, f"the names are {names}, expected {expected}")


def _name_of(document: Mapping[str, Any]) -> str:
    name = document.get("codeName")
    if name is None and "code" in document:
        # Write errors have no name.
        name = _NAMES.get(document["code"])
        if name is None:
            raise Unsupported(f"no name is known of the code {document['code']}")
    return str(name or "")


def _has_labels(matcher: Matcher, expected: list[str], error: Any) -> None:
    for label in expected:
        want(hasattr(error, "has_error_label") and error.has_error_label(label), f"no {label}")


def _lacks_labels(matcher: Matcher, expected: list[str], error: Any) -> None:
    for label in expected:
        has = hasattr(error, "has_error_label") and error.has_error_label(label)
        want(not has, f"expected no {label}")


def _response(matcher: Matcher, expected: Any, error: Any) -> None:
    matcher.match(expected, _details(error), "errorResponse")


def _result(matcher: Matcher, expected: Any, error: Any) -> None:
    result: Any = UNSET
    if isinstance(error, BulkWriteError):
        result = bulk_counts(error.details)
    elif isinstance(error, ClientBulkWriteException) and error.partial_result is not None:
        result = of_client_bulk(error.partial_result)
    elif not isinstance(error, OperationFailure):
        return  # PyMongo's errors of connections carry no result
    matcher.match(expected, result, "expectResult")


def _write_errors(matcher: Matcher, expected: Mapping[str, Any], error: Any) -> None:
    actual = {str(one["idx"]): one for one in getattr(error, "write_errors", None) or ()}
    want(set(actual) == set(expected), f"write errors {sorted(actual)}")
    for index, one in expected.items():
        matcher.match(one, actual[index], f"writeErrors.{index}")


def _write_concern_errors(matcher: Matcher, expected: list[Any], error: Any) -> None:
    matcher.match(expected, getattr(error, "write_concern_errors", None) or [], "errors")


_CHECKS = {
    "isError": _is_error,
    "isClientError": _is_client_error,
    "isTimeoutError": _is_timeout_error,
    "errorContains": _contains,
    "errorCode": _code,
    "errorCodeName": _code_name,
    "errorLabelsContain": _has_labels,
    "errorLabelsOmit": _lacks_labels,
    "errorResponse": _response,
    "expectResult": _result,
    "writeErrors": _write_errors,
    "writeConcernErrors": _write_concern_errors,
}
