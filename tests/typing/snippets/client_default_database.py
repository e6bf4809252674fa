from typing import Any

from pymongo import MongoClient, ReadPreference, WriteConcern


def default(client: MongoClient[dict[str, Any]]) -> str:
    database = client.get_default_database("test")
    reveal_type(database)
    reveal_type(client.get_database("a", read_preference=ReadPreference.SECONDARY))
    client.get_database("a", write_concern=WriteConcern(w="majority"))
    client.get_database("a", read_preference="secondary")
    return database.name
