"""The codec: options carry the class of documents."""

import datetime
from collections.abc import Iterator
from typing import Any, assert_type

import bsonx
from bsonx import BSON, SON, Binary, ObjectId, Regex
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bsonx.datetime_ms import DatetimeMS
from bsonx.json_util import DEFAULT_JSON_OPTIONS, JSONOptions
from bsonx.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument

data = bsonx.encode({"a": 1})
assert_type(data, bytes)
assert_type(bsonx.decode(data), dict[str, Any])
assert_type(bsonx.decode(bytearray(data), DEFAULT_CODEC_OPTIONS), dict[str, Any])
assert_type(bsonx.decode(data, DEFAULT_RAW_BSON_OPTIONS), RawBSONDocument)
assert_type(bsonx.decode_all(data), list[dict[str, Any]])
assert_type(bsonx.decode_iter(data), Iterator[dict[str, Any]])
assert_type(BSON.encode({}), BSON)
assert_type(BSON(b"").decode(), dict[str, Any])

options = CodecOptions(document_class=SON[str, int], tz_aware=True)
assert_type(options, CodecOptions[SON[str, int]])
assert_type(options.document_class, type[SON[str, int]])
assert_type(options.datetime_conversion, int | None)
assert_type(bsonx.decode(data, options), SON[str, int])
assert_type(CodecOptions(document_class=dict[str, Any], profile="python").tz_aware, bool)
assert_type(DEFAULT_JSON_OPTIONS.with_options(json_mode=1), JSONOptions)

assert_type(DatetimeMS(5).as_datetime(), datetime.datetime)
assert_type(Regex("a"), Regex[str])
assert_type(Regex(b"a").try_compile().pattern, bytes)
assert_type(ObjectId() < ObjectId(), bool)
assert_type(Binary(b"", 5).subtype, int)

bsonx.decode("text")  # error
bsonx.decode(data, {})  # error
bsonx.encode([1])  # error
CodecOptions(tz_aware=5)  # error
CodecOptions(document_class=int)  # error
DatetimeMS(5) < "a"  # error
