from typing import Any

from pymongo import MongoClient

with MongoClient[dict[str, Any]]() as client:
    reveal_type(client.server_info())
    reveal_type(client.server_info()["version"])
    reveal_type(client.list_databases())
    for database in client.list_databases():
        reveal_type(database)
    client.drop_database(client.old)
    client.drop_database("old")
    client.drop_database(3)
