"""Collections and databases: kinds, options, views, indexes, validation, dereferencing."""

from __future__ import annotations


async def _described(s, name):
    cursor = await s.db.list_collections(filter={"name": name})
    return [{**one, "info": sorted(one["info"])} for one in await cursor.to_list()]


async def views(s):
    await s.t.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 2}])
    name = s.t.name + "_view"
    await s.of(s.db.create_collection(name, viewOn=s.t.name, pipeline=[{"$match": {"a": 1}}]))
    await s.of(s.db[name].find().to_list())
    await s.of(s.db[name].insert_one({}))
    await s.of(s.db[name].options())
    await s.of(_described(s, name))
    await s.of(s.db[name].drop())


async def time_series(s):
    options = {"timeField": "t", "metaField": "m", "granularity": "minutes"}
    await s.of(s.db.create_collection(s.t.name, timeseries=options, expireAfterSeconds=3600))
    await s.of(s.t.insert_one({"_id": 1, "t": s.bson.datetime.datetime(2024, 1, 1), "m": 1}))
    await s.of(s.t.insert_one({"_id": 2}))
    await s.of(s.t.find({}).to_list())
    await s.of(s.t.options())


async def clustered(s):
    index = {"key": {"_id": 1}, "unique": True, "name": "the clustered key"}
    await s.of(s.db.create_collection(s.t.name, clusteredIndex=index))
    await s.of(s.t.index_information())
    await s.of(s.t.options())
    await s.of(s.t.drop_index("the clustered key"))


async def capped(s):
    await s.of(s.db.create_collection(s.t.name, capped=True, size=4096, max=2))
    await s.t.insert_many([{"_id": n} for n in range(3)])
    await s.of(s.t.find({}).to_list())
    await s.of(s.t.options())
    await s.of(s.db.create_collection(s.t.name + "_wrong", capped=True))


async def with_options_of_the_collection(s):
    pymongo = s.pymongo
    made = await s.db.create_collection(
        s.t.name,
        codec_options=s.bson.CodecOptions(s.bson.SON),
        read_preference=pymongo.ReadPreference.SECONDARY_PREFERRED,
        write_concern=pymongo.WriteConcern(1, wtimeout=5000),
        read_concern=pymongo.ReadConcern("local"),
        validator={"a": {"$exists": True}},
        validationLevel="moderate",
        validationAction="warn",
        storageEngine={"wiredTiger": {}},
        indexOptionDefaults={"storageEngine": {"wiredTiger": {}}},
        collation={"locale": "fr"},
        comment="c",
    )
    s.show(made.codec_options.document_class.__name__, made.write_concern, made.read_preference)
    await s.of(made.options())


async def change_stream_images(s):
    images = {"enabled": True}
    await s.of(s.db.create_collection(s.t.name, changeStreamPreAndPostImages=images))
    await s.of(s.t.options())


async def encrypted_fields(s):
    await s.of(lambda: s.db.create_collection(s.t.name, encryptedFields={"fields": []}))
    wrong = {"encryptedFields": 5, "check_exists": False}
    await s.of(lambda: s.db.create_collection(s.t.name, **wrong))
    names = ("enxcol_." + s.t.name + ".esc", "enxcol_." + s.t.name + ".ecoc", s.t.name, "e")
    for name in names * 2:
        await s.db[name].insert_one({})
        if name == s.t.name:
            await s.of(lambda: s.db.drop_collection(s.t.name, encrypted_fields={"fields": []}))
    for name in names:
        await s.db[name].insert_one({})
    options = {"fields": [], "escCollection": "e"}
    await s.of(lambda: s.t.drop(encrypted_fields=options))


async def made_twice(s):
    await s.of(s.db.create_collection(s.t.name))
    await s.of(s.db.create_collection(s.t.name))
    await s.of(s.db.create_collection(s.t.name, check_exists=False))
    await s.of(s.db.create_collection(s.t.name, check_exists=True, capped=True, size=4096))


async def wrong_names_and_options(s):
    for name in ("", "a..b", "$a", ".a", "a.", "a\0b", 5, None):
        await s.of(lambda name=name: s.db.create_collection(name))
        await s.of(lambda name=name: s.db.validate_collection(name))
    await s.of(lambda: s.db.create_collection("x", write_concern=5))
    await s.of(lambda: s.db.create_collection("x", bogus=5))


