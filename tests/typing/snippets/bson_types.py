import datetime
import re
import uuid

from bson import (
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

oid = ObjectId()
reveal_type(oid.generation_time)
reveal_type(ObjectId.is_valid("a"))
reveal_type(str(oid) == oid)
reveal_type(ObjectId.from_datetime(datetime.datetime.now()))
reveal_type(Binary(b"a", 4).subtype)
reveal_type(Binary.from_uuid(uuid.uuid4()).as_uuid())
reveal_type(Regex("a", re.I))
reveal_type(Regex("a").try_compile())
reveal_type(Regex.from_native(re.compile("a")))
reveal_type(Decimal128("1").to_decimal())
reveal_type(Timestamp(1, 2).as_datetime())
reveal_type(DBRef("c", oid).id)
reveal_type(Int64(3) + 1)
reveal_type(Code("x", {"a": 1}).scope)
reveal_type(MinKey() < MaxKey())
ObjectId(3)
Binary("text")
Timestamp("1", 2)
sorted([oid, ObjectId()])
