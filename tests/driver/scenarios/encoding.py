"""Codec options and type registries on the way through the driver; raw documents."""

from __future__ import annotations


def _decimals(s, **options):
    bson = s.bson

    class Codec(bson.TypeCodec):
        python_type = complex
        bson_type = bson.Decimal128

        def transform_python(self, value):
            return bson.Decimal128(str(value.real))

        def transform_bson(self, value):
            return complex(float(value.to_decimal()))

    registry = bson.TypeRegistry([Codec()])
    return s.t.with_options(bson.CodecOptions(type_registry=registry, **options))


async def a_registry_in_writes(s):
    t = _decimals(s)
    await s.of(t.insert_one({"_id": 1, "a": 1 + 0j}))
    await s.of(t.insert_many([{"_id": 2, "a": 2 + 0j}, {"_id": 3, "a": [3 + 0j]}]))
    await s.of(t.update_one({"a": 1 + 0j}, {"$set": {"b": 5 + 0j}}))
    await s.of(t.replace_one({"_id": 2}, {"c": 6 + 0j}))
    await s.of(t.bulk_write([s.pymongo.InsertOne({"_id": 4, "a": 4 + 0j})]))
    await s.of(t.delete_one({"a": 4 + 0j}))
    await s.of(s.t.find({}, sort=[("_id", 1)]).to_list())


async def a_registry_in_reads(s):
    t = _decimals(s)
    await t.insert_many([{"_id": n, "a": complex(n)} for n in range(5)])
    await s.of(t.find({}, sort=[("_id", 1)], batch_size=2).to_list())
    await s.of(t.find_one({"a": 3 + 0j}))
    await s.of((await t.aggregate([{"$sort": {"_id": 1}}])).to_list())
    await s.of(t.distinct("a"))
    await s.of(t.count_documents({"a": 2 + 0j}))
    await s.of(t.find_one_and_update({"_id": 1}, {"$set": {"b": 1 + 0j}}, return_document=True))
    await s.of(t.find_one_and_delete({"_id": 1}))


async def upserted_ids(s):
    t = _decimals(s)
    result = await t.update_one({"_id": 7 + 0j}, {"$set": {"a": 1}}, upsert=True)
    s.show(result.upserted_id, result.raw_result)
    requests = [s.pymongo.UpdateOne({"_id": 8 + 0j}, {"$set": {"a": 1}}, upsert=True)]
    s.show((await t.bulk_write(requests)).upserted_ids)


async def a_fallback_encoder(s):
    bson = s.bson
    registry = bson.TypeRegistry(fallback_encoder=lambda value: f"<{type(value).__name__}>")
    t = s.t.with_options(bson.CodecOptions(type_registry=registry))
    await s.of(t.insert_one({"_id": 1, "a": object(), "b": {1, 2}}))
    await s.of(s.t.find_one())


async def a_registry_that_fails(s):
    bson = s.bson

    class Broken(bson.TypeEncoder):
        python_type = complex

        def transform_python(self, value):
            raise ZeroDivisionError("mine")

    t = s.t.with_options(bson.CodecOptions(type_registry=bson.TypeRegistry([Broken()])))
    await s.of(t.insert_one({"_id": 1, "a": 1j}))
    await s.of(s.t.find_one())


async def aware_dates(s):
    bson, moment = s.bson, s.bson.datetime.datetime(2024, 5, 6, 7, 8, 9, 123456)
    await s.t.insert_one({"_id": 1, "d": moment})
    zone = bson.datetime.timezone(bson.datetime.timedelta(hours=2))
    for options in (
        *({}, {"tz_aware": True}, {"tz_aware": True, "tzinfo": zone}),
        {"datetime_conversion": bson.DatetimeConversion.DATETIME_MS},
    ):
        await s.of(s.t.with_options(bson.CodecOptions(**options)).find_one())


async def dates_out_of_range(s):
    bson = s.bson
    await s.t.insert_one({"_id": 1, "d": bson.DatetimeMS(2**60)})
    await s.of(s.t.find_one())
    for name in ("DATETIME_CLAMP", "DATETIME_MS", "DATETIME_AUTO"):
        conversion = getattr(bson.DatetimeConversion, name)
        await s.of(s.t.with_options(bson.CodecOptions(datetime_conversion=conversion)).find_one())


async def uuids(s):
    bson, value = s.bson, s.bson.uuid.UUID(int=5)
    await s.of(s.t.insert_one({"_id": value}))
    for representation in (3, 4, 5, 6):
        t = s.t.with_options(bson.CodecOptions(uuid_representation=representation))
        await s.of(t.insert_one({"_id": representation, "u": value}))
        await s.of(t.find_one({"_id": representation, "u": value}))
        await s.of(s.t.find_one(representation))


async def raw_documents(s):
    raw = s.bson.RawBSONDocument(s.bson.encode({"_id": 1, "a": {"b": [1]}}))
    t = s.t.with_options(s.bson.CodecOptions(s.bson.RawBSONDocument))
    await s.of(s.t.insert_one(raw))
    await s.of(s.t.insert_many([s.bson.RawBSONDocument(s.bson.encode({"_id": 2}))]))
    await s.of(t.find_one({"_id": 1}))
    found = await t.find_one({"_id": 1})
    s.show(found == raw, type(found["a"]).__name__, found["a"]["b"], list(found))
    await s.of(s.t.replace_one({"_id": 2}, found))
    await s.of(s.t.update_one(raw, {"$set": {"c": 1}}))
    await s.of(s.t.bulk_write([s.pymongo.InsertOne(raw)]))
    await s.of(s.t.insert_one(s.bson.RawBSONDocument(s.bson.encode({"a": 1}))))
    await s.of(t.aggregate([{"$sort": {"_id": 1}}, {"$limit": 1}]))


async def ids_of_all_kinds(s):
    bson = s.bson
    for value in (
        *(None, 5, 1.5, "x", b"x", True, {"a": 1}, bson.Int64(7), bson.Decimal128("1.5")),
        *(bson.Timestamp(1, 1), bson.MinKey(), bson.datetime.datetime(2024, 1, 1), "", {}),
    ):
        await s.of(s.t.insert_one({"_id": value}))
        await s.of(s.t.find_one({"_id": value}))
    await s.of(lambda: s.t.insert_one({"_id": [1]}))
    await s.of(lambda: s.t.insert_one({"_id": bson.Regex("a")}))


async def the_order_of_fields(s):
    document = {"b": 1, "a": {"z": 1, "y": 2}, "_id": 5}
    await s.of(s.t.insert_one(document))
    s.show(list(document))
    await s.of(s.t.find_one())
    son = s.bson.SON([("q", 1), ("_id", 6)])
    await s.of(s.t.insert_one(son))
    s.show(list(son))
    await s.of(s.t.find_one(6))
    await s.of(s.t.replace_one({"_id": 6}, {"x": 1, "_id": 6}))
    await s.of(s.t.find_one(6))
