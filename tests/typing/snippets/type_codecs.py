from decimal import Decimal
from typing import Any

from bson.codec_options import CodecOptions, TypeCodec, TypeRegistry
from bson.decimal128 import Decimal128
from pymongo.collection import Collection


class DecimalCodec(TypeCodec):
    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value: Decimal) -> Decimal128:
        return Decimal128(value)

    def transform_bson(self, value: Decimal128) -> Decimal:
        return value.to_decimal()


def decimals(c: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    registry = TypeRegistry([DecimalCodec()])
    return c.with_options(codec_options=CodecOptions(type_registry=registry))
