"""The examples of aggregation, collations and geospatial indexes."""

import sys
from pprint import pprint

import pymongo
from bson.son import SON
from pymongo import GEO2D, MongoClient
from pymongo.collation import Collation, CollationStrength

client = MongoClient(sys.argv[1])
client.drop_database("aggregation_example")
db = client.aggregation_example
result = db.things.insert_many(
    [
        {"x": 1, "tags": ["dog", "cat"]},
        {"x": 2, "tags": ["cat"]},
        {"x": 2, "tags": ["mouse", "cat", "dog"]},
        {"x": 3, "tags": []},
    ]
)
print(len(result.inserted_ids))
pipeline = [
    {"$unwind": "$tags"},
    {"$group": {"_id": "$tags", "count": {"$sum": 1}}},
    {"$sort": SON([("count", -1), ("_id", -1)])},
]
pprint(list(db.things.aggregate(pipeline)))
plan = db.command("aggregate", "things", pipeline=pipeline, explain=True)
print(plan["ok"], sorted(plan)[:2])
print(sorted(db.things.distinct("tags")))
cursor = db.things.aggregate([{"$group": {"_id": None, "total": {"$sum": "$x"}}}])
print(type(cursor).__name__, cursor.alive, cursor.next())

# Collations.
db.create_collection("contacts", collation=Collation(locale="fr_CA"))
db.contacts.insert_many([{"first_name": n} for n in ("Bob", "bob", "Ute", "\xdcmit")])
print(db.contacts.create_index("first_name", name="by_name", collation=Collation(locale="de")))
for doc in db.contacts.find({}, {"_id": 0}).sort("first_name"):
    print(doc)
strength = Collation(locale="en", strength=CollationStrength.SECONDARY)
print(db.contacts.count_documents({"first_name": "BOB"}, collation=strength))
result = db.contacts.update_many(
    {"first_name": "bob"}, {"$set": {"verified": True}}, collation=strength
)
print(result.matched_count, result.modified_count)
print(db.contacts.options()["collation"]["locale"])

# Places.
print(db.places.create_index([("loc", GEO2D)]))
places = [{"loc": [2, 5]}, {"loc": [30, 5]}, {"loc": [1, 2]}, {"loc": [4, 4]}]
print(len(db.places.insert_many(places).inserted_ids))
for doc in db.places.find({"loc": {"$near": [3, 6]}}, {"_id": 0}).limit(3):
    pprint(doc)
query = {"loc": SON([("$near", [3, 6]), ("$maxDistance", 100)])}
for doc in db.places.find(query, {"_id": 0}).limit(3):
    pprint(doc)
query = {"loc": {"$within": {"$box": [[2, 2], [5, 6]]}}}
for doc in db.places.find(query, {"_id": 0}).sort("loc", pymongo.ASCENDING):
    pprint(doc)
query = {"loc": {"$within": {"$center": [[0, 0], 6]}}}
for doc in db.places.find(query, {"_id": 0}).sort("loc", pymongo.DESCENDING):
    pprint(doc)

client.drop_database("aggregation_example")
