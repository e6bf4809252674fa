"""Single values of BSON as those of columns. The twin of csrc/arrow/build_values.c."""

from __future__ import annotations

import decimal
import struct
import sys
import uuid
from typing import Any

from bsonx._py.types.decimal128 import decimal_from_words, text_from_words

from .elements import binary_of, text_of
from .kinds import DECIMAL128, OBJECTID, Kind

__all__ = ["FORMATS", "INTEGERS", "Misfit", "value_for"]

#: What `struct` calls the values of a kind.
FORMATS = {
    Kind.INT8: "b",
    Kind.UINT8: "B",
    Kind.INT16: "h",
    Kind.UINT16: "H",
    Kind.INT32: "i",
    Kind.UINT32: "I",
    Kind.INT64: "q",
    Kind.UINT64: "Q",
    Kind.FLOAT32: "f",
    Kind.FLOAT64: "d",
    Kind.DATE32: "i",
    Kind.DATE64: "q",
    Kind.TIMESTAMP: "q",
}

INTEGERS = {
    *(Kind.INT8, Kind.UINT8, Kind.INT16, Kind.UINT16, Kind.INT32, Kind.UINT32),
    *(Kind.INT64, Kind.UINT64),
}

_DAY = 86_400_000


class Misfit(Exception):
    """A value that does not fit its column."""


def value_for(kind: Kind, a: int, b: int, code: int, value: bytes) -> Any:
    """The value of a column of this kind: a number, or bytes. Raises Misfit or Broken."""
    if kind == Kind.BOOL:
        return value[0] != 0 if code == 0x08 else _misfit()
    if kind in INTEGERS:
        return _in_range(kind, _integer(code, value, kind == Kind.UINT64))
    if kind in (Kind.FLOAT32, Kind.FLOAT64):
        return _float(kind, code, value)
    if kind == Kind.DECIMAL:
        return _decimal(a, b, code, value)
    if kind == Kind.TEXT:
        return _text(code, value)
    if kind in (Kind.BINARY, Kind.FIXED):
        return _bytes(kind, a, b, code, value)
    if kind in (Kind.DATE32, Kind.DATE64, Kind.TIMESTAMP):
        return _date(kind, a, b, code, value)
    return _misfit()


def _misfit() -> Any:
    raise Misfit


def _in_range(kind: Kind, number: int) -> int:
    try:
        struct.pack(FORMATS[kind], number)
    except struct.error:
        raise Misfit from None
    return number


def _integer(code: int, value: bytes, unsigned: bool) -> int:
    if code == 0x10:
        return struct.unpack("<i", value)[0]  # type: ignore[no-any-return]
    if code == 0x12:
        return struct.unpack("<q", value)[0]  # type: ignore[no-any-return]
    if code == 0x01:
        number = struct.unpack("<d", value)[0]
        if -(2.0**63) <= number < 2.0**63 and number == int(number):
            return int(number)
    elif unsigned and code == 0x11:
        return struct.unpack("<Q", value)[0]  # type: ignore[no-any-return]
    elif unsigned and code == 0x13:
        found = _finite(value)
        if found == found.to_integral_value():
            return int(found)
    raise Misfit


def _float(kind: Kind, code: int, value: bytes) -> float:
    forms = {0x01: "<d", 0x10: "<i", 0x12: "<q"}
    if code not in forms:
        raise Misfit
    number = float(struct.unpack(forms[code], value)[0])
    if kind == Kind.FLOAT32:
        try:
            struct.pack("<f", number)
        except OverflowError:
            return float("inf") if number > 0 else float("-inf")
    return number


def _finite(value: bytes) -> decimal.Decimal:
    low, high = struct.unpack("<QQ", value)
    found = decimal_from_words(high, low)
    if not found.is_finite():
        raise Misfit
    return found


def _decimal(scale: int, digits: int, code: int, value: bytes) -> bytes:
    number = _finite(value) if code == 0x13 else None
    if number is None:
        if code not in (0x10, 0x12):
            raise Misfit
        number = decimal.Decimal(_integer(code, value, False))
    sign, coefficient, exponent = number.as_tuple()
    whole = int("".join(map(str, coefficient)))
    shift = int(exponent) + scale
    if whole == 0:
        shift = 0
    if abs(shift) > 100:
        raise Misfit
    scaled, rest = divmod(whole * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    if rest or scaled >= 10**digits:
        raise Misfit
    result: int = -scaled if sign else scaled
    return result.to_bytes(16, sys.byteorder, signed=True)


def _utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Misfit from None
    return data


def _text(code: int, value: bytes) -> bytes:
    if code in (0x02, 0x0D, 0x0E):
        return _utf8(text_of(value))
    if code == 0x0B:
        pattern, options = value.split(b"\0")[:2]
        return b"/" + _utf8(pattern) + b"/" + _utf8(options)
    if code == 0x07:
        return value.hex().encode()
    if code == 0x13:
        low, high = struct.unpack("<QQ", value)
        return text_from_words(high, low).encode()
    if code == 0x05:
        subtype, data = binary_of(value)
        if subtype == 4 and len(data) == 16:
            return str(uuid.UUID(bytes=data)).encode()
    raise Misfit


def _bytes(kind: Kind, size: int, form: int, code: int, value: bytes) -> bytes:
    if form == DECIMAL128:
        return value if code == 0x13 else _misfit()
    subtype = 0
    if code == 0x05:
        subtype, value = binary_of(value)
    elif code != 0x07:
        raise Misfit
    if kind == Kind.BINARY:
        return value
    wrong = (form == OBJECTID and code != 0x07) or (form == 4 and subtype != 4)
    if wrong or len(value) != size:
        raise Misfit
    return value


def _date(kind: Kind, a: int, b: int, code: int, value: bytes) -> int:
    if code == 0x11 and kind == Kind.TIMESTAMP:
        millis = struct.unpack_from("<I", value, 4)[0] * 1000
    elif code == 0x09:
        millis = struct.unpack("<q", value)[0]
    else:
        raise Misfit
    if kind == Kind.DATE32:
        return _in_range(kind, millis // _DAY)
    if kind == Kind.DATE64:
        return _in_range(kind, millis // _DAY * _DAY)
    return _in_range(kind, millis * a // b)
