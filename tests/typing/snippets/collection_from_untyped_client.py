from typing import Any, TypedDict

from pymongo import MongoClient
from pymongo.collection import Collection


class Row(TypedDict):
    a: int


client: MongoClient[dict[str, Any]] = MongoClient()
rows: Collection[Row] = client.db.rows
