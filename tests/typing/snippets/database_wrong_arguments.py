from typing import Any

from pymongo.database import Database


def wrong(db: Database[dict[str, Any]]) -> int:
    db.create_collection(3)
    db.list_collection_names(filter="a")
    db.command("ping", check="yes")
    db.validate_collection("a", scandata=1, complete=True)
    return db.list_collection_names()
