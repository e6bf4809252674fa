from typing import Any

from pymongo.database import Database


def collections(db: Database[dict[str, Any]]) -> list[str]:
    reveal_type(db.list_collections())
    reveal_type(db.client)
    reveal_type(db["a"])
    reveal_type(db.a.b)
    reveal_type(db.create_collection("a", capped=True, size=100))
    reveal_type(db.drop_collection("a"))
    reveal_type(db.validate_collection(db.a))
    return db.list_collection_names(filter={"name": {"$regex": "^a"}})
