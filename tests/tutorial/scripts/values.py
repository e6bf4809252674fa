"""The examples of custom types, dates, UUIDs, raw documents and tailable cursors."""

import datetime
import sys
import uuid
from decimal import Decimal

import pymongo
from bson.binary import Binary, UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion, TypeCodec, TypeRegistry
from bson.decimal128 import Decimal128
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

client = MongoClient(sys.argv[1])
client.drop_database("custom_type_example")
db = client.custom_type_example


class DecimalCodec(TypeCodec):
    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value):
        return Decimal128(value)

    def transform_bson(self, value):
        return value.to_decimal()


num = Decimal("45.321")
try:
    db.test.insert_one({"num": num})
except Exception as exc:
    print(type(exc).__name__, exc.args[0])
codec_options = CodecOptions(type_registry=TypeRegistry([DecimalCodec()]))
collection = db.get_collection("test", codec_options=codec_options)
collection.insert_one({"_id": 1, "num": num})
print(collection.find_one())
print(db.test.find_one())


def fallback_encoder(value):
    return Decimal128(value) if isinstance(value, Decimal) else value


registry = TypeRegistry(fallback_encoder=fallback_encoder)
db.get_collection("test", codec_options=CodecOptions(type_registry=registry)).insert_one(
    {"_id": 2, "num": Decimal("1.5")}
)
print(db.test.find_one(2))

# Dates.
moment = datetime.datetime(2002, 10, 27, 6, 0, 0, 123456)
zone = datetime.timezone(datetime.timedelta(hours=-5))
db.times.insert_many([{"_id": 1, "d": moment}, {"_id": 2, "d": moment.replace(tzinfo=zone)}])
print([doc["d"] for doc in db.times.find().sort("_id")])
aware = db.times.with_options(codec_options=CodecOptions(tz_aware=True, tzinfo=zone))
print([doc["d"].isoformat() for doc in aware.find().sort("_id")])
as_ms = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
print(db.times.with_options(codec_options=as_ms).find_one(1))

# UUIDs.
fixed = uuid.UUID(int=0x12345678123456781234567812345678)
try:
    db.uuids.insert_one({"_id": fixed})
except ValueError as exc:
    print(exc)
standard = db.uuids.with_options(codec_options=CodecOptions(uuid_representation=4))
standard.insert_one({"_id": fixed})
print(standard.find_one(), db.uuids.find_one())
legacy = Binary.from_uuid(fixed, UuidRepresentation.PYTHON_LEGACY)
print(repr(legacy), legacy.as_uuid(UuidRepresentation.PYTHON_LEGACY) == fixed)

# Raw documents.
raw = db.test.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
document = raw.find_one({"_id": 1})
print(type(document).__name__, list(document), len(document.raw))
db.copy.insert_one(document)
print(db.copy.find_one())

# Tailable cursors.
db.create_collection("capped", capped=True, size=4096)
db.capped.insert_many([{"_id": n} for n in range(3)])
cursor = db.capped.find(cursor_type=pymongo.CursorType.TAILABLE_AWAIT).max_await_time_ms(5)
for _ in range(3):
    print(cursor.next(), cursor.alive)
client.drop_database("custom_type_example")
