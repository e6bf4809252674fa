"""The examples of bulk writes, and what happens where they fail."""

import sys
from pprint import pprint

from pymongo import DeleteMany, DeleteOne, InsertOne, MongoClient, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

client = MongoClient(sys.argv[1])
client.drop_database("bulk_example")
db = client.bulk_example
print(db.test.insert_many([{"i": i} for i in range(10000)]).acknowledged)
print(db.test.count_documents({}))

result = db.test.bulk_write(
    [
        DeleteMany({}),  # the old ones
        InsertOne({"_id": 1}),
        InsertOne({"_id": 2}),
        InsertOne({"_id": 3}),
        UpdateOne({"_id": 1}, {"$set": {"foo": "bar"}}),
        UpdateOne({"_id": 4}, {"$inc": {"j": 1}}, upsert=True),
        ReplaceOne({"j": 1}, {"j": 2}),
    ]
)
pprint(result.bulk_api_result)
print(result.upserted_ids, result.inserted_count, result.deleted_count, repr(result))

requests = [
    ReplaceOne({"j": 2}, {"i": 5}),
    InsertOne({"_id": 4}),  # it is there already
    DeleteOne({"i": 5}),
]
try:
    db.test.bulk_write(requests)
except BulkWriteError as bwe:
    pprint(bwe.details)
    print(bwe.code, bwe)

requests = [
    InsertOne({"_id": 1}),
    DeleteOne({"_id": 2}),
    InsertOne({"_id": 3}),
    ReplaceOne({"_id": 4}, {"i": 1}),
    UpdateMany({}, {"$set": {"seen": True}}),
]
try:
    db.test.bulk_write(requests, ordered=False)
except BulkWriteError as bwe:
    pprint(bwe.details)

coll = db.get_collection("test", write_concern=WriteConcern(w=3, wtimeout=1))
try:
    coll.bulk_write([InsertOne({"a": i}) for i in range(4)])
except BulkWriteError as bwe:
    details = bwe.details
    print(details["nInserted"], [error["code"] for error in details["writeConcernErrors"]])
for request in requests:
    print(repr(request))
client.drop_database("bulk_example")
