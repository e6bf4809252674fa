from bson import SON
from pymongo import MongoClient

client = MongoClient(document_class=SON[str, int])
reveal_type(client)
reveal_type(client.db.c.find_one())
reveal_type(MongoClient(document_class=dict[str, str], tz_aware=True).db.c.find())
