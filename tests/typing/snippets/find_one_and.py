from typing import Any, TypedDict

from pymongo import ReturnDocument
from pymongo.collection import Collection


class Row(TypedDict):
    a: int


def change(rows: Collection[Row], c: Collection[dict[str, Any]]) -> Row:
    reveal_type(rows.find_one_and_delete({"a": 1}))
    reveal_type(c.find_one_and_replace({}, {"a": 1}, projection=["a"]))
    row = rows.find_one_and_update(
        {"a": 1}, {"$inc": {"a": 1}}, return_document=ReturnDocument.AFTER, sort=[("a", -1)]
    )
    reveal_type(row)
    print(row["a"])
    c.find_one_and_update({}, {"$set": {"a": 1}}, upsert="yes")
    return row
