from typing import TypedDict

from pymongo import MongoClient


class Row(TypedDict):
    a: int


client: MongoClient[Row] = MongoClient(document_class=Row)
reveal_type(client.db.c.find_one())
reveal_type(client.db.c.aggregate([]))
client.db.c.insert_one({"a": 1})
client.db.c.insert_one({"b": 1})
reveal_type(client.db.c.find_one_and_delete({}))