async def renaming(s):
    await s.t.insert_one({"_id": 1})
    await s.of(s.t.rename(s.t.name + "_new"))
    await s.of(s.t.rename(s.t.name + "_new"))
    await s.t.insert_one({"_id": 2})
    await s.of(s.t.rename(s.t.name + "_new"))
    await s.of(s.t.rename(s.t.name + "_new", dropTarget=True))
    await s.of(s.db[s.t.name + "_new"].find().to_list())


async def indexes_of_all_kinds(s):
    pymongo, t = s.pymongo, s.t
    await s.of(t.create_index([("loc", pymongo.GEO2D)], min=-10, max=10, bits=20))
    await s.of(t.create_index([("place", pymongo.GEOSPHERE)]))
    await s.of(t.create_index([("text", pymongo.TEXT)], weights={"text": 5}))
    await s.of(t.create_index([("h", pymongo.HASHED)]))
    await s.of(t.create_index([("w.$**", 1)], wildcardProjection=None))
    await s.of(t.create_index("ttl", expireAfterSeconds=60, sparse=True, hidden=True))
    await s.of(t.create_index("u", unique=True, partialFilterExpression={"a": {"$gt": 1}}))
    await s.of(t.index_information())
    await s.of((await t.list_indexes()).to_list())
    await s.of(t.drop_index("u_1"))
    await s.of(t.drop_index([("ttl", 1)]))
    await s.of(t.drop_indexes())
    await s.of(t.index_information())


async def indexes_that_conflict(s):
    await s.of(s.t.create_index("a"))
    await s.of(s.t.create_index("a", unique=True))
    await s.of(s.t.create_index("a", name="other"))
    await s.of(s.t.create_index([("a", 1), ("b", "bogus")]))
    await s.t.insert_many([{"x": 1}, {"x": 1}])
    await s.of(s.t.create_index("x", unique=True))
    await s.of(
        s.t.create_indexes([s.pymongo.IndexModel("y"), s.pymongo.IndexModel("x", unique=True)])
    )


async def search_indexes_where_there_are_none(s):
    t, pymongo = s.t, s.pymongo
    await t.insert_one({})
    model = pymongo.SearchIndexModel({"mappings": {"dynamic": True}}, "n")
    await s.of(t.create_search_index(model))
    await s.of(t.create_search_indexes([model]))
    await s.of(lambda: t.create_search_indexes([]))
    await s.of(lambda: t.create_search_indexes([{"definition": {}}]))
    await s.of(lambda: t.create_search_indexes(5))
    await s.of(t.update_search_index("n", {"mappings": {}}))
    await s.of(t.drop_search_index("n"))
    await s.of(lambda: t.drop_search_index(5))
    await s.of(t.list_search_indexes())


async def validating(s):
    await s.t.insert_one({"_id": 1})
    report = await s.db.validate_collection(s.t.name)
    s.show(report["valid"], report["nrecords"])
    report = await s.db.validate_collection(s.t, scandata=True, full=True)
    s.show(report["valid"])
    await s.of(s.db.validate_collection("no_such_collection"))
    await s.of(lambda: s.db.validate_collection(s.t, full=True, background=True))


async def dereferencing(s):
    DBRef = s.bson.DBRef
    await s.t.insert_one({"_id": 1, "a": 1})
    await s.of(s.db.dereference(DBRef(s.t.name, 1)))
    await s.of(s.db.dereference(DBRef(s.t.name, 2)))
    await s.of(s.db.dereference(DBRef(s.t.name, 1, s.db.name)))
    await s.of(lambda: s.db.dereference(DBRef(s.t.name, 1, "other")))
    await s.of(lambda: s.db.dereference(5))
    await s.of(lambda: s.db.dereference({"$ref": "x", "$id": 1}))
    await s.t.insert_one({"_id": 5, "ref": DBRef(s.t.name, 1, x=5)})
    await s.of(s.t.find_one(5))


async def commands(s):
    db, SON = s.db, s.bson.SON
    await s.of(db.command("ping"))
    await s.of(db.command(SON([("ping", 1), ("comment", "x")])))
    await s.of(db.command("count", s.t.name))
    await s.of(db.command({"count": s.t.name}, query={"a": 1}))
    await s.of(db.command("count", value=s.t.name, query={}))
    await s.of(db.command("bogus"))
    await s.of(db.command("ping", read_preference=s.pymongo.ReadPreference.SECONDARY_PREFERRED))
    await s.of(lambda: db.command())
    await s.of(db.command("find", s.t.name, codec_options=s.bson.CodecOptions(SON)))
    await s.of(db.command("ping", write_concern=s.pymongo.WriteConcern(1)))
    options = {"write_concern": s.pymongo.WriteConcern(1), "parse_write_concern_error": True}
    await s.of(db.command("insert", s.t.name, documents=[{"_id": 1}], **options))


