"""Decimal128 in pure Python: binary integer decimal encoding (IEEE 754-2008, 128 bits)."""

from __future__ import annotations

import decimal
import operator
import struct
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from bsonx._markers import Markers as _Markers

_PAIR = struct.Struct("<QQ")  # low word, high word

_EXPONENT_BIAS = 6176
_MIN_EXPONENT = -6143  # of the leading digit
_MAX_EXPONENT = 6144
_DIGITS = 34
_LARGEST = 10**_DIGITS - 1
_MASK64 = (1 << 64) - 1

_SIGN = 1 << 63
_INFINITY = 0x7800000000000000
_NAN = 0x7C00000000000000
_SIGNALING_NAN = 0x7E00000000000000
_LARGE = 0x6000000000000000  # the two bits of coefficients that would need 114 bits

_SPECIAL = {
    (name, sign): decimal.Decimal("-" * sign + name)
    for name in ("sNaN", "NaN", "Infinity")
    for sign in (0, 1)
}

_Value: TypeAlias = decimal.Decimal | float | str | tuple[int, Sequence[int], int]

_TRAPS = [decimal.InvalidOperation, decimal.Overflow, decimal.Inexact]


def create_decimal128_context() -> decimal.Context:
    """Return a new arithmetic context with the precision and range of Decimal128."""
    options: dict[str, Any] = {
        "prec": _DIGITS,
        "rounding": decimal.ROUND_HALF_EVEN,
        "Emin": _MIN_EXPONENT,
        "Emax": _MAX_EXPONENT,
        "capitals": 1,
        "flags": [],
        "traps": [],
        "clamp": 1,
    }
    return decimal.Context(**options)


def _trapping_context() -> decimal.Context:
    context = create_decimal128_context()
    for trap in _TRAPS:
        context.traps[trap] = True
    return context


def words_from_decimal(value: _Value) -> tuple[int, int]:
    """Return (high, low) words; decimal.Inexact and friends if the value does not fit."""
    with decimal.localcontext(_trapping_context()) as context:
        number = context.create_decimal(value)
    sign = _SIGN if number.is_signed() else 0
    if number.is_infinite():
        return _INFINITY | sign, 0
    _, digits, exponent = number.as_tuple()
    if number.is_nan():
        if digits:
            raise ValueError("NaN with debug payload is not supported")
        return (_SIGNALING_NAN if number.is_snan() else _NAN) | sign, 0
    coefficient = int("".join(map(str, digits)))
    biased = int(exponent) + _EXPONENT_BIAS
    # 34 digits need at most 113 bits, so the form for larger coefficients never occurs.
    high = (coefficient >> 64) | (biased << 49) | sign
    return high, coefficient & _MASK64


def decimal_from_words(high: int, low: int) -> decimal.Decimal:
    """Return the number that (high, low) words hold, exactly."""
    sign = 1 if high & _SIGN else 0
    if high & _SIGNALING_NAN == _SIGNALING_NAN:
        return _SPECIAL["sNaN", sign]
    if high & _NAN == _NAN:
        return _SPECIAL["NaN", sign]
    if high & _INFINITY == _INFINITY:
        return _SPECIAL["Infinity", sign]
    # Coefficients of more than 34 digits are read as zero, as the specification says.
    if high & _LARGE == _LARGE:
        exponent = ((high & 0x1FFFE00000000000) >> 47) - _EXPONENT_BIAS
        return decimal.Decimal((sign, (0,), exponent))
    exponent = ((high & 0x7FFF800000000000) >> 49) - _EXPONENT_BIAS
    coefficient = ((high & 0x1FFFFFFFFFFFF) << 64) | (low & _MASK64)
    if coefficient > _LARGEST:
        coefficient = 0
    digits = tuple(map(int, str(coefficient)))
    with decimal.localcontext(_trapping_context()) as context:
        return context.create_decimal((sign, digits, exponent))


def text_from_words(high: int, low: int) -> str:
    """Return the number that (high, low) words hold as text."""
    number = decimal_from_words(high, low)
    return "NaN" if number.is_nan() else str(number)


def _words(pair: Sequence[Any]) -> tuple[int, int]:
    if len(pair) != 2:
        raise ValueError(
            "Invalid size for creation of Decimal128 from list or tuple. "
            "Must have exactly 2 elements."
        )
    high, low = [operator.index(word) for word in pair]  # of a map PyPy hides the error
    return high & _MASK64, low & _MASK64


class Decimal128:
    """A decimal number of up to 34 digits, exactly as stored.

    ``value`` is a str, a Decimal, a Decimal tuple, or (high, low): two 64-bit words. TypeError
    for int and float; decimal.Inexact, Overflow or InvalidOperation if the value does not fit.
    Compared by the stored bits: ``1.0`` and ``1.00`` differ.
    """

    __slots__ = ("__high", "__low")

    _type_marker = _Markers.DECIMAL128

    def __init__(self, value: _Value) -> None:
        if isinstance(value, (str, decimal.Decimal)):
            self.__high, self.__low = words_from_decimal(value)
        elif isinstance(value, (list, tuple)):
            self.__high, self.__low = _words(value)
        else:
            raise TypeError(f"Cannot convert {value!r} to Decimal128")

    def to_decimal(self) -> decimal.Decimal:
        """Return the number as a ``decimal.Decimal``, exactly."""
        return decimal_from_words(self.__high, self.__low)

    @classmethod
    def from_bid(cls, value: bytes) -> Decimal128:
        """Return the number of 16 stored bytes (little-endian)."""
        if not isinstance(value, bytes):
            raise TypeError(f"value must be an instance of bytes, not {type(value)}")
        if len(value) != 16:
            raise ValueError("value must be exactly 16 bytes")
        low, high = _PAIR.unpack(value)
        return cls((high, low))  # type: ignore[arg-type]

    @property
    def bid(self) -> bytes:
        """The 16 stored bytes (little-endian)."""
        return _PAIR.pack(self.__low, self.__high)

    def __str__(self) -> str:
        return text_from_words(self.__high, self.__low)

    def __repr__(self) -> str:
        return f"Decimal128('{self!s}')"

    def __setstate__(self, value: tuple[int, int]) -> None:
        if not isinstance(value, Iterable):
            raise TypeError("a pair of words is needed")
        self.__high, self.__low = _words(tuple(value))

    def __getstate__(self) -> tuple[int, int]:
        return self.__high, self.__low

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Decimal128):
            return self.bid == other.bid
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


Decimal128.__module__ = "bsonx.decimal128"
