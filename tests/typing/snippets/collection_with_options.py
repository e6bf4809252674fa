from typing import Any, TypedDict

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern


class Row(TypedDict):
    a: int


def options(c: Collection[dict[str, Any]]) -> Collection[Row]:
    raw = c.with_options(CodecOptions(document_class=RawBSONDocument))
    reveal_type(raw)
    reveal_type(raw.find_one())
    reveal_type(c.with_options(read_concern=ReadConcern("majority")))
    aware = c.with_options(CodecOptions(tz_aware=True))
    c.with_options(codec_options={"tz_aware": True})
    return c.with_options(CodecOptions(document_class=Row))
