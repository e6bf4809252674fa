import datetime

from bson.binary import UuidRepresentation
from bson.codec_options import (
    CodecOptions,
    DatetimeConversion,
    TypeCodec,
    TypeDecoder,
    TypeRegistry,
)
from bson.raw_bson import RawBSONDocument

options: CodecOptions[dict[str, int]] = CodecOptions(
    tz_aware=True,
    tzinfo=datetime.timezone.utc,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
)
reveal_type(options)
reveal_type(options.document_class)
reveal_type(options.with_options(tz_aware=False))
reveal_type(CodecOptions(document_class=RawBSONDocument))
reveal_type(options.type_registry)
CodecOptions(tz_aware="yes")
CodecOptions(document_class=int)
CodecOptions(timezone=True)
unknown = CodecOptions()
TypeRegistry([TypeCodec()])
TypeRegistry([TypeDecoder], fallback_encoder=str)