async def unmet_concerns_of_commands(s):
    db = s.db
    unmet = {"write_concern": s.pymongo.WriteConcern(2)}
    await s.of(db.command("delete", s.t.name, deletes=[{"q": {}, "limit": 0}], **unmet))
    unmet["parse_write_concern_error"] = True
    deletes = [{"q": {}, "limit": 0}]
    await s.of(lambda: db.command("delete", s.t.name, deletes=deletes, **unmet))


async def cursors_of_commands(s):
    await s.t.insert_many([{"_id": n} for n in range(5)])
    await s.of((await s.db.cursor_command("find", s.t.name, batchSize=2)).to_list())
    await s.of((await s.db.cursor_command({"find": s.t.name, "batchSize": 2})).to_list())
    await s.of(s.db.cursor_command("ping"))
    await s.of(s.db.cursor_command("bogus"))
    await s.of(s.db.cursor_command("find", s.t.name, filter={"$bogus": 1}))
    cursor = await s.db.cursor_command("aggregate", s.t.name, pipeline=[], cursor={"batchSize": 3})
    s.show(type(cursor).__name__, cursor.alive)
    await s.of(cursor.next())
    await cursor.close()


async def databases(s):
    other = s.client[s.db.name + "_x"]
    await other.t.insert_one({"_id": 1})
    names = await s.client.list_database_names()
    s.show(other.name in names, "admin" in names)
    cursor = await s.client.list_databases(filter={"name": other.name})
    s.show([sorted(one) for one in await cursor.to_list()])
    await s.of(other.list_collection_names())
    await s.of(s.client.drop_database(other, comment="x"))
    await s.of(s.client.drop_database("no_such_database", comment="x"))
    await s.of(lambda: s.client.drop_database(5))
    await s.of(other.list_collection_names())


async def aggregations_of_databases(s):
    await s.of((await s.db.aggregate([{"$documents": [{"a": 1}, {"a": 2}]}])).to_list())
    await s.of(s.db.aggregate([{"$bogus": 1}]))
    await s.of(lambda: s.db.aggregate(5))
    cursor = await s.client.admin.aggregate([{"$currentOp": {}}, {"$limit": 1}, {"$project": {}}])
    s.show(type(cursor).__name__)
    await cursor.close()
    await s.of(s.db.aggregate([{"$documents": [{"_id": 1}]}, {"$out": s.t.name}]))
    await s.of(s.t.find().to_list())


async def the_declared_api(s):
    client = s.make(server_api=s.pymongo.ServerApi("1", strict=True, deprecation_errors=True))
    db = client[s.db.name]
    t = db[s.t.name]
    await s.of(t.insert_one({"_id": 1}))
    await s.of(t.find_one())
    await s.of(t.find({}, batch_size=1).to_list())
    await s.of((await t.aggregate([{"$match": {}}])).to_list())
    await s.of(t.count_documents({}))
    await s.of(t.estimated_document_count())
    await s.of(t.distinct("_id"))
    await s.of(db.command("ping"))
    await s.of(db.command("ping", apiVersion="1"))
    await s.of(t.create_index("a"))
    async with client.start_session() as session, await session.start_transaction():
        await s.of(t.insert_one({"_id": 2}, session=session))


async def unacknowledged_management(s):
    pymongo = s.pymongo
    t = s.w0
    await s.of(t.insert_one({"_id": 1}))
    await s.of(t.update_many({}, {"$set": {"a": 1}}))
    await s.of(t.delete_many({}))
    await s.of(t.create_index("a"))
    await s.of(t.find_one_and_delete({}))
    await s.of(lambda: t.insert_many([{}], bypass_document_validation=True))
    await s.of(lambda: t.bulk_write([pymongo.InsertOne({})], bypass_document_validation=True))
    await s.of(lambda: t.bulk_write([pymongo.DeleteOne({}, hint="a")]))
    result = await t.update_one({}, {"$set": {"a": 1}})
    for name in ("matched_count", "modified_count", "upserted_id", "raw_result", "acknowledged"):
        await s.of(lambda name=name: getattr(result, name))
    result = await t.bulk_write([pymongo.InsertOne({"_id": 9})])
    for name in ("inserted_count", "upserted_ids", "bulk_api_result", "acknowledged"):
        await s.of(lambda name=name: getattr(result, name))
