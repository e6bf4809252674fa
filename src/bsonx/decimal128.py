"""128-bit decimal floating point numbers (IEEE 754-2008)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx._switch import HAS_C
from bsonx.codec_options import TypeDecoder, TypeEncoder

if TYPE_CHECKING:
    import decimal

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.decimal128 import Decimal128
else:
    from bsonx._native import Decimal128

__all__ = ["Decimal128", "DecimalDecoder", "DecimalEncoder", "create_decimal128_context"]


def create_decimal128_context() -> decimal.Context:
    """Return a `decimal.Context` with the precision, range and rounding of Decimal128."""
    from bsonx._py.types import decimal128  # with `decimal`, which few programs need

    return decimal128.create_decimal128_context()


class DecimalEncoder(TypeEncoder):
    """Stores ``decimal.Decimal`` as Decimal128; decimal.Inexact if it does not fit."""

    @property
    def python_type(self) -> type[decimal.Decimal]:
        """``decimal.Decimal``."""
        from decimal import Decimal

        return Decimal

    def transform_python(self, value: Any) -> Decimal128:
        """Return the Decimal128 of ``value``."""
        return Decimal128(value)


class DecimalDecoder(TypeDecoder):
    """Decodes Decimal128 to ``decimal.Decimal``."""

    @property
    def bson_type(self) -> type[Decimal128]:
        """:class:`Decimal128`."""
        return Decimal128

    def transform_bson(self, value: Any) -> decimal.Decimal:
        """Return the Decimal of ``value``."""
        decoded: Decimal128 = value
        return decoded.to_decimal()
