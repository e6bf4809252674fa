import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

with pymongo.timeout(3):
    client: MongoClient[dict[str, str]] = MongoClient()
    try:
        reveal_type(client.db.c.find_one())
    except PyMongoError as exc:
        reveal_type(exc.timeout)
pymongo.timeout("3")
reveal_type(pymongo.version)
reveal_type(pymongo.version_tuple)
reveal_type(pymongo.has_c())
reveal_type(pymongo.ASCENDING)
