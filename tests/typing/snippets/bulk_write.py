from typing import Any

from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection


def bulk(c: Collection[dict[str, Any]]) -> None:
    result = c.bulk_write(
        [
            InsertOne({"a": 1}),
            UpdateOne({"a": 1}, {"$set": {"b": 1}}, upsert=True),
            UpdateMany({}, {"$inc": {"a": 1}}),
            ReplaceOne({"a": 1}, {"a": 2}),
            DeleteOne({"a": 1}),
            DeleteMany({"a": 1}),
        ],
        ordered=False,
    )
    reveal_type(result)
    reveal_type(result.upserted_ids)
    reveal_type(result.inserted_count)
    reveal_type(result.bulk_api_result)
    updates = [UpdateOne({"_id": i}, {"$set": {"a": i}}) for i in range(3)]
    c.bulk_write(updates)
