from typing import Any

from pymongo import MongoClient

client: MongoClient[dict[str, Any]] = MongoClient("mongodb://localhost", serverSelectionTimeoutMS=5)
reveal_type(client)
reveal_type(client["shop"])
reveal_type(client.shop)
reveal_type(client.shop.orders)
reveal_type(client["shop"]["orders"].find_one({"_id": 1}))
