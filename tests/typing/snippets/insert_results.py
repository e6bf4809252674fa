from typing import Any

from pymongo.collection import Collection


def insert(c: Collection[dict[str, Any]]) -> None:
    one = c.insert_one({"a": 1})
    reveal_type(one)
    reveal_type(one.inserted_id)
    reveal_type(one.acknowledged)
    many = c.insert_many([{"a": 1}, {"a": "b"}], ordered=False)
    reveal_type(many)
    reveal_type(many.inserted_ids)
    one.inserted_ids
    many.inserted_ids = []
    c.insert_many({"a": 1})
    c.insert_one([{"a": 1}])
    c.insert_one({"a": 1}, ordered=True)
