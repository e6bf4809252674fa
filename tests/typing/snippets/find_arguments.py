from typing import Any

import pymongo
from pymongo.collection import Collection


def find(c: Collection[dict[str, Any]], **more: int) -> None:
    cursor = c.find({"a": 1}, {"_id": 0}, sort=[("a", pymongo.DESCENDING)], limit=3)
    reveal_type(cursor)
    options = {"skip": 1, "limit": 2}
    c.find({}, **options)
    c.find(**more)
    c.find_one({"_id": 1}, sort=[("a", 1)], max_time_ms=5)
    c.find_one("id")
    c.find_one()
