"""Checked readers of a reply's fields: the value as it should be, or a ProtocolError.

A server, or what stands in its place, may say anything. What is unusual and can mean only one
thing is taken (a count as double or Decimal128, null for a field that is optional); what the
driver would have to guess is an error, which names the field and what came.

`bad_reply` adds who said it, and to which command: for what `Operation.parse` reads, the judge of
replies does so.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from bsonx.decimal128 import Decimal128
from bsonx.timestamp import Timestamp

from ..values.address import Address, address_text
from ..values.errors import ProtocolError, reason

__all__ = [
    "array",
    "bad_reply",
    "check_documents",
    "count",
    "document",
    "documents",
    "flag",
    "integer",
    "is_document",
    "optional_count",
    "optional_document",
    "plain_documents",
    "show",
    "text",
    "timestamp",
    "unexpected",
    "whole_number",
]

Reply = Mapping[str, Any]

_MIN_INT64, _MAX_INT64 = -(2**63), 2**63 - 1
_MISSING: Any = object()


def bad_reply(command: str, address: Address | None, exc: BaseException) -> ProtocolError:
    """The error for a reply that cannot be understood, made of what a reader raised."""
    told = reason(exc) if isinstance(exc, ProtocolError) else f"{type(exc).__name__}: {exc}"
    server = "" if address is None else f"{address_text(address)}: "
    return ProtocolError(f"{server}bad reply to {command}: {told}")


def unexpected(field: str, expected: str, value: Any = _MISSING) -> ProtocolError:
    """The error for a field that is not what it should be, or not there."""
    if value is _MISSING:
        return ProtocolError(f"{field!r} is missing")
    return ProtocolError(f"{field!r} must be {expected}, not {show(value)}")


def show(value: Any) -> str:
    """A value as texts of errors show it: short, and safe however deep or long it is."""
    return reprlib.repr(value)


# -- numbers --


def whole_number(value: Any) -> int | None:
    """The int64 that a number stands for, in whatever type it came; None if it is none."""
    kind = type(value)
    if kind is bool:
        return None
    if kind is float:
        # NaN and the infinities are no integers, so nothing overflows here.
        number = int(value) if value.is_integer() else None
    elif isinstance(value, int):
        number = int(value)
    elif kind is Decimal128:
        number = _of_decimal(value)
    else:
        return None
    return number if number is not None and _MIN_INT64 <= number <= _MAX_INT64 else None


def _of_decimal(value: Decimal128) -> int | None:
    number = value.to_decimal()
    # Compared first: 1E+6000 as an int would have as many digits.
    if not number.is_finite() or not _MIN_INT64 <= number <= _MAX_INT64:
        return None
    return int(number) if number == int(number) else None


def integer(reply: Reply, field: str) -> int:
    """A whole number that must be there."""
    value = reply.get(field, _MISSING)
    if type(value) is int:
        return value
    number = whole_number(value)
    if number is None:
        raise unexpected(field, "a whole number", value)
    return number


def count(reply: Reply, field: str) -> int:
    """A number of things, which must be there."""
    value = reply.get(field, _MISSING)
    number: int = value if type(value) is int else integer(reply, field)
    if number < 0:
        raise unexpected(field, "a count", number)
    return number


def optional_count(reply: Reply, field: str) -> int:
    """A number of things; 0 where it is left out."""
    return 0 if reply.get(field) is None else count(reply, field)


def flag(reply: Reply, field: str) -> bool:
    """A boolean, or a number in its place; False where it is left out."""
    value = reply.get(field)
    if value is None or type(value) is bool:
        return bool(value)
    number = whole_number(value)
    if number not in (0, 1):
        raise unexpected(field, "a boolean", value)
    return bool(number)


def timestamp(reply: Reply, field: str) -> Timestamp | None:
    """A BSON timestamp, or None where it is left out."""
    value = reply.get(field)
    if value is None or isinstance(value, Timestamp):
        return value
    raise unexpected(field, "a timestamp", value)


# -- texts, lists and documents of the server --


def text(reply: Reply, field: str) -> str:
    """A string that must be there."""
    value = reply.get(field, _MISSING)
    if not isinstance(value, str):
        raise unexpected(field, "a string", value)
    return value


def array(reply: Reply, field: str) -> list[Any]:
    """A list that must be there."""
    value = reply.get(field, _MISSING)
    if type(value) is not list:
        raise unexpected(field, "a list", value)
    return value


def document(reply: Reply, field: str) -> Reply:
    """A document that must be there."""
    value = reply.get(field, _MISSING)
    if type(value) is not dict and not isinstance(value, Mapping):
        raise unexpected(field, "a document", value)
    return value


def optional_document(reply: Reply, field: str) -> Reply | None:
    """A document, or None where it is left out."""
    return None if reply.get(field) is None else document(reply, field)


def plain_documents(reply: Reply, field: str) -> list[Any]:
    """A list of documents of the server, which must be there."""
    found = array(reply, field)
    for entry in found:
        if not isinstance(entry, Mapping):
            raise unexpected(field, "a list of documents", found)
    return found


# -- documents of the user --


def documents(reply: Reply, field: str, options: Any) -> list[Any]:
    """A list of documents of the user, which must be there.

    :param options: how they were decoded.
    """
    found = array(reply, field)
    kinds = set(map(type, found))
    if kinds and kinds != _PLAIN:
        check_documents(field, found, kinds, options)
    return found


_PLAIN = {dict}


def check_documents(field: str, found: list[Any], kinds: set[type], options: Any) -> None:
    """Raise ProtocolError where a value is no document.

    :param kinds: the classes of the values.
    """
    for kind in kinds:
        if not is_document(kind, options):
            wrong = next(value for value in found if type(value) is kind)
            raise unexpected(field, "a list of documents", wrong)


def is_document(kind: type, options: Any) -> bool:
    """Whether values of this class are what documents become under these codec options."""
    wanted = options.document_class
    if issubclass(kind, Mapping) or kind is wanted:
        return True
    if isinstance(wanted, type) and issubclass(kind, wanted):
        return True
    # A decoder for whole documents makes of them whatever it likes.
    return any(issubclass(dict, one) or one is wanted for one in options.type_registry._decoder_map)
