from bson.codec_options import CodecOptions
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument
from pymongo import MongoClient

client = MongoClient(document_class=RawBSONDocument)
reveal_type(client)
document = client.db.c.find_one()
assert document is not None
reveal_type(document["a"])
reveal_type(dict(document))
client.db.c.insert_one(document)
document["a"] = 1
options: CodecOptions[RawBSONDocument] = DEFAULT_RAW_BSON_OPTIONS
reveal_type(RawBSONDocument(b"").items())
