"""mongomock: a client in place of ours, its bulk writes and files."""

import gridfs
import mongomock
import mongomock.gridfs
import pymongo
from pymongo.errors import BulkWriteError, DuplicateKeyError

with mongomock.patch(servers=(("example.org", 27017),)):
    things = pymongo.MongoClient("example.org").db.things
    things.insert_many([{"_id": number, "n": number} for number in range(5)])
    try:
        things.insert_one({"_id": 1})
    except DuplicateKeyError:
        pass
    else:
        raise AssertionError("not unique")
    result = things.bulk_write(
        [
            pymongo.InsertOne({"_id": 5}),
            pymongo.UpdateMany({"_id": 0}, {"$set": {"a": 1}}),
            pymongo.UpdateMany({"n": {"$gt": 2}}, {"$inc": {"n": 1}}),
            pymongo.DeleteOne({"_id": 1}),
            pymongo.DeleteMany({"_id": 2}),
        ]
    )
    counts = result.inserted_count, result.modified_count, result.deleted_count
    assert counts == (1, 3, 2)
    try:
        things.bulk_write([pymongo.InsertOne({"_id": 5})])
    except BulkWriteError as error:
        assert error.details["nInserted"] == 0
    else:
        raise AssertionError("not unique")
    assert [one["n"] for one in things.find({"n": {"$gt": 3}}).sort("n", -1)] == [5, 4]

mongomock.gridfs.enable_gridfs_integration()
files = gridfs.GridFS(mongomock.MongoClient().files)
assert files.get(files.put(b"z" * 300_000, filename="f")).read() == b"z" * 300_000
print("ok")
