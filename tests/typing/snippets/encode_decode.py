from typing import Any, TypedDict

import bson
from bson import decode, decode_all, encode
from bson.codec_options import CodecOptions
from bson.son import SON


class Row(TypedDict):
    a: int


data = encode({"a": 1})
reveal_type(data)
reveal_type(decode(data))
reveal_type(decode(data, CodecOptions(document_class=Row)))
reveal_type(decode_all(data, CodecOptions(document_class=SON[str, Any])))
reveal_type(list(bson.decode_iter(data)))
with open("dump.bson", "rb") as file:
    for document in bson.decode_file_iter(file):
        reveal_type(document)
encode([1])
decode("text")
decode(data, {"tz_aware": True})
reveal_type(decode(memoryview(data))["a"])
reveal_type(bson.is_valid(data))
