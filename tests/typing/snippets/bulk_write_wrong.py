from typing import Any, TypedDict

from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.collection import Collection


class Row(TypedDict):
    a: int


def bulk(c: Collection[dict[str, Any]], rows: Collection[Row]) -> None:
    c.bulk_write(DeleteOne({}))
    rows.bulk_write([InsertOne(Row(a=1))])
    UpdateOne({})
    UpdateOne("x", {"$set": {}})
    requests = []
    requests.append(InsertOne({"a": 1}))
    requests.append(DeleteOne({"a": 1}))
    c.bulk_write(requests)
