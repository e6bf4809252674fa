from typing import Any

from pymongo import DeleteOne, InsertOne, MongoClient


def bulk(client: MongoClient[dict[str, Any]]) -> None:
    result = client.bulk_write(
        [InsertOne({"a": 1}, namespace="db.c"), DeleteOne({}, namespace="db.d")],
        verbose_results=True,
    )
    reveal_type(result)
    reveal_type(result.insert_results)
    reveal_type(result.deleted_count)
    client.bulk_write(1)
