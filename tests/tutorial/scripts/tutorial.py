"""The tutorial: connecting, databases, collections, documents, queries, counting, indexes."""

import datetime
import pprint
import sys

import pymongo
from bson.objectid import ObjectId
from pymongo import MongoClient

client = MongoClient(sys.argv[1])
db = client["test-database"]
print(type(client).__name__, type(db).__name__, db.name)
collection = db.test_collection
print(type(collection).__name__, collection.full_name, db["test-collection"].name)

# Documents, and inserting one.
post = {
    "author": "Mike",
    "text": "My first blog post!",
    "tags": ["mongodb", "python", "pymongo"],
    "date": datetime.datetime(2009, 11, 10, 10, 53, tzinfo=datetime.UTC),
}
posts = db.posts
post_id = posts.insert_one(post).inserted_id
print(type(post_id), post["_id"] == post_id, list(post))
print(db.list_collection_names())

# Getting a single document.
shown = posts.find_one()
del shown["_id"]
pprint.pprint(shown)
print(posts.find_one({"author": "Mike"})["text"])
print(posts.find_one({"author": "Eliot"}))

# By its id: a string is not an ObjectId.
print(posts.find_one({"_id": post_id})["author"])
print(posts.find_one({"_id": str(post_id)}))


def get(text):
    return client["test-database"].posts.find_one({"_id": ObjectId(text)})


print(get(str(post_id))["author"])

# Several at once.
new_posts = [
    {
        "author": "Mike",
        "text": "Another post!",
        "tags": ["bulk", "insert"],
        "date": datetime.datetime(2009, 11, 12, 11, 14),
    },
    {
        "author": "Eliot",
        "title": "MongoDB is fun",
        "text": "and pretty easy too!",
        "date": datetime.datetime(2009, 11, 10, 10, 45),
    },
]
result = posts.insert_many(new_posts)
print(len(result.inserted_ids), result.acknowledged, [type(i) for i in result.inserted_ids])

# Querying for more than one document.
for post in posts.find():
    pprint.pprint({name: value for name, value in post.items() if name != "_id"})
for post in posts.find({"author": "Mike"}):
    print(post["text"])

print(posts.count_documents({}), posts.count_documents({"author": "Mike"}))

# A range, sorted.
d = datetime.datetime(2009, 11, 12, 12)
for post in posts.find({"date": {"$lt": d}}).sort("author"):
    print(post["author"], post["text"], post["date"])

# Indexes.
print(db.profiles.create_index([("user_id", pymongo.ASCENDING)], unique=True))
print(sorted(db.profiles.index_information()))
print(db.profiles.index_information()["user_id_1"])
user_profiles = [{"user_id": 211, "name": "Luke"}, {"user_id": 212, "name": "Ziltoid"}]
print(len(db.profiles.insert_many(user_profiles).inserted_ids))
print(db.profiles.insert_one({"user_id": 213, "name": "Drew"}).acknowledged)
try:
    db.profiles.insert_one({"user_id": 212, "name": "Tommy"})
except pymongo.errors.DuplicateKeyError as exc:
    print(type(exc), exc.code, exc.details["keyPattern"], exc.details["keyValue"])
    print(exc)

client.drop_database("test-database")
client.close()
