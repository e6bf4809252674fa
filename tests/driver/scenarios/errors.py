"""Errors as programs meet them: copies through pickle, chains, what servers add."""

from __future__ import annotations

import pickle


async def a_client_bulk_exception_is_pickled(s):
    details = {"error": None, "writeErrors": [], "writeConcernErrors": []}
    error = s.pymongo.ClientBulkWriteException(details, True)
    await s.of(lambda: pickle.loads(pickle.dumps(error)))


async def an_encrypted_collection_error_is_pickled(s):
    error = s.pymongo.EncryptedCollectionError(ValueError("x"), {"a": 1})
    await s.of(lambda: str(pickle.loads(pickle.dumps(error))))


async def all_errors_are_pickled(s):
    p = s.pymongo
    for error in (
        *(p.PyMongoError("x"), p.ConnectionFailure("x"), p.AutoReconnect("x", [1])),
        *(p.NetworkTimeout("x", [2]), p.NotPrimaryError("x", {"code": 1})),
        *(p.ServerSelectionTimeoutError("x"), p.ConfigurationError("x"), p.InvalidURI("x")),
        *(p.OperationFailure("x", 1, {"a": 1}, 5), p.CursorNotFound("x", 43, {})),
        *(p.ExecutionTimeout("x", 50, {}), p.WriteConcernError("x", 64, {"errInfo": {}})),
        *(p.WTimeoutError("x", 64, {}), p.WriteError("x", 1, {}), p.DuplicateKeyError("x", 11000)),
        *(p.BulkWriteError({"writeErrors": []}), p.InvalidOperation("x"), p.InvalidName("x")),
        *(p.CollectionInvalid("x"), p.WaitQueueTimeoutError("x"), p.ProtocolError("x")),
        *(p.DocumentTooLarge("x"), p.EncryptionError(ValueError("x"))),
    ):
        again = pickle.loads(pickle.dumps(error))
        s.show(type(again).__name__, str(again), again.args, getattr(again, "code", "none"))
        s.show(getattr(again, "details", "none"), getattr(again, "errors", "none"))


async def a_duplicate_key(s):
    await s.t.insert_one({"_id": 1, "a": 1})
    await s.t.create_index("a", unique=True)
    await s.of(s.t.insert_one({"_id": 1}))
    await s.of(s.t.insert_one({"a": 1}))
    await s.of(s.t.update_one({"_id": 2}, {"$set": {"a": 1}}, upsert=True))
    await s.of(s.t.replace_one({"_id": 3}, {"a": 1}, upsert=True))
    await s.of(s.t.find_one_and_update({"_id": 4}, {"$set": {"a": 1}}, upsert=True))
    await s.of(s.t.insert_many([{"a": 2}, {"a": 1}, {"a": 3}]))
    await s.of(s.t.insert_many([{"a": 4}, {"a": 1}, {"a": 5}], ordered=False))


async def a_validator_refuses(s):
    validator = {"$jsonSchema": {"required": ["name"]}}
    await s.db.create_collection(s.t.name, validator=validator)
    await s.of(s.t.insert_one({"_id": 1}))
    await s.of(s.t.insert_many([{"_id": 1, "name": 1}, {"_id": 2}]))
    await s.of(s.t.update_one({}, {"$unset": {"name": 1}}))
    await s.of(s.t.insert_one({"_id": 5}, bypass_document_validation=True))
    await s.of(s.t.bulk_write([s.pymongo.ReplaceOne({"_id": 1}, {"a": 1})]))


async def server_codes_and_their_classes(s):
    for code in (1, 6, 11, 13, 18, 20, 26, 43, 50, 59, 64, 89, 91, 112, 189, 262, 10107, 11000):
        await s.fail("ping", errorCode=code)
        await s.of(s.db.command("ping"))


async def write_concern_errors(s):
    for concern in (
        {"code": 64, "errmsg": "late", "errInfo": {"wtimeout": True}},
        {"code": 79, "errmsg": "unknown"},
        {"code": 100, "errmsg": "few"},
    ):
        await s.fail("insert", writeConcernError=concern)
        await s.of(s.t.insert_one({}))
        await s.fail("insert", writeConcernError=concern)
        await s.of(s.t.insert_many([{}]))
        await s.fail("findAndModify", writeConcernError=concern)
        await s.of(s.t.find_one_and_delete({}))
        await s.fail("delete", writeConcernError=concern)
        await s.of(s.t.delete_one({}))


async def lost_connections(s):
    client = s.make(retryReads=False, retryWrites=False, heartbeatFrequencyMS=500)
    t = client[s.db.name][s.t.name]
    await t.find_one()
    await s.fail("insert", closeConnection=True)
    try:
        await t.insert_one({})
    except s.pymongo.PyMongoError as exc:
        s.show(type(exc).__name__, "connection closed" in str(exc), exc.timeout)


async def no_server(s):
    client = s.make("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=1)
    reads = (client.admin.command("ping"), client.x.t.find_one(), client.list_database_names())
    for operation in reads:
        try:
            await operation
        except s.pymongo.ServerSelectionTimeoutError as exc:
            s.show(exc.timeout, exc.errors, exc.details)
            s.show("Timeout: 0.001s, Topology Description:" in str(exc))
    await s.of(s.make("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=1).close())


async def no_server_to_write_to(s):
    client = s.make("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=1)
    try:
        await client.x.t.insert_one({})
    except s.pymongo.ServerSelectionTimeoutError as exc:
        s.show(exc.has_error_label("RetryableWriteError"))


async def what_cannot_be_encoded(s):
    for value in (
        object(),
        {1},
        2**64,
        "\ud800",
        b"".join,
        {1: 1},
        {"a\0": 1},
        s.bson.uuid.UUID(int=1),
    ):
        await s.of(lambda value=value: s.t.insert_one({"_id": 1, "a": value}))
        await s.of(lambda value=value: s.t.update_one({}, {"$set": {"a": value}}))
    for value in ({1}, 2**64):
        await s.of(lambda value=value: s.t.find_one({"a": value}))
        await s.of(lambda value=value: s.t.delete_one({"a": value}))
        await s.of(lambda value=value: s.t.insert_many([{}, {"a": value}]))
        await s.of(lambda value=value: s.t.bulk_write([s.pymongo.InsertOne({"a": value})]))
        await s.of(lambda value=value: s.db.command("ping", a=value))
        await s.of(lambda value=value: s.t.aggregate([{"$match": {"a": value}}]))


async def arguments_after_errors(s):
    await s.t.insert_one({"_id": 1})
    document, documents = {"a": object()}, [{"a": 1}, {"_id": 1}, {"a": 2}]
    await s.of(s.t.insert_one(document))
    s.show(list(document))
    await s.of(s.t.insert_many(documents))
    s.show([list(one) for one in documents])
    requests = [s.pymongo.InsertOne({"a": 1}), s.pymongo.InsertOne({"_id": 1})]
    await s.of(s.t.bulk_write(requests))
    s.show(requests)
    pipeline = [{"$match": {}}]
    await s.of((await s.t.aggregate(pipeline)).to_list())
    s.show(pipeline)


async def a_command_after_its_use(s):
    command = {"find": s.t.name}
    await s.of(s.db.command(command, comment="x"))
    s.show(command)
