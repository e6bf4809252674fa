from typing import Any, TypedDict

from pymongo.collection import Collection


class Row(TypedDict):
    a: int


def aggregate(c: Collection[dict[str, Any]], rows: Collection[Row]) -> None:
    cursor = c.aggregate([{"$group": {"_id": "$a", "n": {"$sum": 1}}}], allowDiskUse=True)
    reveal_type(cursor)
    reveal_type(next(cursor))
    reveal_type(cursor.to_list(3))
    reveal_type(cursor.try_next())
    reveal_type(rows.aggregate([]))
    reveal_type(c.database.aggregate([{"$currentOp": {}}]))
    pipeline = [{"$match": {"a": 1}}, {"$sort": {"a": 1}}, {"$limit": 1}]
    c.aggregate(pipeline)
    c.aggregate({"$match": {}})
    c.aggregate("x")
    with c.aggregate([]) as results:
        for result in results:
            reveal_type(result)
